//! Real actors over a real store, with scripted pages, models and receivers.

use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use opilio::stores::StoreSettings;
use opilio::stores::embedded::EmbeddedStore;
use opilio_actors::domain::crawl::CrawlSpec;
use opilio_actors::domain::id::{JobId, NodeId, Principal};
use opilio_actors::domain::job::Job;
use opilio_actors::domain::retry::{Backoff, DeliveryPolicy};
use opilio_actors::job_supervisor::{CancelJob, JobPolicy, SubmitJob};
use opilio_actors::kinds::{CRAWL, LLM_EXTRACTION};
use opilio_actors::metrics::{ActorLabels, Metrics};
use opilio_actors::ports::{
    Clock, FetchError, FetchedPage, JobStore, LanguageModel, ModelError, ModelRequest, ModelResponse, NewJob,
    StoreError, WebhookRequest,
};
use opilio_actors::start::{Actors, start};
use opilio_actors::testing::contract::RETENTION;
use opilio_actors::testing::failing_store::FailingStore;
use opilio_actors::testing::fakes::{
    NoCache, ScriptedFetcher, ScriptedModel, ScriptedReceiver, StatusReader, page, says,
};
use opilio_actors::testing::jobs::crawl;
use opilio_actors::testing::until::{DEADLINE, until};
use opilio_actors::webhook_sender::SenderPolicy;
use opilio_actors::{CrawlPolicy, Dependencies, ExtractionPolicy, Policy, ResponseCacheSettings};
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::{mpsc, watch};

pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

pub struct TestApp {
    pub actors: Actors,
    pub store: Arc<EmbeddedStore>,
    metrics: Metrics,
    pub webhooks: mpsc::UnboundedReceiver<WebhookRequest>,
    _folder: TempDir,
}

impl TestApp {
    pub fn new(
        script: &[u16],
        fetch: impl Fn(&str) -> Option<Result<FetchedPage, FetchError>> + Send + Sync + 'static,
    ) -> Self {
        Self::with_model(script, fetch, |_| says("{}"))
    }

    pub fn with_model(
        script: &[u16],
        fetch: impl Fn(&str) -> Option<Result<FetchedPage, FetchError>> + Send + Sync + 'static,
        model: impl Fn(&ModelRequest) -> Option<Result<ModelResponse, ModelError>> + Send + Sync + 'static,
    ) -> Self {
        Self::with_language_model(script, fetch, Arc::new(ScriptedModel { context_tokens: 2000, script: model }))
    }

    pub fn with_language_model(
        script: &[u16],
        fetch: impl Fn(&str) -> Option<Result<FetchedPage, FetchError>> + Send + Sync + 'static,
        model: Arc<dyn LanguageModel>,
    ) -> Self {
        Self::customized(script, fetch, |dependencies, _| dependencies.model = model)
    }

    /// With changes of the dependencies and the policy.
    pub fn customized(
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

    pub async fn submit(&self, job: NewJob) -> JobId {
        let id = job.id.clone();
        let response = self.actors.front.send(SubmitJob { job }).await.expect("the front runs");
        response.expect("the job is admitted");
        id
    }

    pub async fn next_webhook(&mut self) -> Value {
        let request = self.webhooks.recv().await.expect("the sender runs");
        serde_json::from_slice(request.body.whole().expect("the body is in memory")).expect("a webhook is JSON")
    }

    /// The value of the counter of stopped actors with these labels.
    pub fn died(&self, actor: &'static str, cause: &'static str) -> u64 {
        self.metrics.actors_exited.get_or_create(&ActorLabels { actor, cause }).get()
    }
}

pub fn policy() -> Policy {
    let quick = Backoff { initial: Duration::from_millis(1), max: Duration::from_millis(50), jitter: 0.0 };
    Policy {
        node: NodeId::new("test"),
        jobs: JobPolicy {
            workers: [(CRAWL, 2), (LLM_EXTRACTION, 2)].into(),
            lease: Duration::from_secs(30),
            max_attempts: 3,
            max_crashes: 10,
            stall_timeout: Duration::from_secs(600),
            wall_clock: None,
            backoff: quick,
            sweep: Duration::from_millis(20),
        },
        crawl: CrawlPolicy {
            max_previews: 100,
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
            max_in_flight: 8,
            max_in_flight_per_receiver: 4,
            horizon: Duration::from_secs(60),
            max_in_memory: 100,
            sweep: Duration::from_millis(20),
        },
    }
}

impl TestApp {
    pub async fn job(&self, id: &JobId) -> Job {
        self.store.job(id, None).await.expect("the store is available").expect("the job is stored")
    }

