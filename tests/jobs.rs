//! Jobs from submission to webhook: real actors, a real store, an dependencies that follows a script.

#[path = "jobs/endurance.rs"]
mod endurance;
#[path = "jobs/extraction.rs"]
mod extraction;
#[path = "jobs/leases.rs"]
mod leases;
#[path = "jobs/models.rs"]
mod models;
mod providers;

use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use opilio::stores::StoreSettings;
use opilio::stores::embedded::EmbeddedStore;
use opilio_actors::domain::id::{JobId, NodeId};
use opilio_actors::domain::job::JobState;
use opilio_actors::domain::retry::{Backoff, DeliveryPolicy};
use opilio_actors::http_front::Drain;
use opilio_actors::job_supervisor::{CancelJob, JobPolicy, SubmitJob};
use opilio_actors::kinds::{CRAWL, LLM_EXTRACTION};
use opilio_actors::metrics::{ActorLabels, Metrics};
use opilio_actors::ports::{
    Clock, FetchError, FetchedPage, JobStore, LanguageModel, ModelError, ModelRequest, ModelResponse, NewJob,
    WebhookRequest,
};
use opilio_actors::start::{Actors, start};
use opilio_actors::testing::contract::RETENTION;
use opilio_actors::testing::fakes::{
    NoCache, ScriptedFetcher, ScriptedModel, ScriptedReceiver, StatusReader, page, says,
};
use opilio_actors::testing::jobs::crawl;
use opilio_actors::testing::kill::{KillWorkers, Panic};
use opilio_actors::webhook_sender::SenderPolicy;
use opilio_actors::{CrawlPolicy, Dependencies, ExtractionPolicy, Policy, ResponseCacheSettings};
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::mpsc;

struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

struct TestApp {
    actors: Actors,
    store: Arc<EmbeddedStore>,
    metrics: Metrics,
    webhooks: mpsc::UnboundedReceiver<WebhookRequest>,
    _folder: TempDir,
}

impl TestApp {
    fn new(
        script: &[u16],
        fetch: impl Fn(&str) -> Option<Result<FetchedPage, FetchError>> + Send + Sync + 'static,
    ) -> Self {
        Self::with_model(script, fetch, |_| says("{}"))
    }

    fn with_model(
        script: &[u16],
        fetch: impl Fn(&str) -> Option<Result<FetchedPage, FetchError>> + Send + Sync + 'static,
        model: impl Fn(&ModelRequest) -> Option<Result<ModelResponse, ModelError>> + Send + Sync + 'static,
    ) -> Self {
        Self::with(script, fetch, Arc::new(ScriptedModel { context_tokens: 2000, script: model }))
    }

    fn with(
        script: &[u16],
        fetch: impl Fn(&str) -> Option<Result<FetchedPage, FetchError>> + Send + Sync + 'static,
        model: Arc<dyn LanguageModel>,
    ) -> Self {
        Self::changed(script, fetch, |dependencies, _| dependencies.model = model)
    }

    /// With whatever `change` makes of the dependencies and the policy.
    fn changed(
        script: &[u16],
        fetch: impl Fn(&str) -> Option<Result<FetchedPage, FetchError>> + Send + Sync + 'static,
        change: impl FnOnce(&mut Dependencies, &mut Policy),
    ) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let settings = StoreSettings { retention: RETENTION, max_queued: None, max_per_principal: None };
        let store = EmbeddedStore::open(folder.path(), Arc::new(SystemClock), settings).expect("an empty folder");
        let store = Arc::new(store);
        let (received, webhooks) = mpsc::unbounded_channel();
        let mut dependencies = Dependencies {
            cache: Arc::new(NoCache),
            store: store.clone(),
            fetcher: Arc::new(ScriptedFetcher(fetch)),
            reader: Arc::new(StatusReader),
            transport: Arc::new(ScriptedReceiver { script: script.to_vec().into(), received }),
            model: Arc::new(ScriptedModel { context_tokens: 2000, script: |_: &ModelRequest| says("{}") }),
            clock: Arc::new(SystemClock),
        };
        let (metrics, mut policy) = (Metrics::default(), policy());
        change(&mut dependencies, &mut policy);
        let actors = start(dependencies, policy, metrics.clone());
        Self { actors, store, metrics, webhooks, _folder: folder }
    }

    async fn submit(&self, job: NewJob) -> JobId {
        let id = job.id.clone();
        let response = self.actors.front.send(SubmitJob { job }).await.expect("the front runs");
        response.expect("the job is admitted");
        id
    }

    async fn webhook(&mut self) -> Value {
        let request = self.webhooks.recv().await.expect("the sender runs");
        serde_json::from_slice(request.body.whole().expect("it is short")).expect("a webhook is JSON")
    }

    fn died(&self, actor: &'static str, cause: &'static str) -> u64 {
        self.metrics.actors_died.get_or_create(&ActorLabels { actor, cause }).get()
    }
}

