//! 200 schemas of growing difficulty: each accepted or refused as a validator says; answers about three parts of a page
//! conform to its relaxed form, and what they are merged to conforms to the schema itself.

#[path = "schemas/samples.rs"]
mod samples;

use opilio_actors::domain::extraction::merge::merge;
use opilio_actors::domain::extraction::shape::{Scope, Shape};
use samples::{Dice, SCHEMAS, Sample, broken, odd, sample};
use serde_json::{Map, Value};

const PARTS: u64 = 3;

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
        let (broken, place) = broken(number);
        assert!(!jsonschema::meta::is_valid(&broken));
        let bad = Shape::new(&broken).expect_err("it is no schema");
        assert!(bad.place.starts_with(place), "{number}: {bad}");
    }
    for (schema, is_one) in odd() {
        let verdict = jsonschema::validator_for(&schema).map(|_| ()).map_err(|error| error.to_string());
        assert_eq!(verdict.is_ok(), is_one, "{schema}: {verdict:?}");
        assert_eq!(Shape::new(&schema).is_ok(), is_one, "{schema}");
    }
}
