//! Limits on the size of a schema with its references expanded. A short schema with nested references can expand
//! exponentially, so it is checked before a validator is built.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::invalid::InvalidSchema;

/// The limit on the schema's text, which is sent with every request.
const MAX_BYTES: usize = 256 * 1024;
/// The limit on the values in the expanded schema; a cycle is expanded once.
const MAX_VALUES: u64 = 100_000;
/// The limit on the nesting of the expanded schema.
const MAX_LEVELS: u32 = 128;

/// # Errors
/// The schema is too large, or contains a schema with its own `$id`.
pub fn check(schema: &Value) -> Result<(), InvalidSchema> {
    let invalid = |pointer: &str, reason: String| Err(InvalidSchema { pointer: pointer.to_owned(), reason });
    if schema.to_string().len() > MAX_BYTES {
        return invalid("", format!("larger than {} KiB", MAX_BYTES / 1024));
    }
    let mut names = HashMap::new();
    if let Some(pointer) = embedded(schema, "", &mut names) {
        return invalid(&pointer, "a nested schema with its own `$id` is not supported".to_owned());
    }
    let mut expansion = Expansion { root: schema, names, known: HashMap::new(), open: HashSet::new() };
    if expansion.has_cycle_below(schema, &mut HashMap::new()) {
        return invalid("", "a reference leads back to itself at the same level of the value".to_owned());
    }
    let measured = expansion.measure(schema);
    if measured.height > MAX_LEVELS {
        return invalid("", format!("nested more than {MAX_LEVELS} levels deep, including references"));
    }
    if measured.values > MAX_VALUES {
        return invalid("", format!("expands to more than {MAX_VALUES} values, including references"));
    }
    Ok(())
}

/// JSON Pointer to a schema with its own `$id` below the root. Also collects all anchors.
fn embedded<'a>(value: &'a Value, pointer: &str, names: &mut HashMap<&'a str, &'a Value>) -> Option<String> {
    match value {
        Value::Object(keywords) => {
            if !pointer.is_empty() && keywords.get("$id").is_some_and(|id| id.is_string()) {
                return Some(pointer.to_owned());
            }
            for anchor in ["$anchor", "$dynamicAnchor"] {
                if let Some(name) = keywords.get(anchor).and_then(Value::as_str) {
                    names.insert(name, value);
                }
            }
            keywords.iter().find_map(|(key, value)| embedded(value, &format!("{pointer}/{key}"), names))
        }
        Value::Array(list) => {
            (0_usize..).zip(list).find_map(|(n, value)| embedded(value, &format!("{pointer}/{n}"), names))
        }
        _ => None,
    }
}

/// The size of a value with its references expanded.
#[derive(Clone, Copy, Default)]
struct Size {
    values: u64,
    height: u32,
}

struct Expansion<'a> {
    root: &'a Value,
    names: HashMap<&'a str, &'a Value>,
    /// Measured values by their memory address.
    known: HashMap<*const Value, Size>,
    /// Values that are being measured.
    open: HashSet<*const Value>,
}

/// Keywords whose schemas apply to the same value as the schema that contains them.
const IN_PLACE: [&str; 11] = [
    "$ref",
    "$dynamicRef",
    "$recursiveRef",
    "allOf",
    "anyOf",
    "oneOf",
    "not",
    "if",
    "then",
    "else",
    "dependentSchemas",
];

impl<'a> Expansion<'a> {
    fn measure(&mut self, value: &'a Value) -> Size {
        let at = std::ptr::from_ref(value);
        if let Some(known) = self.known.get(&at) {
            return *known;
        }
        // Deeper schemas are rejected.
        if self.open.len() > MAX_LEVELS as usize {
            return Size { values: 1, height: MAX_LEVELS + 1 };
        }
        if !self.open.insert(at) {
            return Size { values: 1, height: 1 };
        }
        let mut size = Size { values: 1, height: 0 };
        match value {
            Value::Object(keywords) => {
                keywords.iter().for_each(|(key, value)| size.add(self.measure(self.resolved(key, value))));
            }
            Value::Array(list) => list.iter().for_each(|value| size.add(self.measure(value))),
            _ => {}
        }
        size.height += 1;
        self.open.remove(&at);
        self.known.insert(at, size);
        size
    }

    /// Whether a schema at or below `value` refers to itself for the same value; validation would not end in useful time.
    /// `seen`: the visited schemas, and whether their references are still being followed.
    fn has_cycle_below(&self, value: &'a Value, seen: &mut HashMap<*const Value, bool>) -> bool {
        let below = |value: &'a Value, seen: &mut _| self.has_cycle_below(value, seen);
        match value {
            Value::Object(fields) => self.has_cycle(value, 0, seen) || fields.values().any(|value| below(value, seen)),
            Value::Array(list) => list.iter().any(|value| below(value, seen)),
            _ => false,
        }
    }

