//! The system under test: all actors with fakes around them.

use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::scripted::{Script, ScriptedReceivers, ScriptedSite};
use crate::crawl_worker::CrawlPolicy;
use crate::dependencies::Dependencies;
use crate::domain::crawl::CrawlSpec;
use crate::domain::id::{JobId, NodeId, Principal};
use crate::domain::job::Job;
use crate::domain::retry::{Backoff, DeliveryPolicy};
use crate::job_supervisor::{CancelJob, JobPolicy, SubmitJob};
use crate::kinds::{CRAWL, LLM_EXTRACTION};
use crate::llm_worker::ExtractionPolicy;
use crate::metrics::{ActorLabels, Metrics};
use crate::policy::Policy;
use crate::ports::{Clock, LanguageModel, ModelRequest, NewJob, Store, StoreError, WebhookRequest};
use crate::start::{Actors, start};
use crate::testing::contract::RETENTION;
use crate::testing::fakes::{NoCache, ScriptedModel, StatusReader, says};
use crate::testing::jobs::{crawl, target};
use crate::testing::memory::MemoryStore;
use crate::testing::until::{expect, until};
use crate::webhook_sender::SenderPolicy;

pub const SECOND: Duration = Duration::from_secs(1);
pub const HOUR: Duration = Duration::from_secs(3600);

/// The deadline of waits, in paused time.
const A_DAY: Duration = Duration::from_secs(86_400);

/// Runs `test` with paused time: the clock advances when every task waits.
pub fn with_paused_time<F: Future<Output = ()>>(test: impl FnOnce() -> F) {
    let runtime = || {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_all().start_paused(true).build().expect("one thread")
    };
    actix::System::with_tokio_rt(runtime).block_on(test());
}

/// Waits until `condition` holds. Time advances meanwhile.
pub async fn wait_until(condition: impl Fn() -> bool) {
    until(async || expect(condition(), "not yet"), A_DAY).await;
}

/// The paused time, for the store and the actors.
struct PausedClock(Instant);

impl Clock for PausedClock {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH.saturating_add(self.0.elapsed()).unwrap_or(Timestamp::MAX)
    }
}

/// The state before the actors start.
pub struct Setup {
    pub store: Arc<dyn Store>,
    pub site: ScriptedSite,
    pub receivers: Script<(Duration, u16)>,
    pub policy: Policy,
    pub model: Arc<dyn LanguageModel>,
}

impl Setup {
    pub fn new(site: ScriptedSite) -> Self {
        let store = Arc::new(MemoryStore::new(Arc::new(PausedClock(Instant::now())), RETENTION));
        let model = Arc::new(ScriptedModel { context_tokens: 2000, script: |_: &ModelRequest| says("{}") });
        Self { store, site, receivers: Arc::new(|_| (Duration::ZERO, 200)), policy: policy(), model }
    }

    pub fn start(self) -> TestSystem {
        let Setup { store, site, receivers, policy, model } = self;
        let (metrics, (sender, received)) = (Metrics::default(), mpsc::unbounded_channel());
        let dependencies = Dependencies {
            store: Arc::clone(&store),
            fetcher: Arc::new(site.clone()),
            cache: Arc::new(NoCache),
            reader: Arc::new(StatusReader),
            transport: Arc::new(ScriptedReceivers { script: receivers, received: sender }),
            model,
            clock: Arc::new(PausedClock(Instant::now())),
        };
        let actors = start(dependencies, policy, metrics.clone());
        TestSystem { actors, store, metrics, site, received }
    }
}

/// The running actors and their surroundings.
pub struct TestSystem {
    pub actors: Actors,
    pub store: Arc<dyn Store>,
    pub site: ScriptedSite,
    metrics: Metrics,
    received: mpsc::UnboundedReceiver<WebhookRequest>,
}

