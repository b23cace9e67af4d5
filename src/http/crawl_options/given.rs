//! Reads a given value as the type that its key wants.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use super::reading::Given;
use super::report::Fault;

impl Given<'_> {
    pub fn flag(&self) -> Result<bool, Fault> {
        self.value.as_bool().ok_or_else(|| Fault::new("bool_type", "must be true or false"))
    }

    pub fn number(&self) -> Result<f64, Fault> {
        self.value.as_f64().ok_or_else(|| Fault::new("float_type", "must be a number"))
    }

    /// Also a whole number that is written with a decimal point.
    pub fn integer(&self, range: RangeInclusive<u32>) -> Result<u32, Fault> {
        let number = self.number().ok().filter(|number| number.fract() == 0.0);
        let number = number.ok_or_else(|| Fault::new("int_type", "must be a whole number"))?;
        within(number, f64::from(*range.start()), f64::from(*range.end()))?;
        // Whole and within the bounds of a u32.
        Ok(number as u32)
    }

    pub fn text(&self) -> Result<&str, Fault> {
        text(self.value)
    }

    pub fn list(&self) -> Result<&[Value], Fault> {
        self.value.as_array().map(Vec::as_slice).ok_or_else(|| Fault::new("list_type", "must be a list"))
    }

    pub fn map(&self) -> Result<&Map<String, Value>, Fault> {
        map(self.value)
    }
}

pub fn text(value: &Value) -> Result<&str, Fault> {
    value.as_str().ok_or_else(|| Fault::new("string_type", "must be text"))
}

pub fn map(value: &Value) -> Result<&Map<String, Value>, Fault> {
    value.as_object().ok_or_else(|| Fault::new("dict_type", "must be an object"))
}

/// Both bounds are allowed.
pub fn within(number: f64, least: f64, most: f64) -> Result<f64, Fault> {
    if number < least {
        return Err(Fault::new("greater_than_equal", format!("must be at least {least}")));
    }
    if number > most {
        return Err(Fault::new("less_than_equal", format!("must be at most {most}")));
    }
    Ok(number)
}
