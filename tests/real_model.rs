//! An LLM job with a real model: llama.cpp's server with SmolLM2-135M, as a compatible endpoint.
//!
//! `make test-model` installs both and runs the test. `OPILIO_TEST_MODEL_PYTHON` is the Python interpreter that has them.

mod support;

use std::process::Stdio;

use serde_json::json;
use support::{TestServer, TestSite};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// The model's server and its URL. It ends when its standard input closes, and so with the test.
async fn serve_model() -> (Child, String) {
    let python = std::env::var("OPILIO_TEST_MODEL_PYTHON").expect("`make test-model` runs this test");
    let mut child = Command::new(python)
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/model/serve.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("Python is installed");
    let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
    let address = lines.next_line().await.expect("it is text").expect("the model is loaded");
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    (child, address)
}

#[actix::test]
async fn response_of_a_real_model_conforms_to_the_schema() {
    let (_model, address) = serve_model().await;
    let site = TestSite::start();
    let base_url = format!("{address}/v1");
    let server = TestServer::with_env(&[("LLM_PROVIDER", "local/smollm2"), ("LLM_BASE_URL", &base_url)]).await;
    let schema = json!({"type": "object", "additionalProperties": false, "required": ["title", "words"], "properties": {
        "title": {"type": "string", "maxLength": 60}, "words": {"type": "integer", "minimum": 0, "maximum": 1000}}});
    let body = json!({"url": site.url("/article"), "q": "Give the title of the page and its number of words",
        "schema": schema, "temperature": 0.0,
        "webhook_config": {"webhook_url": site.webhook_url(), "webhook_data_in_payload": true}});
    let (status, response) = server.post("/llm/job", body).await;
    assert_eq!(status, 202, "{response}");
    let received = site.next_webhook().await.body;
    assert_eq!(received["status"], "completed", "{received}");
    let content = &received["data"]["extracted_content"];
    assert!(content["title"].is_string() && content["words"].is_u64(), "{received}");
    assert!(received["usage"]["total_tokens"].as_u64().is_some_and(|tokens| tokens > 50), "{received}");
    assert_eq!(received["usage"]["provider"], "local");
    println!("{}", received["data"]);
}
