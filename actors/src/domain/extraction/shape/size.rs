//! How much a schema unfolds to. A few lines of references to references can stand for more than any validator ends
//! with, so what is too large is refused before one is built.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::BadSchema;

/// Bytes of a schema's text: it is sent with every question.
const MOST_BYTES: usize = 256 * 1024;
/// Values in a schema, with every reference replaced by what it refers to, once around each circle.
const MOST_VALUES: u64 = 100_000;
/// Objects and lists within each other, references followed.
const MOST_LEVELS: u32 = 128;

/// # Errors
/// The schema is too large, or holds schemas of other addresses.
pub fn check(schema: &Value) -> Result<(), BadSchema> {
    let bad = |place: &str, reason: String| Err(BadSchema { place: place.to_owned(), reason });
    if schema.to_string().len() > MOST_BYTES {
        return bad("", format!("at most {} KiB", MOST_BYTES / 1024));
    }
    let mut names = HashMap::new();
    if let Some(place) = embedded(schema, "", &mut names) {
        return bad(&place, "a schema with an address of its own cannot stand within another".to_owned());
    }
    let mut unfolding = Unfolding { root: schema, names, known: HashMap::new(), open: HashSet::new() };
    if unfolding.circles_below(schema, &mut HashMap::new()) {
        return bad("", "a reference leads back to itself without going deeper into the answer".to_owned());
    }
    let measured = unfolding.measure(schema);
    if measured.height > MOST_LEVELS {
        return bad("", format!("its references and levels are more than {MOST_LEVELS} deep"));
    }
    if measured.values > MOST_VALUES {
        return bad("", format!("its references unfold to more than {MOST_VALUES} values"));
    }
    Ok(())
}

/// The place of a schema with an address of its own below the root; gathers anchors on the way.
fn embedded<'a>(value: &'a Value, place: &str, names: &mut HashMap<&'a str, &'a Value>) -> Option<String> {
    match value {
        Value::Object(keywords) => {
            if !place.is_empty() && keywords.get("$id").is_some_and(|id| id.is_string()) {
                return Some(place.to_owned());
            }
            for anchor in ["$anchor", "$dynamicAnchor"] {
                if let Some(name) = keywords.get(anchor).and_then(Value::as_str) {
                    names.insert(name, value);
                }
            }
            keywords.iter().find_map(|(key, value)| embedded(value, &format!("{place}/{key}"), names))
        }
        Value::Array(list) => {
            (0_usize..).zip(list).find_map(|(n, value)| embedded(value, &format!("{place}/{n}"), names))
        }
        _ => None,
    }
}

/// What a value comes to with its references followed.
#[derive(Clone, Copy, Default)]
struct Measured {
    values: u64,
    height: u32,
}

struct Unfolding<'a> {
    root: &'a Value,
    names: HashMap<&'a str, &'a Value>,
    /// By the address of the value in memory.
    known: HashMap<*const Value, Measured>,
    /// Values being measured.
    open: HashSet<*const Value>,
}

/// Keywords that are about the same place of the answer as the schema that holds them.
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

impl<'a> Unfolding<'a> {
    fn measure(&mut self, value: &'a Value) -> Measured {
        let at = std::ptr::from_ref(value);
        if let Some(known) = self.known.get(&at) {
            return *known;
        }
        // Deeper than this it is refused anyway.
        if self.open.len() > MOST_LEVELS as usize {
            return Measured { values: 1, height: MOST_LEVELS + 1 };
        }
        if !self.open.insert(at) {
            return Measured { values: 1, height: 1 };
        }
        let mut sum = Measured { values: 1, height: 0 };
        match value {
            Value::Object(keywords) => {
                keywords.iter().for_each(|(key, value)| sum.add(self.measure(self.followed(key, value))));
            }
            Value::Array(list) => list.iter().for_each(|value| sum.add(self.measure(value))),
            _ => {}
        }
        sum.height += 1;
        self.open.remove(&at);
        self.known.insert(at, sum);
        sum
    }

    /// Whether anything at or below `value` leads back to itself at the same place of the answer: no validator comes to
    /// an end there in useful time. `seen`: whether a value's own way is still being followed.
    fn circles_below(&self, value: &'a Value, seen: &mut HashMap<*const Value, bool>) -> bool {
        let below = |value: &'a Value, seen: &mut _| self.circles_below(value, seen);
        match value {
            Value::Object(fields) => self.circles(value, 0, seen) || fields.values().any(|value| below(value, seen)),
            Value::Array(list) => list.iter().any(|value| below(value, seen)),
            _ => false,
        }
    }

