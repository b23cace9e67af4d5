//! The value that a request gives for a key, and its conversion to the type that the key needs.

use std::ops::RangeInclusive;

use serde_json::{Map, Number, Value};

use crate::http::crawl4ai::request_fields::parse_bool;
use crate::http::field_error::{FieldPath, InvalidValue};

/// A value that was given for a key of the table.
pub struct GivenValue<'a> {
    /// Normalized.
    pub value: &'a Value,
    pub path: FieldPath,
    /// It is Crawl4AI's default, which its client sends without being asked.
    pub is_default: bool,
}

impl GivenValue<'_> {
    pub fn flag(&self) -> Result<bool, InvalidValue> {
        flag(self.value)
    }

    pub fn number(&self, range: RangeInclusive<f64>) -> Result<f64, InvalidValue> {
        number(self.value, range)
    }

    /// Also a whole number with a decimal point.
    pub fn integer(&self, range: RangeInclusive<u32>) -> Result<u32, InvalidValue> {
        let integer = as_number(self.value).filter(|number| number.fract() == 0.0);
        let integer = integer.ok_or_else(|| InvalidValue::new("int_type", "must be a whole number"))?;
        let integer = within(integer, f64::from(*range.start())..=f64::from(*range.end()))?;
        // Whole and within the range of a u32.
        Ok(integer as u32)
    }

    pub fn text(&self) -> Result<&str, InvalidValue> {
        text(self.value)
    }

    pub fn list(&self) -> Result<&[Value], InvalidValue> {
        self.value.as_array().map(Vec::as_slice).ok_or_else(|| InvalidValue::new("list_type", "must be a list"))
    }

    pub fn map(&self) -> Result<&Map<String, Value>, InvalidValue> {
        map(self.value)
    }
}

/// A boolean, see [`parse_bool`].
pub fn flag(value: &Value) -> Result<bool, InvalidValue> {
    parse_bool(value).ok_or_else(|| InvalidValue::new("bool_type", "must be true or false"))
}

/// A number, also as a string.
pub fn number(value: &Value, range: RangeInclusive<f64>) -> Result<f64, InvalidValue> {
    let number = as_number(value).ok_or_else(|| InvalidValue::new("float_type", "must be a number"))?;
    within(number, range)
}

pub fn text(value: &Value) -> Result<&str, InvalidValue> {
    value.as_str().ok_or_else(|| InvalidValue::new("string_type", "must be a string"))
}

pub fn map(value: &Value) -> Result<&Map<String, Value>, InvalidValue> {
    value.as_object().ok_or_else(|| InvalidValue::new("dict_type", "must be an object"))
}

fn as_number(value: &Value) -> Option<f64> {
    value.as_str().map_or_else(|| value.as_f64(), |text| parse_number(text)?.as_f64())
}

/// `None`: the text is not a finite number.
pub fn parse_number(text: &str) -> Option<Value> {
    let text = text.trim();
    text.parse::<i64>().map(Value::from).ok().or_else(|| Some(Number::from_f64(text.parse().ok()?)?.into()))
}

fn within(number: f64, range: RangeInclusive<f64>) -> Result<f64, InvalidValue> {
    let (min, max) = range.into_inner();
    // Negative zero is less than zero.
    if number.total_cmp(&min).is_lt() {
        return Err(InvalidValue::new("greater_than_equal", format!("must be at least {min}")));
    }
    if number > max {
        return Err(InvalidValue::new("less_than_equal", format!("must be at most {max}")));
    }
    Ok(number)
}
