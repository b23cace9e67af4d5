//! 200 schemas of growing complexity, and unusual ones, accepted or rejected at submission as a validator does.

#[path = "../actors/tests/schemas/samples.rs"]
mod samples;
mod support;

use samples::{SCHEMAS, broken, sample, unusual};
use serde_json::{Value, json};
use support::TestServer;

async fn submit(server: &TestServer, schema: Value) -> (u16, Value) {
    server.post("/llm/job", json!({"url": "http://127.0.0.1:9/", "q": "anything", "schema": schema})).await
}

#[actix::test]
async fn schemas_are_validated_at_submission() {
    // Without a key every accepted job fails immediately.
    let server = TestServer::with_env(&[("OPENAI_API_KEY", ""), ("LLM_API_KEY", "")]).await;
    for number in 0..SCHEMAS {
        let schema = sample(number).schema;
        let as_sent = if number % 2 == 0 { schema } else { json!(schema.to_string()) };
        let (status, response) = submit(&server, as_sent).await;
        assert_eq!(status, 202, "{number}: {response}");
        let (schema, location) = broken(number);
        let (status, response) = submit(&server, schema).await;
        let steps = location.split('/').skip(1).map(|step| json!(step.replace("~1", "/").replace("~0", "~")));
        let expected: Vec<_> = [json!("body"), json!("schema")].into_iter().chain(steps).collect();
        let loc = response["detail"][0]["loc"].as_array().cloned().unwrap_or_default();
        assert!(status == 422 && loc.starts_with(&expected), "{number}: {response}");
    }
    for (schema, is_valid) in unusual() {
        let expected = if is_valid { 202 } else { 422 };
        assert_eq!(submit(&server, json!(schema.to_string())).await.0, expected, "{schema}");
    }
}
