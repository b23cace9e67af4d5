//! Schemas of growing difficulty, each with an answer that conforms to it; what breaks them; and odd ones.
#![allow(dead_code, reason = "each test binary needs its part of them")]

use serde_json::{Map, Value, json};

pub const SCHEMAS: u64 = 200;

/// A schema, and an answer that conforms to it.
pub struct Sample {
    pub schema: Value,
    pub answer: Value,
}

/// Numbers that look like chance and are the same each time.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

pub fn sample(number: u64) -> Sample {
    let mut dice = Dice(number);
    let depth = 1 + number / 40;
    let mut sample = object(&mut dice, depth);
    match number % 5 {
        0 => sample.schema["$schema"] = "https://json-schema.org/draft/2020-12/schema".into(),
        1 => sample.schema["$schema"] = "http://json-schema.org/draft-07/schema#".into(),
        2 => recursive(&mut sample, depth),
        3 => referenced(&mut sample, &mut dice),
        _ => {}
    }
    if number.is_multiple_of(7) {
        alternatives(&mut sample);
    }
    sample
}

fn object(dice: &mut Dice, depth: u64) -> Sample {
    let (mut properties, mut answer, mut required) = (Map::new(), Map::new(), Vec::new());
    for field in 0..2 + dice.roll(4) {
        let name = format!("field {field}~/");
        let one = if depth > 1 && dice.roll(2) == 0 { object(dice, depth - 1) } else { leaf(dice, depth) };
        properties.insert(name.clone(), one.schema);
        if dice.roll(4) > 0 {
            required.push(name.clone());
        }
        answer.insert(name, one.answer);
    }
    let schema = json!({"type": "object", "properties": properties, "required": required,
        "additionalProperties": false, "minProperties": answer.len()});
    Sample { schema, answer: answer.into() }
}

fn leaf(dice: &mut Dice, depth: u64) -> Sample {
    let (schema, answer) = match dice.roll(12) {
        0 => (json!({"type": "string", "minLength": 1, "maxLength": 20}), json!("text")),
        1 => (json!({"type": "integer", "minimum": 1}), json!(1 + dice.roll(9))),
        2 => (json!({"type": ["number", "null"]}), json!(null)),
        3 => (json!({"enum": ["a", "b", 3]}), json!("b")),
        4 => (json!({"type": "string", "format": "date"}), json!("2025-10-21")),
        5 => (json!({"type": "string", "format": "date-time"}), json!("2025-10-21T10:30:00Z")),
        6 => (json!({"type": "string", "format": "email"}), json!("a@example.com")),
        7 => (json!({"type": "string", "format": "uri"}), json!("https://example.com/x")),
        8 => (json!({"type": "string", "pattern": "^[A-Z]{2}[0-9]+$"}), json!("AB12")),
        9 => (json!({"const": true}), json!(true)),
        _ => return list(dice, depth),
    };
    Sample { schema, answer }
}

fn list(dice: &mut Dice, depth: u64) -> Sample {
    let length = 3 + dice.roll(4);
    if depth > 1 && dice.roll(2) == 0 {
        let item = object(dice, depth - 1);
        let schema = json!({"type": "array", "minItems": 1, "items": item.schema});
        return Sample { schema, answer: json!([item.answer]) };
    }
    let answer: Vec<_> = (0..length).map(|n| format!("item {n}")).collect();
    let items = json!({"type": "string"});
    Sample {
        schema: json!({"type": "array", "minItems": length, "maxItems": length, "uniqueItems": true, "items": items}),
        answer: json!(answer),
    }
}

/// A tree whose branches are trees.
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
    sample.answer["tree"] = tree;
}

/// The same shape in two places, by reference.
fn referenced(sample: &mut Sample, dice: &mut Dice) {
    let shared = object(dice, 1);
    sample.schema["definitions"] = json!({"shared": shared.schema});
    for name in ["left", "right"] {
        sample.schema["properties"][name] = json!({"$ref": "#/definitions/shared"});
        sample.answer[name] = shared.answer.clone();
    }
}

/// One of two kinds, told apart by a constant.
fn alternatives(sample: &mut Sample) {
    let kind = |kind: &str, field: &str| {
        json!({"type": "object", "required": ["kind", field],
            "properties": {"kind": {"const": kind}, field: {"type": "integer"}}})
    };
    sample.schema["properties"]["thing"] = json!({"oneOf": [kind("one", "a"), kind("two", "b")]});
    sample.answer["thing"] = json!({"kind": "two", "b": 2});
}

/// A sample with something wrong in it, and the place of that.
pub fn broken(number: u64) -> (Value, &'static str) {
    let mut schema = sample(number).schema;
    let (place, wrong) = match number % 6 {
        0 => ("/type", json!("objekt")),
        1 => ("/required", json!("title")),
        2 => ("/properties", json!([])),
        3 => ("/minProperties", json!(-1)),
        4 => ("/additionalProperties", json!(3)),
        _ => ("/properties/field 0~0~1", json!({"type": 7})),
    };
    *schema.pointer_mut(place).expect("every sample has it") = wrong;
    (schema, place)
}

/// What is a schema although it does not look like one, and what is none although it does.
pub fn odd() -> Vec<(Value, bool)> {
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
