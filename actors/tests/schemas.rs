//! 200 schemas of growing difficulty: each accepted or refused as a validator says; answers about three parts of a page
//! conform to its relaxed form, and what they are merged to conforms to the schema itself.

use opilio_actors::domain::extraction::merge::merge;
use opilio_actors::domain::extraction::shape::{Scope, Shape};
use serde_json::{Map, Value, json};

const SCHEMAS: u64 = 200;
const PARTS: u64 = 3;

/// A schema, and an answer that conforms to it.
struct Sample {
    schema: Value,
    answer: Value,
}

/// Numbers that look like chance and are the same each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

fn sample(number: u64) -> Sample {
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

/// What part `part` of a page says of the answer: its share of the lists, objects as far as it goes, each text once.
fn share(answer: &Value, part: u64, dice: &mut Dice) -> Option<Value> {
    match answer {
        Value::Object(fields) => {
            let shares = fields.iter().filter_map(|(name, value)| Some((name.clone(), share(value, part, dice)?)));
            Some(shares.collect::<Map<_, _>>().into())
        }
        Value::Array(items) => {
            let own = items.iter().zip(0..).filter(|(_, place)| place * PARTS / items.len() as u64 == part);
            Some(own.map(|(item, _)| item.clone()).collect())
        }
        one => (dice.roll(PARTS) <= part).then(|| one.clone()),
    }
}

#[test]
fn answers_about_parts_conform_and_their_union_conforms_to_the_whole() {
    for number in 0..SCHEMAS {
        let Sample { schema, answer } = sample(number);
        assert!(jsonschema::meta::is_valid(&schema), "{number}: {schema}");
        let shape = Shape::new(&schema).unwrap_or_else(|bad| panic!("{number}: {bad}"));
        assert_eq!(shape.violations(Scope::Whole, &answer), Vec::<String>::new(), "{number}");
        let mut dice = Dice(number);
        let parts: Vec<_> = (0..PARTS).filter_map(|part| share(&answer, part, &mut dice)).collect();
        for part in &parts {
            assert_eq!(shape.violations(Scope::Part, part), Vec::<String>::new(), "{number}: {part}");
        }
        let mut merged = merge(parts);
        assert_eq!(merged.conflicts, Vec::<String>::new(), "{number}");
        // The last part says everything that is not a list.
        let violations = shape.violations(Scope::Whole, &merged.value.take());
        assert_eq!(violations, Vec::<String>::new(), "{number}: {schema}");
    }
}

#[test]
fn a_schema_is_refused_where_a_validator_refuses_it() {
    for number in 0..SCHEMAS {
        let mut broken = sample(number).schema;
        let place = match number % 6 {
            0 => ("/type", json!("objekt")),
            1 => ("/required", json!("title")),
            2 => ("/properties", json!([])),
            3 => ("/minProperties", json!(-1)),
            4 => ("/additionalProperties", json!(3)),
            _ => ("/properties/field 0~0~1", json!({"type": 7})),
        };
        *broken.pointer_mut(place.0).expect("every sample has it") = place.1;
        assert!(!jsonschema::meta::is_valid(&broken));
        let bad = Shape::new(&broken).expect_err("it is no schema");
        assert!(bad.place.starts_with(place.0), "{number}: {bad}");
    }
}
