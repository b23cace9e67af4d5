//! Extractions from submission to webhook, by a model that follows a script.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use opilio_actors::domain::extraction::ExtractionSpec;
use opilio_actors::ports::Role;
use opilio_actors::testing::jobs::extraction;
use serde_json::json;

use super::*;

fn with_schema(schema: Value) -> NewJob {
    let mut job = extraction("the title");
    let spec = job.spec.task.get_mut::<ExtractionSpec>().expect("an extraction");
    spec.schema = Some(schema);
    job.spec.webhook.as_mut().expect("it has one").data_in_payload = true;
    job
}

/// A house whose jobs wait for their provider as long as it takes.
fn patient(
    script: impl Fn(&ModelRequest) -> Option<Result<ModelResponse, ModelError>> + Send + Sync + 'static,
) -> TestApp {
    TestApp::changed(
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
async fn what_conforms_is_told_with_what_it_cost() {
    let mut app = TestApp::with_model(&[], |_| Some(Ok(page(200))), |_| says("```json\n{\"title\": \"T\"}\n```"));
    let id = app.submit(with_schema(titled())).await;
    let told = app.webhook().await;
    assert_eq!((&told["task_id"], &told["task_type"]), (&json!(id), &json!("llm_extraction")));
    assert_eq!(told["urls"], json!(["https://example.com/article"]));
    assert_eq!(told["data"], json!({"extracted_content": {"title": "T"}}));
    assert_eq!((&told["usage"]["total_tokens"], &told["usage"]["requests"]), (&json!(110), &json!(1)));
    assert_eq!((&told["usage"]["provider"], &told["usage"]["model"]), (&json!("openai"), &json!("test-1")));
}

#[actix::test]
async fn an_answer_that_does_not_conform_is_asked_for_again_with_what_is_wrong_named() {
    let questions = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&questions);
    let mut app = TestApp::with_model(
        &[],
        |_| Some(Ok(page(200))),
        move |question| {
            let mut seen = seen.lock().expect("no panic");
            seen.push(question.clone());
            says(["no JSON", "{\"title\": 7}", "{\"title\": \"T\"}"][seen.len() - 1])
        },
    );
    app.submit(with_schema(titled())).await;
    let told = app.webhook().await;
    assert_eq!(told["data"]["extracted_content"], json!({"title": "T"}));
    assert_eq!((&told["usage"]["requests"], &told["usage"]["repairs"]), (&json!(3), &json!(2)));
    let questions = questions.lock().expect("no panic");
    let last = questions[2].messages.last().expect("a turn");
    assert!(last.role == Role::User && last.text.contains("/title: 7 is not of type"), "{}", last.text);
}

#[actix::test]
async fn what_never_conforms_is_a_failure_that_names_the_violations() {
    let mut app = TestApp::with_model(&[], |_| Some(Ok(page(200))), |_| says("{\"title\": 7}"));
    app.submit(with_schema(titled())).await;
    let told = app.webhook().await;
    assert_eq!((&told["status"], &told["error_type"]), (&json!("failed"), &json!("not_conforming")));
    let error = told["error"].as_str().expect("a sentence");
    assert!(error.contains("/title: 7 is not of type"), "{error}");
    assert_eq!(told["usage"]["requests"], 3);
    assert!(told.get("data").is_none());
}

#[actix::test]
async fn an_unusable_provider_fails_before_the_page_is_fetched() {
    let mut app = TestApp::with_model(&[], |_| panic!("nothing is fetched"), |_| says("{}"));
    let mut job = extraction("the title");
    let spec = job.spec.task.get_mut::<ExtractionSpec>().expect("an extraction");
    spec.provider = Some("nobody/x".to_owned());
    app.submit(job).await;
    let told = app.webhook().await;
    assert_eq!((&told["status"], &told["error_type"]), (&json!("failed"), &json!("unknown_provider")));
    assert_eq!(told["error"], "Unknown LLM provider `nobody`");
}

#[actix::test]
async fn a_page_that_is_not_there_is_the_reason() {
    let mut app = TestApp::new(&[], |_| Some(Ok(page(404))));
    app.submit(extraction("the title")).await;
    let told = app.webhook().await;
    assert_eq!(told["error"], "The page was not fetched: HTTP 404");
    assert_eq!(told["error_type"], "page_not_fetched");
}

#[actix::test]
async fn work_that_always_panics_is_told_as_well() {
    let asked = AtomicUsize::new(0);
    let mut app = TestApp::with_model(
        &[],
        |_| Some(Ok(page(200))),
        move |_| match asked.fetch_add(1, Ordering::SeqCst) {
            0 => says("no JSON"),
            _ => panic!("on purpose"),
        },
    );
    app.submit(with_schema(titled())).await;
    let told = app.webhook().await;
    assert_eq!((&told["status"], &told["error_type"]), (&json!("failed"), &json!("unexpected")));
    let error = told["error"].as_str().expect("a sentence");
    assert!(error.starts_with("Given up after 3 attempts"), "{error}");
    // The one response that came was not for nothing.
    assert_eq!((&told["usage"]["requests"], &told["usage"]["total_tokens"]), (&json!(1), &json!(110)));
}

#[actix::test]
async fn a_worker_that_dies_costs_no_question_that_was_answered() {
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
            1 => panic!("the second question ends the attempt"),
            _ => says("{\"title\": \"T\"}"),
        },
    );
    app.submit(with_schema(titled())).await;
    let told = app.webhook().await;
    assert_eq!((&told["status"], &told["usage"]["requests"]), (&json!("completed"), &json!(2)));
    assert_eq!((asked.load(Ordering::SeqCst), fetched.load(Ordering::SeqCst)), (3, 1));
}

