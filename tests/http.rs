//! The HTTP routes in process, over a real store and without running actors.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::http::StatusCode;
use actix_web::middleware::from_fn;
use actix_web::{App, test};
use jiff::Timestamp;
use opilio::cpu_pool::CpuPool;
use opilio::egress::{Allowlist, Guard};
use opilio::http::{
    Api, Auth, AuthSettings, BodyLimits, Ceilings, Engines, MemoryBudget, Monitor, Sessions, Shutdown, TrustedProxies,
    WebhookDefaults, mount,
};
use opilio::loop_lag::LoopLag;
use opilio::stores::StoreSettings;
use opilio::stores::embedded::EmbeddedStore;
use opilio_actors::domain::engine::Engine;
use opilio_actors::http_front::HttpFront;
use opilio_actors::job_supervisor::JobSupervisor;
use opilio_actors::ports::{Clock, ModelRequest};
use opilio_actors::supervised::ActorRef;
use opilio_actors::testing::contract::RETENTION;
use opilio_actors::testing::fakes::ScriptedModel;
use serde_json::{Value, json};

use actix::Actor;

struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// Status and body of the response to each request to a server with an empty store.
async fn respond(requests: Vec<test::TestRequest>) -> Vec<(StatusCode, Value)> {
    respond_with(LoopLag::since(Instant::now()), requests).await
}

async fn respond_with(loop_lag: LoopLag, requests: Vec<test::TestRequest>) -> Vec<(StatusCode, Value)> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let settings = StoreSettings { retention: RETENTION, max_queued: None, max_per_principal: None };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let store = EmbeddedStore::open(folder.path(), Arc::clone(&clock), settings).expect("an empty folder");
    let webhooks = WebhookDefaults { enabled: true, default_url: None, data_in_payload: false };
    let front = HttpFront::new(ActorRef::<JobSupervisor>::default(), ActorRef::default()).start();
    let api = Api {
        front,
        store: Arc::new(store),
        clock,
        models: Arc::new(ScriptedModel { context_tokens: 2000, script: |_: &ModelRequest| None }),
        guard: Guard::open(Allowlist::default()),
        webhooks,
        registry: Arc::default(),
        ceilings: Ceilings { page_timeout: Duration::from_secs(300), max_retries: 10, concurrency: NonZeroUsize::MIN },
        max_urls: 10,
        body: BodyLimits {
            max_bytes: 1 << 20,
            memory: MemoryBudget::new(1 << 30),
            decoder_memory: MemoryBudget::new(1 << 30),
            timeout: Duration::from_secs(60),
            max_depth: 100,
            allows_untyped: false,
        },
        response_memory: MemoryBudget::new(1 << 30),
        proxies: TrustedProxies::default(),
        heartbeat: Duration::from_secs(15),
        shutdown: Shutdown::default(),
        loop_lag,
        parsers: Arc::new(CpuPool::new(1)),
        monitor: Monitor::default(),
        sessions: Sessions::default(),
        engines: Engines { default: Engine::Http, has_browser: false },
    };
    let access = Auth::new(&AuthSettings::default(), Arc::new(SystemClock));
    let guarded = from_fn(move |request, next| access.clone().admit(request, next));
    let app = test::init_service(App::new().wrap(guarded).configure(|config| mount(api, config))).await;
    let mut responses = Vec::new();
    for request in requests {
        let response = test::call_service(&app, request.to_request()).await;
        let status = response.status();
        let body = test::read_body(response).await;
        responses.push((status, serde_json::from_slice(&body).unwrap_or(Value::Null)));
    }
    responses
}

fn submit(body: &str) -> test::TestRequest {
    let json = ("content-type", "application/json");
    test::TestRequest::post().uri("/crawl/job").insert_header(json).set_payload(body.to_owned())
}

#[actix::test]
async fn invalid_requests_get_their_status_and_location() {
    let responses = respond(vec![
        submit("{"),
        submit("{}"),
        submit(r#"{"urls": ["notaurl"], "webhook_config": {}}"#),
        test::TestRequest::get().uri("/crawl/job/crawl_nope"),
        test::TestRequest::delete().uri("/llm/job/x"),
        test::TestRequest::get().uri("/jobs?status=odd&limit=0"),
        test::TestRequest::get().uri("/nowhere"),
        test::TestRequest::put().uri("/crawl/job"),
        test::TestRequest::post().uri("/crawl/job").set_payload("{}"),
        submit(&format!("{{\"urls\": [\"raw:{}\"]}}", "x".repeat(2 << 20))),
        test::TestRequest::get().uri("/jobs?limit=1&limit=2"),
        submit(r#"{"urls": ["raw:x"]}"#).insert_header(("idempotency-key", "a b")),
    ])
    .await;
    let statuses: Vec<_> = responses.iter().map(|(status, _)| status.as_u16()).collect();
    assert_eq!(statuses, [400, 422, 422, 404, 404, 422, 404, 405, 415, 413, 422, 422]);
    assert_eq!(responses[1].1["detail"][0]["loc"], json!(["body", "urls"]));
    assert_eq!(responses[2].1["detail"][0]["loc"], json!(["body", "urls", 0]));
    assert_eq!(responses[2].1["detail"][1]["loc"], json!(["body", "webhook_config", "webhook_url"]));
    assert_eq!(responses[3].1, json!({"detail": "Task not found"}));
    assert!(responses.iter().all(|(_, body)| !body["detail"].is_null()), "every error has a detail");
    assert_eq!(responses[5].1["detail"].as_array().map(Vec::len), Some(2));
}

#[actix::test]
async fn submission_without_a_supervisor_is_unavailable() {
    let responses = respond(vec![submit(r#"{"urls": ["https://example.com"]}"#)]).await;
    assert_eq!(responses[0].0.as_u16(), 503);
}

#[actix::test]
async fn health_has_status_timestamp_and_version() {
    let responses =
        respond(vec![test::TestRequest::get().uri("/health"), test::TestRequest::get().uri("/ready")]).await;
    let (status, health) = &responses[0];
    assert_eq!((status.as_u16(), &health["status"]), (200, &json!("ok")));
    assert!(health["timestamp"].is_number() && health["version"].is_string());
    assert_eq!(responses[1].0.as_u16(), 200);
}

#[actix_web::test]
async fn ready_is_503_while_the_actor_loop_lags() {
    let requests = |path: &str| vec![test::TestRequest::get().uri(path)];
    let lagging = |seconds| LoopLag::since(Instant::now() - Duration::from_secs(seconds));
    assert_eq!(respond_with(lagging(20), requests("/ready")).await[0].0, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(respond_with(lagging(20), requests("/health")).await[0].0, StatusCode::OK);
}
