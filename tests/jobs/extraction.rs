//! LLM jobs from submission to webhook, with a scripted model.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use opilio_actors::domain::extraction::ExtractionSpec;
use opilio_actors::ports::{FetchedPage, ModelError, ModelRequest, ModelResponse, NewJob, Role};
use opilio_actors::testing::fakes::{ScriptedModel, page, says};
use opilio_actors::testing::jobs::extraction;
use serde_json::{Value, json};

use crate::app::TestApp;

fn with_schema(schema: Value) -> NewJob {
    let mut job = extraction("the title");
    let spec = job.spec.task.get_mut::<ExtractionSpec>().expect("an extraction");
    spec.schema = Some(schema);
    job.spec.webhook.as_mut().expect("the job has a webhook").data_in_payload = true;
    job
}

/// An app without a practical limit for the time that a job waits for its provider.
fn with_long_max_wait(
    script: impl Fn(&ModelRequest) -> Option<Result<ModelResponse, ModelError>> + Send + Sync + 'static,
) -> TestApp {
    TestApp::customized(
        &[],
        |_| Some(Ok(page(200))),
        |dependencies, policy| {
            dependencies.model = Arc::new(ScriptedModel { context_tokens: 2000, script });
            policy.extraction.max_wait = Duration::from_secs(3600);
        },
    )
}

fn titled() -> Value {
    json!({"type": "object", "properties": {"title": {"type": "string"}}, "required": ["title"]})
}

fn model_name() -> String {
    "the model".to_owned()
}

#[actix::test]
async fn webhook_has_the_content_and_its_token_usage() {
    let mut app = TestApp::with_model(&[], |_| Some(Ok(page(200))), |_| says("```json\n{\"title\": \"T\"}\n```"));
    let id = app.submit(with_schema(titled())).await;
    let webhook = app.next_webhook().await;
    assert_eq!((&webhook["task_id"], &webhook["task_type"]), (&json!(id), &json!("llm_extraction")));
    assert_eq!(webhook["urls"], json!(["https://example.com/article"]));
    assert_eq!(webhook["data"], json!({"extracted_content": {"title": "T"}}));
    assert_eq!((&webhook["usage"]["total_tokens"], &webhook["usage"]["requests"]), (&json!(110), &json!(1)));
    assert_eq!((&webhook["usage"]["provider"], &webhook["usage"]["model"]), (&json!("openai"), &json!("test-1")));
}

#[actix::test]
async fn nonconforming_response_is_retried_with_the_violations() {
    let requests = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&requests);
    let mut app = TestApp::with_model(
        &[],
        |_| Some(Ok(page(200))),
        move |question| {
            let mut log = log.lock().expect("no panic");
            log.push(question.clone());
            says(["no JSON", "{\"title\": 7}", "{\"title\": \"T\"}"][log.len() - 1])
        },
    );
    app.submit(with_schema(titled())).await;
    let webhook = app.next_webhook().await;
    assert_eq!(webhook["data"]["extracted_content"], json!({"title": "T"}));
    assert_eq!((&webhook["usage"]["requests"], &webhook["usage"]["repairs"]), (&json!(3), &json!(2)));
    let requests = requests.lock().expect("no panic");
    let last = requests[2].messages.last().expect("a message");
    assert!(last.role == Role::User && last.text.contains("/title: 7 is not of type"), "{}", last.text);
}

#[actix::test]
async fn response_that_never_conforms_fails_with_the_violations() {
    let mut app = TestApp::with_model(&[], |_| Some(Ok(page(200))), |_| says("{\"title\": 7}"));
    app.submit(with_schema(titled())).await;
    let webhook = app.next_webhook().await;
    assert_eq!((&webhook["status"], &webhook["error_type"]), (&json!("failed"), &json!("not_conforming")));
    let error = webhook["error"].as_str().expect("a sentence");
    assert!(error.contains("/title: 7 is not of type"), "{error}");
    assert_eq!(webhook["usage"]["requests"], 3);
    assert!(webhook.get("data").is_none());
}

#[actix::test]
async fn unusable_provider_fails_before_the_page_is_fetched() {
    let mut app = TestApp::with_model(&[], |_| panic!("nothing is fetched"), |_| says("{}"));
    let mut job = extraction("the title");
    let spec = job.spec.task.get_mut::<ExtractionSpec>().expect("an extraction");
    spec.provider = Some("unknown/x".to_owned());
    app.submit(job).await;
    let webhook = app.next_webhook().await;
    assert_eq!((&webhook["status"], &webhook["error_type"]), (&json!("failed"), &json!("unknown_provider")));
    assert_eq!(webhook["error"], "Unknown LLM provider `unknown`");
}

#[actix::test]
async fn page_that_cannot_be_fetched_fails_the_job() {
    let mut app = TestApp::new(&[], |_| Some(Ok(page(404))));
    app.submit(extraction("the title")).await;
    let webhook = app.next_webhook().await;
    assert_eq!(webhook["error"], "The page was not fetched: HTTP 404");
    assert_eq!(webhook["error_type"], "page_not_fetched");
}

