//! Reads a given value as the type that its key wants.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use super::parser::GivenValue;
use crate::http::field_error::InvalidValue;

impl GivenValue<'_> {
    pub fn flag(&self) -> Result<bool, InvalidValue> {
        self.value.as_bool().ok_or_else(|| InvalidValue::new("bool_type", "must be true or false"))
    }

    pub fn number(&self) -> Result<f64, InvalidValue> {
        self.value.as_f64().ok_or_else(|| InvalidValue::new("float_type", "must be a number"))
    }

    /// Also a whole number that is written with a decimal point.
    pub fn integer(&self, range: RangeInclusive<u32>) -> Result<u32, InvalidValue> {
        let number = self.number().ok().filter(|number| number.fract() == 0.0);
        let number = number.ok_or_else(|| InvalidValue::new("int_type", "must be a whole number"))?;
        within(number, f64::from(*range.start()), f64::from(*range.end()))?;
        // Whole and within the bounds of a u32.
        Ok(number as u32)
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

pub fn text(value: &Value) -> Result<&str, InvalidValue> {
    value.as_str().ok_or_else(|| InvalidValue::new("string_type", "must be text"))
}

pub fn map(value: &Value) -> Result<&Map<String, Value>, InvalidValue> {
    value.as_object().ok_or_else(|| InvalidValue::new("dict_type", "must be an object"))
}

/// Both bounds are allowed.
pub fn within(number: f64, least: f64, most: f64) -> Result<f64, InvalidValue> {
    if number < least {
        return Err(InvalidValue::new("greater_than_equal", format!("must be at least {least}")));
    }
    if number > most {
        return Err(InvalidValue::new("less_than_equal", format!("must be at most {most}")));
    }
    Ok(number)
}
