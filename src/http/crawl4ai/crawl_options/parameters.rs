//! The parameters of a filter or a strategy: `{"type": name, "params": {…}}`.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use super::value::{flag, map, number, text};
use crate::http::crawl4ai::report::Report;
use crate::http::field_error::{FieldPath, InvalidValue};

/// The parameters that are not `null`.
pub struct Parameters<'v> {
    map: Option<&'v Map<String, Value>>,
    path: &'v FieldPath,
}

impl<'v> Parameters<'v> {
    /// Warns of parameters that are not in `known`. `params` may be absent. `path` is that of the filter or strategy.
    pub fn new(params: Option<&'v Value>, path: &'v FieldPath, known: &[&str], report: &mut Report) -> Option<Self> {
        let map = match params {
            Some(params) => Some(report.check(&path.child("params"), map(params))?),
            None => None,
        };
        for name in map.iter().flat_map(|map| map.keys()).filter(|name| !known.contains(&name.as_str())) {
            report.warn(&path.child(name.as_str()), "unknown key");
        }
        Some(Self { map, path })
    }

    pub fn get(&self, name: &str) -> Option<&'v Value> {
        self.map?.get(name).filter(|value| !value.is_null())
    }

    pub fn path(&self, name: &str) -> FieldPath {
        self.path.child(name)
    }

    pub fn text(&self, name: &str, report: &mut Report) -> Option<&'v str> {
        report.check(&self.path(name), text(self.get(name)?))
    }

    pub fn flag(&self, name: &str, report: &mut Report) -> Option<bool> {
        report.check(&self.path(name), flag(self.get(name)?))
    }

    pub fn number(&self, name: &str, range: RangeInclusive<f64>, report: &mut Report) -> Option<f64> {
        report.check(&self.path(name), number(self.get(name)?, range))
    }

    /// Converts a parameter by `parse`; an absent one is the default.
    pub fn parse<T: Default>(
        &self,
        name: &str,
        parse: impl Fn(&Value) -> Result<T, InvalidValue>,
        report: &mut Report,
    ) -> Option<T> {
        report.check(&self.path(name), self.get(name).map_or_else(|| Ok(T::default()), parse))
    }
}
