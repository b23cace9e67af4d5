//! The OpenAPI document of the real binary: validated and exercised by third-party tools, compared with real responses key
//! by key, and displayed by Swagger UI without a network.

#[path = "openapi/fields.rs"]
mod fields;
#[path = "clients/programs.rs"]
mod programs;
mod providers;
mod support;

use std::collections::BTreeSet;

use fields::Comparison;
use programs::{Workshop, file, output};
use providers::{KEY, Providers};
use serde_json::json;
use support::{TestServer, TestSite};

#[actix::test]
async fn document_passes_a_third_party_validator() {
    let (server, workshop) = (TestServer::start().await, Workshop::open());
    let printed = output(workshop.python(&file("tests/clients/openapi/valid.py")).arg(server.base())).await;
    assert_eq!(printed, "3.1.0 True\n");
}

#[actix::test]
async fn client_generated_from_the_document_submits_a_job() {
    let (site, server, workshop) = (TestSite::start(), TestServer::start().await, Workshop::open());
    let (_, document) = server.get("/openapi.json").await;
    let document = workshop.write("openapi.json", &document.to_string());
    workshop.types_from(&document, "schema.ts").await;
    let text = std::fs::read_to_string(file("tests/clients/openapi/submit.ts")).expect("the file exists");
    let script = workshop.write("submit.ts", &text);
    assert_eq!(programs::type_errors(std::slice::from_ref(&script)).await, "");
    let printed = output(workshop.typescript(&script).await.args([server.base(), &site.url("/article")])).await;
    assert_eq!(printed, "completed true\nbody.urls\n");
}

/// Described fields that the responses below do not have: defaults have no warnings, `cached` needs a second extraction, `notes`
/// a page with contradictory parts, and `waiting_for` a job that waits.
const NOT_COVERED: [&str; 11] = [
    "Crawled.results[].usage.cached",
    "Defaults.browser.warnings",
    "Defaults.crawler.warnings",
    "JobList.jobs[].waiting_for",
    "JobStatus.notes",
    "JobStatus.result.results[].usage.cached",
    "JobStatus.results[].usage.cached",
    "JobStatus.usage.cached",
    "JobStatus.waiting_for",
    "PageResult.usage.cached",
    "WebhookBody.usage.cached",
];

#[actix::test]
async fn responses_and_their_schemas_have_the_same_fields() {
    let (site, providers) = (TestSite::start(), Providers::start());
    let base_url = providers.url("openai");
    let model = [("LLM_PROVIDER", "openai/good"), ("OPENAI_API_KEY", KEY), ("OPENAI_BASE_URL", base_url.as_str())];
    let server = TestServer::with_env(&model).await;
    let (status, document) = server.get("/openapi.json").await;
    assert_eq!((status, &document["openapi"]), (200, &json!("3.1.0")));
    let mut fields = Comparison::new(&document);

    let urls = [site.url("/full"), site.url("/nowhere")];
    let strategy = json!({"type": "LLMExtractionStrategy", "params": {"instruction": "?"}});
    let crawler = json!({"extraction_strategy": strategy});
    let hooks = json!([{"action": "block_resources", "params": {"resource_types": ["image"]}}]);
    let crawl = json!({"urls": urls, "crawler_config": crawler, "priority": 1, "hooks": hooks});
    fields.compare("Crawled", &server.post("/crawl", crawl).await.1);
    let headers = json!({"x-secret": "s"});
    let webhook =
        json!({"webhook_url": site.webhook_url(), "webhook_data_in_payload": true, "webhook_headers": headers});
    for urls in [&urls[..], &urls[1..]] {
        let crawl = json!({"urls": urls, "crawler_config": crawler, "webhook_config": webhook, "x": 1});
        let (_, accepted) = server.post("/crawl/job", crawl).await;
        fields.compare("Accepted", &accepted);
        fields.compare("WebhookBody", &site.next_webhook().await.body);
        let id = accepted["task_id"].as_str().expect("an id");
        fields.compare("JobStatus", &server.wait_for_webhook_state(id, "delivered").await);
        fields.compare("PageResult", &server.get(&format!("/crawl/job/{id}/pages/0")).await.1);
        fields.compare("DeliveryLog", &server.get(&format!("/jobs/{id}/deliveries")).await.1);
    }
    for provider in ["openai/good", "openai/bad-key"] {
        let question =
            json!({"url": site.url("/article"), "q": "?", "provider": provider, "webhook_config": webhook, "x": 1});
        let (_, accepted) = server.post("/llm/job", question).await;
        fields.compare("Accepted", &accepted);
        fields.compare("WebhookBody", &site.next_webhook().await.body);
        let id = accepted["task_id"].as_str().expect("an id");
        fields.compare("JobStatus", &server.get(&format!("/llm/job/{id}")).await.1);
    }
    fields.compare("JobList", &server.get("/jobs").await.1);
    fields.compare("Markdown", &server.post("/md", json!({"url": urls[0], "f": "raw", "x": 1})).await.1);
    fields.compare("Html", &server.post("/html", json!({"url": urls[0], "x": 1})).await.1);
    fields.compare("Answer", &server.get(&format!("/llm/{}?q=x", urls[0])).await.1);
    fields.compare("Defaults", &server.get("/schema").await.1);
    let config = json!({"type": "CrawlerRunConfig", "params": {"x": 1}});
    fields.compare("Configuration", &server.post("/config/dump", config).await.1);
    fields.compare("Health", &server.get("/health").await.1);
    fields.compare("Ready", &server.get("/ready").await.1);
    fields.compare("Replayed", &server.post("/deliveries/replay", json!({"state": "refused"})).await.1);
    fields.compare("Problem", &server.get("/nowhere").await.1);
    let unsupported = json!({"urls": ["raw:x"], "crawler_config": {"session_id": "x"}});
    fields.compare("Problem", &server.post("/crawl/job", unsupported).await.1);
    fields.compare("Invalid", &server.post("/crawl/job", json!({})).await.1);
    assert_eq!(fields.undescribed(), &BTreeSet::new());
    assert_eq!(fields.missing(), BTreeSet::from(NOT_COVERED.map(str::to_owned)));
}

