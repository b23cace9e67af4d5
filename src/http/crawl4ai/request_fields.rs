//! Access to the fields of a JSON object in a request. A field that is `null` counts as absent.

use opilio_actors::domain::engine::Engine;
use serde_json::{Map, Value};

use super::report::Report;
use crate::http::field_error::{FieldPath, InvalidValue, Rejection};

/// The fields of one JSON object, with the object's path.
pub struct RequestFields<'a> {
    map: &'a Map<String, Value>,
    path: FieldPath,
}

impl<'a> RequestFields<'a> {
    pub fn new(map: &'a Map<String, Value>, path: FieldPath) -> Self {
        Self { map, path }
    }

    /// # Errors
    /// The body is not an object.
    pub fn of_body(body: &'a Value) -> Result<Self, Rejection> {
        let path = FieldPath::body();
        match body {
            Value::Object(map) => Ok(Self { map, path }),
            _ => Err(InvalidValue::new("model_attributes_type", "must be an object").at(&path).into()),
        }
    }

    pub fn path(&self, name: &str) -> FieldPath {
        self.path.child(name)
    }

    pub fn get(&self, name: &str) -> Option<&'a Value> {
        self.map.get(name).filter(|value| !value.is_null())
    }

    /// A string field. A value of another type is an error.
    pub fn text(&self, name: &str, report: &mut Report) -> Option<&'a str> {
        let text = self.get(name)?.as_str();
        let text = text.ok_or_else(|| InvalidValue::new("string_type", "must be a string"));
        report.check(&self.path(name), text)
    }

    /// A boolean field, see [`parse_bool`]. Another value is an error.
    pub fn flag(&self, name: &str, report: &mut Report) -> Option<bool> {
        let flag = parse_bool(self.get(name)?);
        let flag = flag.ok_or_else(|| InvalidValue::new("bool_type", "must be true or false"));
        report.check(&self.path(name), flag)
    }

    /// The field `engine`.
    pub fn engine(&self, report: &mut Report) -> Option<Engine> {
        let engine = Engine::parse(self.text("engine", report)?);
        let engine = engine.ok_or_else(|| InvalidValue::value("must be http, smart or browser"));
        report.check(&self.path("engine"), engine)
    }

    /// Warns of every field that is not in `known`.
    pub fn warn_unknown(&self, known: &[&str], reason: &str, report: &mut Report) {
        let unknown = |(name, value): &(&String, &Value)| !value.is_null() && !known.contains(&name.as_str());
        for (name, _) in self.map.iter().filter(unknown) {
            report.warn(&self.path(name), reason);
        }
    }
}

/// A boolean, also as forms and environment variables write it: `"true"`, `"yes"`, `"on"`, `"1"`, `1`.
pub fn parse_bool(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::Number(number) => {
            number.as_f64().filter(|number| [0.0, 1.0].contains(number)).map(|number| number > 0.0)
        }
        Value::String(text) => match text.trim().to_ascii_lowercase().as_str() {
            "true" | "t" | "yes" | "y" | "on" | "1" => Some(true),
            "false" | "f" | "no" | "n" | "off" | "0" => Some(false),
            _ => None,
        },
        _ => None,
    }
}