    fn has_cycle(&self, value: &'a Value, steps: u32, seen: &mut HashMap<*const Value, bool>) -> bool {
        let at = std::ptr::from_ref(value);
        if let Some(open) = seen.get(&at) {
            return *open;
        }
        // A longer chain of references is rejected for its length.
        if steps > MAX_LEVELS {
            return false;
        }
        seen.insert(at, true);
        let found = match value {
            Value::Object(keywords) => {
                keywords.iter().filter(|(key, _)| IN_PLACE.contains(&key.as_str())).any(|(key, value)| {
                    match self.resolved(key, value) {
                        Value::Object(named) if key == "dependentSchemas" => {
                            named.values().any(|value| self.has_cycle(value, steps + 1, seen))
                        }
                        Value::Array(list) => list.iter().any(|value| self.has_cycle(value, steps + 1, seen)),
                        one => self.has_cycle(one, steps + 1, seen),
                    }
                })
            }
            _ => false,
        };
        seen.insert(at, false);
        found
    }

    /// The value, or the value that it refers to.
    fn resolved(&self, key: &str, value: &'a Value) -> &'a Value {
        value.as_str().filter(|_| key.ends_with("ef")).and_then(|target| self.target(target)).unwrap_or(value)
    }

    /// The target of `$ref`, `$dynamicRef` or `$recursiveRef` within the schema.
    fn target(&self, reference: &str) -> Option<&'a Value> {
        let (_, fragment) = reference.split_once('#')?;
        let fragment = decoded(fragment);
        self.root.pointer(&fragment).or_else(|| self.names.get(fragment.as_str()).copied())
    }
}

impl Size {
    fn add(&mut self, other: Size) {
        self.values = self.values.saturating_add(other.values);
        self.height = self.height.max(other.height);
    }
}

/// `fragment` without percent-encoding.
fn decoded(fragment: &str) -> String {
    url::form_urlencoded::parse(format!("x={}", fragment.replace('+', "%2B").replace('&', "%26")).as_bytes())
        .next()
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, json};

    use super::*;

    #[test]
    fn exponential_references_are_rejected() {
        for encoded in ["#/$defs/d", "#/%24defs/d", "x#/$defs/d"] {
            let twice =
                |n: usize| json!({"allOf": [{"$ref": format!("{encoded}{n}")}, {"$ref": format!("{encoded}{n}")}]});
            let mut defs: Map<_, _> = (0..40).map(|n| (format!("d{n}"), twice(n + 1))).collect();
            defs.insert("d40".to_owned(), json!({"type": "object"}));
            let schema = json!({"$defs": defs, "$ref": "#/$defs/d0"});
            assert!(check(&schema).unwrap_err().reason.contains("expands"), "{encoded}");
        }
    }

    #[test]
    fn recursion_and_shared_definitions_are_accepted() {
        let node = json!({"type": "object", "properties": {"left": {"$ref": "#node"}, "right": {"$ref": "#/$defs/node"}},
            "$anchor": "node"});
        assert_eq!(check(&json!({"$defs": {"node": node}, "$ref": "#/$defs/node"})), Ok(()));
    }

    #[test]
    fn reference_cycle_at_one_level_is_rejected() {
        let others = |own: usize| (0..6).filter(move |other| *other != own);
        let all =
            |own| json!({"allOf": others(own).map(|n| json!({"$ref": format!("#/$defs/d{n}")})).collect::<Value>()});
        let defs: Map<_, _> = (0..6).map(|n| (format!("d{n}"), all(n))).collect();
        let in_property = json!({"properties": {"a": {"$ref": "#/$defs/x"}}, "allOf": [{"$ref": "#/$defs/x"}],
            "$defs": {"x": {"allOf": [{"$ref": "#"}]}}});
        for schema in [in_property, json!({"$ref": "#"}), json!({"anyOf": [{"$ref": "#"}]}), json!({"$defs": defs})] {
            assert!(check(&schema).unwrap_err().reason.contains("back to itself"), "{schema}");
        }
    }

    #[test]
    fn long_chain_of_references_is_rejected_in_any_order() {
        let link = |n: usize| (format!("d{n}"), json!({"$ref": format!("#/$defs/d{}", n + 1)}));
        let forwards: Map<_, _> = (0..5000).map(link).chain([("d5000".to_owned(), json!({}))]).collect();
        let backwards: Map<_, _> = forwards.clone().into_iter().rev().collect();
        for defs in [forwards, backwards] {
            assert!(check(&json!({"$defs": defs})).unwrap_err().reason.contains("deep"));
        }
    }

    #[test]
    fn nested_id_or_huge_text_is_rejected() {
        let embedded = json!({"$defs": {"a": {"$id": "https://example.com/a", "type": "string"}}});
        assert_eq!(check(&embedded).unwrap_err().pointer, "/$defs/a");
        assert_eq!(
            check(&json!({"$id": "https://example.com/whole", "properties": {"$id": {"type": "string"}}})),
            Ok(())
        );
        assert!(check(&json!({"description": "x".repeat(MAX_BYTES)})).is_err());
    }
}