/// The least number of requests that reaches the rare cases.
const REQUESTS: usize = 2000;

#[actix::test]
async fn schemathesis_finds_only_documented_statuses_and_no_500() {
    let (site, providers, workshop) = (TestSite::start(), Providers::start(), Workshop::open());
    // Only the addresses of the test can be reached.
    let config = "egress: {allow_internal: false, allow: [127.0.0.1]}\nlogging: {level: warn}";
    let base_url = providers.url("openai");
    let model = [("LLM_PROVIDER", "openai/good"), ("OPENAI_API_KEY", KEY), ("OPENAI_BASE_URL", base_url.as_str())];
    let server = TestServer::with_config_and_env(config, &model).await;
    let webhook = json!({"webhook_url": site.webhook_url()});
    let mut jobs = Vec::new();
    for (path, job) in [
        ("/crawl/job", json!({"urls": [site.url("/article")], "webhook_config": webhook})),
        ("/llm/job", json!({"url": site.url("/article"), "q": "?", "webhook_config": webhook})),
    ] {
        let (_, accepted) = server.post(path, job).await;
        site.next_webhook().await;
        jobs.push(accepted["task_id"].as_str().expect("an id").to_owned());
    }
    let counts = workshop.write("counts", "");
    let mut drive = workshop.schemathesis(&file("tests/clients/openapi"));
    drive.arg(format!("{}/openapi.json", server.base())).env("SITE", site.url("")).env("JOBS", jobs.join(","));
    let printed = output(drive.env("COUNTS", &counts)).await;
    let counts = std::fs::read_to_string(&counts).expect("it was written");
    let counted = counts.lines().filter_map(|line| line.split_once(' ')?.1.parse::<usize>().ok());
    assert!(counted.sum::<usize>() >= REQUESTS, "{counts}{printed}");
}

#[actix::test]
async fn swagger_ui_is_served_without_third_party_requests() {
    let server = TestServer::start().await;
    let text = async |path: &str| {
        let response =
            server.client().get(format!("{}{path}", server.base())).send().await.expect("the server responds");
        assert_eq!(response.status(), 200, "{path}");
        response.text().await.expect("text")
    };
    let page = text("/docs").await;
    assert!(!page.contains("://"), "{page}");
    for (path, piece) in [
        ("/docs/swagger-ui.css", ".swagger-ui"),
        ("/docs/swagger-ui-bundle.js", "SwaggerUIBundle"),
        ("/docs/start.js", "openapi.json"),
    ] {
        assert!(page.contains(&path[1..]), "{path}");
        assert!(text(path).await.contains(piece), "{path}");
    }
    assert_eq!(server.get("/docs/other.js").await.0, 404);
}