    /// Waits until the job meets `condition`, and returns it.
    pub async fn job_until(&self, id: &JobId, condition: impl Fn(&Job) -> bool) -> Job {
        let evaluate = async || {
            let job = self.job(id).await;
            if condition(&job) { Ok(job) } else { Err(job) }
        };
        until(evaluate, DEADLINE).await
    }

    pub async fn cancel(&self, id: &JobId) -> Job {
        let cancel = CancelJob { job: id.clone(), principal: None };
        self.actors.front.send(cancel).await.expect("the front runs").expect("the job is not settled")
    }

    pub async fn page_error(&self, id: &JobId, page: u32) -> String {
        let pages = self.store.pages(id, page, 1).await.expect("the store is available");
        let page: Value = serde_json::from_slice(&pages[0].1).expect("a result is JSON");
        page["error_message"].as_str().expect("a text").to_owned()
    }
}

/// The URLs of fetched pages, in order.
#[derive(Clone, Default)]
pub struct FetchLog(Arc<Mutex<Vec<String>>>);

impl FetchLog {
    /// Adds a fetch, and returns how often this URL has been fetched.
    pub fn add(&self, url: &str) -> usize {
        let mut urls = self.0.lock().expect("no panic");
        urls.push(url.to_owned());
        urls.iter().filter(|other| *other == url).count()
    }

    pub fn count(&self, url: &str) -> usize {
        self.urls().iter().filter(|other| *other == url).count()
    }

    pub fn urls(&self) -> Vec<String> {
        self.0.lock().expect("no panic").clone()
    }
}

/// A crawl job of one page of `name`.example, by the principal `name`.
pub fn one_page(name: &str) -> NewJob {
    pages(name, 1)
}

pub fn pages(name: &str, count: usize) -> NewJob {
    let mut job = crawl(count);
    let crawl = job.spec.task.get_mut::<CrawlSpec>().expect("a crawl");
    crawl.urls = (0..count).map(|page| format!("https://{name}.example/{page}")).collect();
    job.principal = Principal::new(name);
    job
}

/// Runs a future to completion outside of the runtime of the test.
pub fn block_on<T: Send>(work: impl Future<Output = T> + Send) -> T {
    let run = || tokio::runtime::Builder::new_current_thread().build().expect("one thread").block_on(work);
    std::thread::scope(|scope| scope.spawn(run).join().expect("no panic"))
}

/// Holds store operations at this point while the returned gate is false.
pub fn gate_at(at: &'static str, dependencies: &mut Dependencies) -> watch::Sender<bool> {
    let (gate, open) = watch::channel(false);
    let fails = move |point| -> BoxFuture<'static, Result<(), StoreError>> {
        let mut open = open.clone();
        Box::pin(async move {
            if point == at {
                open.wait_for(|open| *open).await.map_err(|_| StoreError::NotFound)?;
            }
            Ok(())
        })
    };
    dependencies.store = Arc::new(FailingStore { store: Arc::clone(&dependencies.store), fails });
    gate
}

/// An app whose store operations are held at this point, and where pages with `hangs` in their URL hang.
pub fn gated(at: &'static str, change: impl FnOnce(&mut Policy)) -> (TestApp, FetchLog, watch::Sender<bool>) {
    let fetches = FetchLog::default();
    let (log, mut gate) = (fetches.clone(), None);
    let app = TestApp::customized(
        &[],
        move |url| {
            log.add(url);
            (!url.contains("hangs")).then(|| Ok(page(200)))
        },
        |dependencies, policy| {
            gate = Some(gate_at(at, dependencies));
            change(policy);
        },
    );
    (app, fetches, gate.expect("it was created"))
}