#[actix::test]
async fn a_passing_trouble_is_waited_for_without_a_worker_and_without_costing_an_attempt() {
    let asked = AtomicUsize::new(0);
    let mut app = patient(move |_| match asked.fetch_add(1, Ordering::SeqCst) {
        0 => Some(Err(ModelError::RateLimited { model: model_name(), retry_after: Some(Duration::from_millis(60)) })),
        1 | 2 => Some(Err(ModelError::Overloaded { model: model_name(), status: 500, retry_after: None })),
        _ => says("{\"title\": \"T\"}"),
    });
    let id = app.submit(with_schema(titled())).await;
    assert_eq!(app.webhook().await["status"], "completed");
    let job = app.store.job(&id, None).await.expect("the store is available").expect("the job is stored");
    assert_eq!(job.attempt(), 1);
}

#[actix::test]
async fn a_trouble_that_does_not_pass_fails_by_its_own_name_when_the_job_has_waited_enough() {
    let mut app = TestApp::with_model(
        &[],
        |_| Some(Ok(page(200))),
        |_| Some(Err(ModelError::Overloaded { model: model_name(), status: 503, retry_after: None })),
    );
    app.submit(extraction("the title")).await;
    let told = app.webhook().await;
    assert_eq!((&told["status"], &told["error_type"]), (&json!("failed"), &json!("overloaded")));
    assert_eq!(told["error"], "the model is overloaded or unavailable (HTTP 503)");
}

#[actix::test]
async fn a_job_waiting_for_its_provider_holds_up_nobody_else() {
    let mut app = patient(|question| match question.model.model.as_str() {
        "down" => {
            Some(Err(ModelError::RateLimited { model: model_name(), retry_after: Some(Duration::from_secs(600)) }))
        }
        _ => says("fine"),
    });
    let mut names = Vec::new();
    for model in ["down", "down", "down", "down", "up"] {
        let mut job = extraction("the title");
        let spec = job.spec.task.get_mut::<ExtractionSpec>().expect("an extraction");
        spec.provider = Some(format!("openai/{model}"));
        names.push(app.submit(job).await);
    }
    assert_eq!(app.webhook().await["task_id"], names[4].as_str());
}

#[actix::test]
async fn a_second_provider_answers_where_the_first_cannot() {
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
    let told = app.webhook().await;
    assert_eq!((&told["status"], &told["usage"]["provider"]), (&json!("completed"), &json!("second")));
}

#[actix::test]
async fn a_job_that_would_run_away_is_stopped() {
    let mut app = TestApp::with_model(
        &[],
        |_| Some(Ok(page(200))),
        |_| {
            let text = "{}".to_owned();
            Some(Ok(ModelResponse { text, model: "m".to_owned(), prompt_tokens: 4900, completion_tokens: 101 }))
        },
    );
    app.submit(with_schema(titled())).await;
    assert_eq!(app.webhook().await["error_type"], "token_budget");
}

pub fn long_page() -> FetchedPage {
    let lines: String = (0..200).map(|n| format!("- item number {n} of the list\n")).collect();
    FetchedPage { body: lines.into(), ..page(200) }
}

#[actix::test]
async fn a_long_page_is_asked_about_in_parts_and_put_together() {
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
    let told = app.webhook().await;
    assert_eq!(told["status"], "completed", "{told}");
    let all: Vec<u32> = (0..200).collect();
    assert_eq!(told["data"]["extracted_content"], json!({"items": all}));
    assert!(told["usage"]["requests"].as_u64().expect("a number") > 1);
}

#[actix::test]
async fn parts_that_cannot_be_put_together_by_rule_are_asked_about_once_more() {
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
    assert_eq!(app.webhook().await["data"]["extracted_content"], json!({"count": 3, "title": "T"}));
}

#[actix::test]
async fn without_a_schema_data_stays_data_and_text_stays_text() {
    for (said, content) in [("[1, 2]", json!([1, 2])), ("Just words.", json!("Just words."))] {
        let mut app = TestApp::with_model(&[], |_| Some(Ok(page(200))), move |_| says(said));
        let mut job = extraction("anything");
        job.spec.webhook.as_mut().expect("it has one").data_in_payload = true;
        app.submit(job).await;
        assert_eq!(app.webhook().await["data"]["extracted_content"], content);
    }
}

#[actix::test]
async fn cancelling_ends_an_extraction_whose_model_hangs() {
    let mut app = TestApp::with_model(&[], |_| Some(Ok(page(200))), |_| None);
    let id = app.submit(extraction("the title")).await;
    let cancel = CancelJob { job: id, principal: None };
    app.actors.front.send(cancel).await.expect("the front runs").expect("it is not settled");
    assert_eq!(app.webhook().await["status"], "cancelled");
}

#[actix::test]
async fn the_same_question_over_the_same_page_is_answered_from_memory() {
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
        let told = app.webhook().await;
        assert_eq!((&told["data"]["extracted_content"], &told["usage"]["cached"]), (&json!({"title": "T"}), &cached));
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[actix::test]
async fn a_context_smaller_than_thought_makes_the_parts_smaller() {
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
    let told = app.webhook().await;
    assert_eq!(told["data"]["extracted_content"]["items"].as_array().map(Vec::len), Some(200), "{told}");
}
