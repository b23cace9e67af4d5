//! Generated schemas of growing complexity, each with a value that conforms to it; invalid ones; and unusual ones.
#![allow(dead_code, reason = "each test binary uses a part of this module")]

use serde_json::{Map, Value, json};

pub const SCHEMAS: u64 = 200;

/// A schema and a value that conforms to it.
pub struct Sample {
    pub schema: Value,
    pub value: Value,
}

/// Pseudo-random numbers that are the same in every run.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

pub fn sample(number: u64) -> Sample {
    let mut random = Random(number);
    let depth = 1 + number / 40;
    let mut sample = object(&mut random, depth);
    match number % 5 {
        0 => sample.schema["$schema"] = "https://json-schema.org/draft/2020-12/schema".into(),
        1 => sample.schema["$schema"] = "http://json-schema.org/draft-07/schema#".into(),
        2 => recursive(&mut sample, depth),
        3 => referenced(&mut sample, &mut random),
        _ => {}
    }
    if number.is_multiple_of(7) {
        alternatives(&mut sample);
    }
    sample
}

fn object(random: &mut Random, depth: u64) -> Sample {
    let (mut properties, mut value, mut required) = (Map::new(), Map::new(), Vec::new());
    for field in 0..2 + random.below(4) {
        let name = format!("field {field}~/");
        let one = if depth > 1 && random.below(2) == 0 { object(random, depth - 1) } else { leaf(random, depth) };
        properties.insert(name.clone(), one.schema);
        if random.below(4) > 0 {
            required.push(name.clone());
        }
        value.insert(name, one.value);
    }
    let schema = json!({"type": "object", "properties": properties, "required": required,
        "additionalProperties": false, "minProperties": value.len()});
    Sample { schema, value: value.into() }
}

fn leaf(random: &mut Random, depth: u64) -> Sample {
    let (schema, value) = match random.below(12) {
        0 => (json!({"type": "string", "minLength": 1, "maxLength": 20}), json!("text")),
        1 => (json!({"type": "integer", "minimum": 1}), json!(1 + random.below(9))),
        2 => (json!({"type": ["number", "null"]}), json!(null)),
        3 => (json!({"enum": ["a", "b", 3]}), json!("b")),
        4 => (json!({"type": "string", "format": "date"}), json!("2025-10-21")),
        5 => (json!({"type": "string", "format": "date-time"}), json!("2025-10-21T10:30:00Z")),
        6 => (json!({"type": "string", "format": "email"}), json!("a@example.com")),
        7 => (json!({"type": "string", "format": "uri"}), json!("https://example.com/x")),
        8 => (json!({"type": "string", "pattern": "^[A-Z]{2}[0-9]+$"}), json!("AB12")),
        9 => (json!({"const": true}), json!(true)),
        _ => return list(random, depth),
    };
    Sample { schema, value }
}

fn list(random: &mut Random, depth: u64) -> Sample {
    let length = 3 + random.below(4);
    if depth > 1 && random.below(2) == 0 {
        let item = object(random, depth - 1);
        let schema = json!({"type": "array", "minItems": 1, "items": item.schema});
        return Sample { schema, value: json!([item.value]) };
    }
    let value: Vec<_> = (0..length).map(|n| format!("item {n}")).collect();
    let items = json!({"type": "string"});
    Sample {
        schema: json!({"type": "array", "minItems": length, "maxItems": length, "uniqueItems": true, "items": items}),
        value: json!(value),
    }
}

/// Adds a tree, as a recursive schema.
fn recursive(sample: &mut Sample, depth: u64) {
    let node = json!({"type": "object", "required": ["name", "children"], "properties": {
        "name": {"type": "string"}, "children": {"type": "array", "items": {"$ref": "#/$defs/node"}}}});
    sample.schema["$defs"] = json!({"node": node});
    sample.schema["properties"]["tree"] = json!({"$ref": "#/$defs/node"});
    let leaf = |name: u64| json!({"name": format!("leaf {name}"), "children": []});
    let mut tree = leaf(0);
    for level in 0..depth {
        tree = json!({"name": format!("level {level}"), "children": [tree, leaf(2 * level + 1), leaf(2 * level + 2)]});
    }
    sample.value["tree"] = tree;
}

/// Adds the same schema twice, by reference.
fn referenced(sample: &mut Sample, random: &mut Random) {
    let shared = object(random, 1);
    sample.schema["definitions"] = json!({"shared": shared.schema});
    for name in ["left", "right"] {
        sample.schema["properties"][name] = json!({"$ref": "#/definitions/shared"});
        sample.value[name] = shared.value.clone();
    }
}

/// Adds one of two alternatives, distinguished by a constant.
fn alternatives(sample: &mut Sample) {
    let kind = |kind: &str, field: &str| {
        json!({"type": "object", "required": ["kind", field],
            "properties": {"kind": {"const": kind}, field: {"type": "integer"}}})
    };
    sample.schema["properties"]["thing"] = json!({"oneOf": [kind("one", "a"), kind("two", "b")]});
    sample.value["thing"] = json!({"kind": "two", "b": 2});
}

/// A schema with an error, and a JSON Pointer to it.
pub fn broken(number: u64) -> (Value, &'static str) {
    let mut schema = sample(number).schema;
    let (pointer, wrong) = match number % 6 {
        0 => ("/type", json!("objekt")),
        1 => ("/required", json!("title")),
        2 => ("/properties", json!([])),
        3 => ("/minProperties", json!(-1)),
        4 => ("/additionalProperties", json!(3)),
        _ => ("/properties/field 0~0~1", json!({"type": 7})),
    };
    *schema.pointer_mut(pointer).expect("every sample has it") = wrong;
    (schema, pointer)
}

/// Unusual values, and whether they are valid schemas.
pub fn unusual() -> Vec<(Value, bool)> {
    vec![
        (json!({}), true),
        (json!({"type": ["string", "null"]}), true),
        (json!({"enum": [1, "a", null]}), true),
        (json!({"unknown keyword": 1, "type": "string"}), true),
        (json!({"$defs": {"a": {"type": "string"}}, "$ref": "#/$defs/a"}), true),
        (json!({"items": {"$ref": "#"}}), true),
        (json!(7), false),
        (json!([]), false),
        (json!("a text"), false),
        (json!({"type": []}), false),
        (json!({"type": ["string", "string"]}), false),
        (json!({"required": ["a", "a"]}), false),
        (json!({"multipleOf": 0}), false),
        (json!({"minLength": 1.5}), false),
        (json!({"pattern": "("}), false),
        (json!({"$ref": "#/$defs/nowhere"}), false),
        (json!({"oneOf": []}), false),
        (json!({"oneOf": {"type": "string"}}), false),
        (json!({"properties": {"a": {"items": {"format": 3}}}}), false),
    ]
}
