//! Parses query parameters and collects the invalid ones.

use super::field_error::{FieldError, Loc};

/// The parsed value; `None` if the parameter is absent or, with an entry in `errors`, invalid. `expected` completes the
/// sentence "must be …".
pub fn parse<T>(
    name: &str,
    raw: Option<&str>,
    parse: impl Fn(&str) -> Option<T>,
    expected: &str,
    errors: &mut Vec<FieldError>,
) -> Option<T> {
    let raw = raw?;
    let parsed = parse(raw);
    if parsed.is_none() {
        let loc = vec![Loc::from("query"), Loc::from(name)];
        errors.push(FieldError { loc, msg: format!("must be {expected}"), kind: "value_error" });
    }
    parsed
}
