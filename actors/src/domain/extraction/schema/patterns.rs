//! Counts the regular expressions of a schema against the budget of its request.

use opilio_page::PatternCompiler;
use serde_json::Value;

use super::invalid::InvalidSchema;

/// Bytes of one compiled regular expression; also what an expression counts that only the validator's engine can compile.
pub const MAX_PATTERN_BYTES: usize = 1 << 20;
/// Bytes of the compiled schema per byte of its text.
const BYTES_PER_SCHEMA_BYTE: usize = 16;

/// # Errors
/// The schema exceeds the budget of the request.
pub fn charge(schema: &Value, compiler: &PatternCompiler) -> Result<(), InvalidSchema> {
    compiler.charge(schema.to_string().len() * BYTES_PER_SCHEMA_BYTE).map_err(|reason| invalid("", reason))?;
    charge_patterns(schema, "", &mut |pointer, pattern| {
        compiler.charge_pattern(pattern, MAX_PATTERN_BYTES).map_err(|reason| invalid(pointer, reason))
    })
}

fn invalid(pointer: &str, reason: String) -> InvalidSchema {
    InvalidSchema { pointer: pointer.to_owned(), reason }
}

/// Calls `charge` with each `pattern` and each name in `patternProperties`, and its JSON Pointer.
fn charge_patterns(
    value: &Value,
    pointer: &str,
    charge: &mut impl FnMut(&str, &str) -> Result<(), InvalidSchema>,
) -> Result<(), InvalidSchema> {
    match value {
        Value::Object(keywords) => keywords.iter().try_for_each(|(key, value)| {
            let pointer = format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"));
            match (key.as_str(), value) {
                ("pattern", Value::String(pattern)) => charge(&pointer, pattern)?,
                ("patternProperties", Value::Object(properties)) => {
                    properties.keys().try_for_each(|pattern| charge(&pointer, pattern))?;
                }
                _ => {}
            }
            charge_patterns(value, &pointer, charge)
        }),
        Value::Array(list) => {
            (0_usize..).zip(list).try_for_each(|(n, value)| charge_patterns(value, &format!("{pointer}/{n}"), charge))
        }
        _ => Ok(()),
    }
}