    fn circles(&self, value: &'a Value, steps: u32, seen: &mut HashMap<*const Value, bool>) -> bool {
        let at = std::ptr::from_ref(value);
        if let Some(open) = seen.get(&at) {
            return *open;
        }
        // A longer way is refused for its length.
        if steps > MOST_LEVELS {
            return false;
        }
        seen.insert(at, true);
        let found = match value {
            Value::Object(keywords) => {
                keywords.iter().filter(|(key, _)| IN_PLACE.contains(&key.as_str())).any(|(key, value)| {
                    match self.followed(key, value) {
                        Value::Object(named) if key == "dependentSchemas" => {
                            named.values().any(|value| self.circles(value, steps + 1, seen))
                        }
                        Value::Array(list) => list.iter().any(|value| self.circles(value, steps + 1, seen)),
                        one => self.circles(one, steps + 1, seen),
                    }
                })
            }
            _ => false,
        };
        seen.insert(at, false);
        found
    }

    /// The value, or what it refers to.
    fn followed(&self, key: &str, value: &'a Value) -> &'a Value {
        value.as_str().filter(|_| key.ends_with("ef")).and_then(|target| self.target(target)).unwrap_or(value)
    }

    /// What `$ref`, `$dynamicRef` or `$recursiveRef` leads to within the schema.
    fn target(&self, reference: &str) -> Option<&'a Value> {
        let (_, fragment) = reference.split_once('#')?;
        let fragment = decoded(fragment);
        self.root.pointer(&fragment).or_else(|| self.names.get(fragment.as_str()).copied())
    }
}

impl Measured {
    fn add(&mut self, part: Measured) {
        self.values = self.values.saturating_add(part.values);
        self.height = self.height.max(part.height);
    }
}

/// Without percent-encoding.
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
    fn references_that_double_forty_times_are_refused() {
        for encoded in ["#/$defs/d", "#/%24defs/d", "x#/$defs/d"] {
            let twice =
                |n: usize| json!({"allOf": [{"$ref": format!("{encoded}{n}")}, {"$ref": format!("{encoded}{n}")}]});
            let mut defs: Map<_, _> = (0..40).map(|n| (format!("d{n}"), twice(n + 1))).collect();
            defs.insert("d40".to_owned(), json!({"type": "object"}));
            let schema = json!({"$defs": defs, "$ref": "#/$defs/d0"});
            assert!(check(&schema).unwrap_err().reason.contains("unfold"), "{encoded}");
        }
    }

    #[test]
    fn circles_and_shared_parts_are_fine() {
        let node = json!({"type": "object", "properties": {"left": {"$ref": "#node"}, "right": {"$ref": "#/$defs/node"}},
            "$anchor": "node"});
        assert_eq!(check(&json!({"$defs": {"node": node}, "$ref": "#/$defs/node"})), Ok(()));
    }

    #[test]
    fn a_circle_that_goes_no_deeper_is_refused() {
        let others = |own: usize| (0..6).filter(move |other| *other != own);
        let all =
            |own| json!({"allOf": others(own).map(|n| json!({"$ref": format!("#/$defs/d{n}")})).collect::<Value>()});
        let defs: Map<_, _> = (0..6).map(|n| (format!("d{n}"), all(n))).collect();
        let by_the_way = json!({"properties": {"a": {"$ref": "#/$defs/x"}}, "allOf": [{"$ref": "#/$defs/x"}],
            "$defs": {"x": {"allOf": [{"$ref": "#"}]}}});
        for schema in [by_the_way, json!({"$ref": "#"}), json!({"anyOf": [{"$ref": "#"}]}), json!({"$defs": defs})] {
            assert!(check(&schema).unwrap_err().reason.contains("back to itself"), "{schema}");
        }
    }

    #[test]
    fn a_chain_of_references_has_an_end_in_whatever_order_it_is_written() {
        let link = |n: usize| (format!("d{n}"), json!({"$ref": format!("#/$defs/d{}", n + 1)}));
        let forwards: Map<_, _> = (0..5000).map(link).chain([("d5000".to_owned(), json!({}))]).collect();
        let backwards: Map<_, _> = forwards.clone().into_iter().rev().collect();
        for defs in [forwards, backwards] {
            assert!(check(&json!({"$defs": defs})).unwrap_err().reason.contains("deep"));
        }
    }

    #[test]
    fn an_embedded_address_or_a_huge_text_is_refused() {
        let embedded = json!({"$defs": {"a": {"$id": "https://example.com/a", "type": "string"}}});
        assert_eq!(check(&embedded).unwrap_err().place, "/$defs/a");
        assert_eq!(
            check(&json!({"$id": "https://example.com/whole", "properties": {"$id": {"type": "string"}}})),
            Ok(())
        );
        assert!(check(&json!({"description": "x".repeat(MOST_BYTES)})).is_err());
    }
}