fn policy() -> Policy {
    let quick = Backoff { initial: Duration::from_millis(1), max: Duration::from_millis(50), jitter: 0.0 };
    Policy {
        node: NodeId::new("test"),
        jobs: JobPolicy {
            workers: [(CRAWL, 2), (LLM_EXTRACTION, 2)].into(),
            lease: Duration::from_secs(30),
            max_attempts: 3,
            stall_timeout: Duration::from_secs(600),
            wall_clock: None,
            backoff: quick,
            sweep: Duration::from_millis(20),
        },
        crawl: CrawlPolicy {
            pages_per_job: NonZeroUsize::new(4).expect("not zero"),
            max_retries: 2,
            backoff: quick,
            time_slice: NonZeroUsize::new(4),
            max_result_bytes: None,
            max_job_bytes: None,
        },
        extraction: ExtractionPolicy {
            repair_attempts: 2,
            tries: 2,
            backoff: quick,
            max_inline_wait: Duration::from_millis(50),
            requeue_delay: Duration::from_millis(20),
            max_wait: Duration::from_millis(200),
            max_tokens_per_job: Some(5000),
            chunk_overlap_tokens: 0,
            concurrent_chunks: NonZeroUsize::new(2).expect("not zero"),
            response_cache: Some(ResponseCacheSettings { max_bytes: 100_000, ttl: Duration::from_secs(60) }),
        },
        webhooks: SenderPolicy {
            retry: DeliveryPolicy {
                max_attempts: NonZeroU32::new(5).expect("not zero"),
                backoff: quick,
                retry_statuses: vec![],
                max_interruptions: 10,
            },
            lease: Duration::from_secs(60),
            in_flight: 8,
            in_flight_per_receiver: 4,
            horizon: Duration::from_secs(60),
            held: 100,
            sweep: Duration::from_millis(20),
        },
    }
}

#[actix::test]
async fn a_job_runs_from_its_submission_to_its_webhook() {
    let mut app = TestApp::new(&[], |_| Some(Ok(page(200))));
    let id = app.submit(crawl(3)).await;
    let told = app.webhook().await;
    assert_eq!(told["task_id"], id.as_str());
    assert_eq!((&told["task_type"], &told["status"]), (&"crawl".into(), &"completed".into()));
    assert_eq!(told["urls"].as_array().map(Vec::len), Some(3));
    assert!(told.get("data").is_none(), "data is sent only when asked for");
}

#[actix::test]
async fn a_webhook_with_data_holds_the_results_and_the_only_page_flat() {
    let mut app = TestApp::new(&[], |_| Some(Ok(page(200))));
    let mut job = crawl(1);
    job.spec.webhook.as_mut().expect("it has one").data_in_payload = true;
    app.submit(job).await;
    let data = app.webhook().await["data"].take();
    assert_eq!(data["success"], true);
    assert_eq!(data["results"][0]["url"], "https://example.com/0");
    for flat in ["markdown", "html"] {
        assert!(data[flat].is_string(), "{flat} is text");
    }
    assert_eq!(data["links"], data["results"][0]["links"]);
}

#[actix::test]
async fn a_failed_page_is_tried_again_and_its_last_answer_counts() {
    let tries = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&tries);
    let mut app = TestApp::new(&[], move |_| {
        counted.fetch_add(1, Ordering::SeqCst);
        Some(Err(FetchError::transient("Connection refused")))
    });
    app.submit(crawl(1)).await;
    let told = app.webhook().await;
    assert_eq!((&told["status"], &told["error"]), (&"failed".into(), &"Connection refused".into()));
    assert_eq!(tries.load(Ordering::SeqCst), 3);
}

#[actix::test]
async fn a_webhook_is_retried_with_the_same_id_and_bytes_until_it_is_taken() {
    let mut app = TestApp::new(&[500, 503, 204], |_| Some(Ok(page(200))));
    app.submit(crawl(1)).await;
    let mut requests = Vec::new();
    for _ in 0..3 {
        requests.push(app.webhooks.recv().await.expect("the sender runs"));
    }
    assert!(requests.windows(2).all(|pair| pair[0].id == pair[1].id && pair[0].body.whole() == pair[1].body.whole()));
}

