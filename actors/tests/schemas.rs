//! Extraction schemas: 200 generated schemas of growing complexity and some unusual ones are accepted or rejected as by a
//! validator; values of three chunks of a page conform to the relaxed schema, and their merged value to the schema itself.

#[path = "schemas/samples.rs"]
mod samples;

use opilio_actors::domain::extraction::merge::merge;
use opilio_actors::domain::extraction::schema::{OutputSchema, SchemaScope};
use opilio_page::PatternCompiler;
use samples::{Random, SCHEMAS, Sample, broken, sample, unusual};
use serde_json::{Map, Value};

const CHUNKS: u64 = 3;

/// The part of `value` that a model finds in chunk `chunk` of a page: a share of each list, and each scalar in at least the
/// last chunk.
fn share(value: &Value, chunk: u64, random: &mut Random) -> Option<Value> {
    match value {
        Value::Object(fields) => {
            let shares = fields.iter().filter_map(|(name, value)| Some((name.clone(), share(value, chunk, random)?)));
            Some(shares.collect::<Map<_, _>>().into())
        }
        Value::Array(items) => {
            let own = items.iter().zip(0..).filter(|(_, index)| index * CHUNKS / items.len() as u64 == chunk);
            Some(own.map(|(item, _)| item.clone()).collect())
        }
        scalar => (random.below(CHUNKS) <= chunk).then(|| scalar.clone()),
    }
}

#[test]
fn chunk_values_and_their_merged_value_conform() {
    for number in 0..SCHEMAS {
        let Sample { schema: json, value } = sample(number);
        assert!(jsonschema::meta::is_valid(&json), "{number}: {json}");
        let schema =
            OutputSchema::new(&json, &PatternCompiler::default()).unwrap_or_else(|error| panic!("{number}: {error}"));
        assert_eq!(schema.violations(SchemaScope::Page, &value), Vec::<String>::new(), "{number}");
        let mut random = Random(number);
        let chunks: Vec<_> = (0..CHUNKS).filter_map(|chunk| share(&value, chunk, &mut random)).collect();
        for chunk in &chunks {
            assert_eq!(schema.violations(SchemaScope::Chunk, chunk), Vec::<String>::new(), "{number}: {chunk}");
        }
        let mut merged = merge(chunks);
        assert_eq!(merged.conflicts, Vec::<String>::new(), "{number}");
        let violations = schema.violations(SchemaScope::Page, &merged.value.take());
        assert_eq!(violations, Vec::<String>::new(), "{number}: {json}");
    }
}

#[test]
fn schema_is_rejected_if_a_validator_rejects_it() {
    for number in 0..SCHEMAS {
        let (broken, pointer) = broken(number);
        assert!(!jsonschema::meta::is_valid(&broken));
        let error = OutputSchema::new(&broken, &PatternCompiler::default()).expect_err("the schema is invalid");
        assert!(error.pointer.starts_with(pointer), "{number}: {error}");
    }
    for (schema, is_valid) in unusual() {
        let verdict = jsonschema::validator_for(&schema).map(|_| ()).map_err(|error| error.to_string());
        assert_eq!(verdict.is_ok(), is_valid, "{schema}: {verdict:?}");
        assert_eq!(OutputSchema::new(&schema, &PatternCompiler::default()).is_ok(), is_valid, "{schema}");
    }
}