impl TestSystem {
    pub async fn submit(&self, job: NewJob) -> JobId {
        let id = job.id.clone();
        self.actors.front.send(SubmitJob { job }).await.expect("the front runs").expect("the job is admitted");
        id
    }

    pub async fn cancel(&self, id: &JobId) -> Result<Job, StoreError> {
        let cancel = CancelJob { job: id.clone(), principal: None };
        self.actors.front.send(cancel).await.expect("the front runs")
    }

    pub async fn job(&self, id: &JobId) -> Job {
        self.store.job(id, None).await.expect("the store is available").expect("the job exists")
    }

    /// Waits until the job meets the condition. Time advances meanwhile.
    pub async fn wait_for(&self, id: &JobId, condition: impl Fn(&Job) -> bool) -> Job {
        let read = async || {
            let job = self.job(id).await;
            if condition(&job) { Ok(job) } else { Err(job) }
        };
        until(read, A_DAY).await
    }

    /// The next webhook.
    pub async fn webhook(&mut self) -> Value {
        json(&self.received.recv().await.expect("the sender runs"))
    }

    /// The webhooks that have arrived since the last call.
    pub fn webhooks(&mut self) -> Vec<Value> {
        std::iter::from_fn(|| self.received.try_recv().ok()).map(|request| json(&request)).collect()
    }

    pub fn exits(&self, actor: &'static str, cause: &'static str) -> u64 {
        self.metrics.actors_exited.get_or_create(&ActorLabels { actor, cause }).get()
    }

    pub fn starts(&self, actor: &'static str, cause: &'static str) -> u64 {
        self.metrics.actors_started.get_or_create(&ActorLabels { actor, cause }).get()
    }
}

fn json(request: &WebhookRequest) -> Value {
    serde_json::from_slice(request.body.whole().expect("the body is short")).expect("a webhook is JSON")
}

/// A job of `principal` with `pages` pages. The URLs contain the principal's name.
pub fn crawl_of(principal: &str, pages: usize) -> NewJob {
    let mut job = crawl(pages);
    let spec = job.spec.task.get_mut::<CrawlSpec>().expect("a crawl");
    spec.urls = (0..pages).map(|page| format!("https://{principal}.example/{page}")).collect();
    job.principal = Principal::new(principal);
    job.spec.webhook = Some(target(&format!("http://{principal}.example/hook")));
    job
}

fn policy() -> Policy {
    let backoff = Backoff { initial: SECOND, max: 32 * SECOND, jitter: 0.0 };
    let four = NonZeroUsize::new(4).expect("not zero");
    Policy {
        node: NodeId::new("test"),
        jobs: JobPolicy {
            workers: [(CRAWL, 4), (LLM_EXTRACTION, 2)].into(),
            lease: 30 * SECOND,
            max_attempts: 3,
            max_crashes: 10,
            stall_timeout: 600 * SECOND,
            wall_clock: None,
            backoff,
            sweep: SECOND,
        },
        crawl: CrawlPolicy {
            max_previews: 100,
            pages_per_job: four,
            max_retries: 0,
            backoff,
            time_slice: Some(four),
            max_result_bytes: None,
            max_job_bytes: None,
        },
        extraction: ExtractionPolicy {
            repair_attempts: 0,
            tries: 1,
            backoff,
            max_inline_wait: SECOND,
            requeue_delay: SECOND,
            max_wait: 60 * SECOND,
            max_tokens_per_job: None,
            chunk_overlap_tokens: 0,
            concurrent_chunks: four,
            response_cache: None,
        },
        webhooks: SenderPolicy {
            retry: DeliveryPolicy {
                max_attempts: NonZeroU32::new(5).expect("not zero"),
                backoff,
                retry_statuses: vec![],
                max_interruptions: 10,
            },
            lease: 60 * SECOND,
            max_in_flight: 16,
            max_in_flight_per_receiver: 4,
            horizon: 60 * SECOND,
            max_in_memory: 10_000,
            sweep: SECOND,
        },
    }
}