#[actix::test]
async fn a_job_that_panics_runs_again_and_ends_well() {
    let tries = AtomicUsize::new(0);
    let mut app = TestApp::new(&[], move |_| {
        assert!(tries.fetch_add(1, Ordering::SeqCst) > 0, "the first try panics");
        Some(Ok(page(200)))
    });
    let id = app.submit(crawl(1)).await;
    assert_eq!(app.webhook().await["status"], "completed");
    let job = app.store.job(&id, None).await.expect("the store is available").expect("the job is stored");
    assert_eq!((job.attempts_spent, job.attempt()), (2, 2));
}

#[actix::test]
async fn a_page_that_always_panics_fails_alone_when_the_attempts_are_spent() {
    let mut app = TestApp::new(&[], |url| {
        assert!(!url.ends_with("/1"), "this page panics");
        Some(Ok(page(200)))
    });
    let id = app.submit(crawl(2)).await;
    assert_eq!(app.webhook().await["status"], "completed");
    let pages = app.store.pages(&id, 1, usize::MAX).await.expect("the store is available");
    let page: Value = serde_json::from_slice(&pages[0].1).expect("a result is JSON");
    let reason = page["error_message"].as_str().expect("a reason");
    assert!(reason.starts_with("Given up after 3 attempts: the work panicked"), "{reason}");
}

#[actix::test]
async fn cancelling_ends_a_job_whose_page_hangs_and_frees_its_worker() {
    let mut app = TestApp::new(&[], |url| url.ends_with("/1").then(|| Ok(page(200))).or_else(|| None));
    let hanging = [app.submit(crawl(1)).await, app.submit(crawl(1)).await];
    for job in &hanging {
        let cancel = CancelJob { job: job.clone(), principal: None };
        let job = app.actors.front.send(cancel).await.expect("the front runs").expect("it is not settled");
        assert_eq!(job.state, JobState::Cancelled);
        assert_eq!(app.webhook().await["status"], "cancelled");
    }
    assert_eq!(app.died("crawl_worker", "in a job"), 0);
}

#[actix::test]
async fn workers_that_die_between_jobs_are_replaced_and_counted() {
    let mut app = TestApp::new(&[], |_| Some(Ok(page(200))));
    app.submit(crawl(1)).await;
    app.webhook().await;
    app.actors.supervisor.tell(KillWorkers);
    app.submit(crawl(1)).await;
    assert_eq!(app.webhook().await["status"], "completed");
    assert_eq!(app.died("crawl_worker", "between jobs"), 2);
    assert_eq!(app.died("llm_worker", "between jobs"), 2);
}

#[actix::test]
async fn a_sender_that_dies_is_replaced_and_finds_what_is_due() {
    let mut app = TestApp::new(&[], |_| Some(Ok(page(200))));
    app.submit(crawl(1)).await;
    app.webhook().await;
    app.actors.sender.tell(Panic);
    app.submit(crawl(1)).await;
    assert_eq!(app.webhook().await["status"], "completed");
    assert_eq!(app.died("webhook_sender", "panicked"), 1);
}

#[actix::test]
async fn a_supervisor_that_dies_is_replaced_and_finds_what_waits() {
    let mut app = TestApp::new(&[], |_| Some(Ok(page(200))));
    app.submit(crawl(1)).await;
    app.webhook().await;
    let job = crawl(1);
    let id = job.id.clone();
    app.store.submit(job).await.expect("there is room");
    app.actors.supervisor.tell(Panic);
    assert_eq!(app.webhook().await["task_id"], id.as_str());
    assert_eq!(app.died("job_supervisor", "panicked"), 1);
}

#[actix::test]
async fn a_drain_hands_back_what_runs_without_costing_an_attempt() {
    let app = TestApp::new(&[], |_| None);
    let id = app.submit(crawl(1)).await;
    let running = async {
        loop {
            let job = app.store.job(&id, None).await.expect("the store is available").expect("the job is stored");
            if matches!(job.state, JobState::Running { .. }) {
                break;
            }
        }
    };
    running.await;
    app.actors.front.send(Drain { grace: Duration::from_millis(1) }).await.expect("the front runs");
    let job = app.store.job(&id, None).await.expect("the store is available").expect("the job is stored");
    assert_eq!((job.state, job.attempts_spent), (JobState::Queued { not_before: None }, 0));
}

#[actix::test]
async fn more_webhooks_than_the_memory_holds_are_all_sent() {
    let mut app = TestApp::new(&[], |_| Some(Ok(page(200))));
    let mut waiting = std::collections::HashSet::new();
    for _ in 0..300 {
        waiting.insert(app.submit(crawl(1)).await.as_str().to_owned());
    }
    while !waiting.is_empty() {
        let told = app.webhook().await;
        assert!(waiting.remove(told["task_id"].as_str().expect("an id")), "told twice: {told}");
    }
}