#[actix::test]
async fn extraction_that_always_panics_sends_a_webhook() {
    let count = AtomicUsize::new(0);
    let mut app = TestApp::with_model(
        &[],
        |_| Some(Ok(page(200))),
        move |_| match count.fetch_add(1, Ordering::SeqCst) {
            0 => says("no JSON"),
            _ => panic!("on purpose"),
        },
    );
    app.submit(with_schema(titled())).await;
    let webhook = app.next_webhook().await;
    assert_eq!((&webhook["status"], &webhook["error_type"]), (&json!("failed"), &json!("unexpected")));
    let error = webhook["error"].as_str().expect("a sentence");
    assert!(error.starts_with("Given up after 3 attempts"), "{error}");
    // The first response counts in the usage.
    assert_eq!((&webhook["usage"]["requests"], &webhook["usage"]["total_tokens"]), (&json!(1), &json!(110)));
}

#[actix::test]
async fn crashed_worker_repeats_no_answered_model_request() {
    let (asked, fetched) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (count, pages) = (Arc::clone(&asked), Arc::clone(&fetched));
    let mut app = TestApp::with_model(
        &[],
        move |_| {
            pages.fetch_add(1, Ordering::SeqCst);
            Some(Ok(page(200)))
        },
        move |_| match count.fetch_add(1, Ordering::SeqCst) {
            0 => says("no JSON"),
            1 => panic!("the second request panics"),
            _ => says("{\"title\": \"T\"}"),
        },
    );
    app.submit(with_schema(titled())).await;
    let webhook = app.next_webhook().await;
    assert_eq!((&webhook["status"], &webhook["usage"]["requests"]), (&json!("completed"), &json!(2)));
    assert_eq!((asked.load(Ordering::SeqCst), fetched.load(Ordering::SeqCst)), (3, 1));
}

#[actix::test]
async fn transient_model_errors_defer_the_job_without_an_attempt() {
    let count = AtomicUsize::new(0);
    let mut app = with_long_max_wait(move |_| match count.fetch_add(1, Ordering::SeqCst) {
        0 => Some(Err(ModelError::RateLimited { model: model_name(), retry_after: Some(Duration::from_millis(60)) })),
        1 | 2 => Some(Err(ModelError::Overloaded { model: model_name(), status: 500, retry_after: None })),
        _ => says("{\"title\": \"T\"}"),
    });
    let id = app.submit(with_schema(titled())).await;
    assert_eq!(app.next_webhook().await["status"], "completed");
    let job = app.job(&id).await;
    assert_eq!(job.attempt(), 1);
}

#[actix::test]
async fn persistent_transient_error_fails_the_job_after_max_wait() {
    let mut app = TestApp::with_model(
        &[],
        |_| Some(Ok(page(200))),
        |_| Some(Err(ModelError::Overloaded { model: model_name(), status: 503, retry_after: None })),
    );
    app.submit(extraction("the title")).await;
    let webhook = app.next_webhook().await;
    assert_eq!((&webhook["status"], &webhook["error_type"]), (&json!("failed"), &json!("overloaded")));
    assert_eq!(webhook["error"], "the model is overloaded or unavailable (HTTP 503)");
}

#[actix::test]
async fn deferred_job_does_not_delay_other_jobs() {
    let mut app = with_long_max_wait(|question| match question.model.model.as_str() {
        "down" => {
            Some(Err(ModelError::RateLimited { model: model_name(), retry_after: Some(Duration::from_secs(600)) }))
        }
        _ => says("fine"),
    });
    let mut ids = Vec::new();
    for model in ["down", "down", "down", "down", "up"] {
        let mut job = extraction("the title");
        let spec = job.spec.task.get_mut::<ExtractionSpec>().expect("an extraction");
        spec.provider = Some(format!("openai/{model}"));
        ids.push(app.submit(job).await);
    }
    assert_eq!(app.next_webhook().await["task_id"], ids[4].as_str());
}

#[actix::test]
async fn fallback_provider_is_used_when_the_first_fails() {
    let mut app = TestApp::with_model(
        &[],
        |_| Some(Ok(page(200))),
        |question| match question.model.family.as_str() {
            "openai" => Some(Err(ModelError::Unauthorized { model: model_name() })),
            _ => says("{\"title\": \"T\"}"),
        },
    );
    let mut job = with_schema(titled());
    let spec = job.spec.task.get_mut::<ExtractionSpec>().expect("an extraction");
    spec.provider = Some("openai/second".to_owned());
    app.submit(job).await;
    let webhook = app.next_webhook().await;
    assert_eq!((&webhook["status"], &webhook["usage"]["provider"]), (&json!("completed"), &json!("second")));
}

#[actix::test]
async fn job_above_its_token_budget_fails() {
    let mut app = TestApp::with_model(
        &[],
        |_| Some(Ok(page(200))),
        |_| {
            let text = "{}".to_owned();
            Some(Ok(ModelResponse { text, model: "m".to_owned(), prompt_tokens: 4900, completion_tokens: 101 }))
        },
    );
    app.submit(with_schema(titled())).await;
    assert_eq!(app.next_webhook().await["error_type"], "token_budget");
}

pub fn long_page() -> FetchedPage {
    let lines: String = (0..200).map(|n| format!("- item number {n} of the list\n")).collect();
    FetchedPage { body: lines.into(), ..page(200) }
}

#[actix::test]
async fn long_page_is_extracted_in_chunks_and_merged() {
    let mut app = TestApp::with_model(
        &[],
        |_| Some(Ok(long_page())),
        |question| {
            let text = &question.messages[0].text;
            let numbers =
                text.lines().filter_map(|line| line.strip_prefix("- item number ")?.split(' ').next()?.parse().ok());
            let found: Vec<u32> = numbers.collect();
            says(&json!({"items": found}).to_string())
        },
    );
    let schema = json!({"type": "object", "required": ["items"],
        "properties": {"items": {"type": "array", "minItems": 200, "items": {"type": "integer"}}}});
    app.submit(with_schema(schema)).await;
    let webhook = app.next_webhook().await;
    assert_eq!(webhook["status"], "completed", "{webhook}");
    let all: Vec<u32> = (0..200).collect();
    assert_eq!(webhook["data"]["extracted_content"], json!({"items": all}));
    assert!(webhook["usage"]["requests"].as_u64().expect("a number") > 1);
}

#[actix::test]
async fn chunks_without_a_merge_rule_are_merged_by_the_model() {
    let mut app = TestApp::with_model(
        &[],
        |_| Some(Ok(long_page())),
        |question| {
            let text = &question.messages[0].text;
            says(if text.contains("This is part") { "{\"count\": 1}" } else { "{\"count\": 3, \"title\": \"T\"}" })
        },
    );
    let schema = json!({"type": "object", "required": ["count", "title"],
        "properties": {"count": {"type": "integer"}, "title": {"type": "string"}}});
    app.submit(with_schema(schema)).await;
    assert_eq!(app.next_webhook().await["data"]["extracted_content"], json!({"count": 3, "title": "T"}));
}

#[actix::test]
async fn without_a_schema_json_and_text_are_unchanged() {
    for (response, content) in [("[1, 2]", json!([1, 2])), ("Just words.", json!("Just words."))] {
        let mut app = TestApp::with_model(&[], |_| Some(Ok(page(200))), move |_| says(response));
        let mut job = extraction("anything");
        job.spec.webhook.as_mut().expect("the job has a webhook").data_in_payload = true;
        app.submit(job).await;
        assert_eq!(app.next_webhook().await["data"]["extracted_content"], content);
    }
}

#[actix::test]
async fn cancelling_stops_an_extraction_whose_model_hangs() {
    let mut app = TestApp::with_model(&[], |_| Some(Ok(page(200))), |_| None);
    let id = app.submit(extraction("the title")).await;
    app.cancel(&id).await;
    assert_eq!(app.next_webhook().await["status"], "cancelled");
}

#[actix::test]
async fn repeated_extraction_of_a_page_is_served_from_the_cache() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let mut app = TestApp::with_model(
        &[],
        |_| Some(Ok(page(200))),
        move |_| {
            count.fetch_add(1, Ordering::SeqCst);
            says("{\"title\": \"T\"}")
        },
    );
    for cached in [json!(null), json!(true)] {
        app.submit(with_schema(titled())).await;
        let webhook = app.next_webhook().await;
        assert_eq!(
            (&webhook["data"]["extracted_content"], &webhook["usage"]["cached"]),
            (&json!({"title": "T"}), &cached)
        );
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[actix::test]
async fn context_too_long_error_reduces_the_chunk_size() {
    let mut app = TestApp::with_model(
        &[],
        |_| Some(Ok(long_page())),
        |question| {
            let text = &question.messages[0].text;
            if text.len() > 1500 {
                return Some(Err(ModelError::ContextTooLong { model: model_name() }));
            }
            let numbers =
                text.lines().filter_map(|line| line.strip_prefix("- item number ")?.split(' ').next()?.parse().ok());
            says(&json!({"items": numbers.collect::<Vec<u32>>()}).to_string())
        },
    );
    let mut job = with_schema(json!({"type": "object", "properties": {"items": {"type": "array", "minItems": 200}}}));
    let spec = job.spec.task.get_mut::<ExtractionSpec>().expect("an extraction");
    spec.instruction = "every item".to_owned();
    app.submit(job).await;
    let webhook = app.next_webhook().await;
    assert_eq!(webhook["data"]["extracted_content"]["items"].as_array().map(Vec::len), Some(200), "{webhook}");
}
