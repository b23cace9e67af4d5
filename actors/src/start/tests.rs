//! All actors on a store in memory, by a clock that jumps to whatever comes next: an hour takes no time, and what is
//! counted here is exact.

mod cancelling;
mod crashing;
mod ending;
mod fairness;
mod leases;

use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::{Actors, start};
use crate::crawl_worker::CrawlPolicy;
use crate::dependencies::Dependencies;
use crate::domain::crawl::CrawlSpec;
use crate::domain::delivery::AttemptOutcome;
use crate::domain::id::{JobId, NodeId, Principal};
use crate::domain::job::Job;
use crate::domain::retry::{Backoff, DeliveryPolicy};
use crate::job_supervisor::{CancelJob, JobPolicy, SubmitJob};
use crate::kinds::{CRAWL, LLM_EXTRACTION};
use crate::llm_worker::ExtractionPolicy;
use crate::metrics::{ActorLabels, Metrics};
use crate::policy::Policy;
use crate::ports::{
    Clock, FetchError, FetchedPage, ModelRequest, NewJob, PageFetcher, PageRequest, Store, StoreError, WebhookRequest,
    WebhookTransport,
};
use crate::testing::contract::RETENTION;
use crate::testing::fakes::{NoCache, ScriptedModel, StatusReader, page, says};
use crate::testing::jobs::{crawl, target};
use crate::testing::memory::MemoryStore;
use crate::webhook_sender::SenderPolicy;

const SECOND: Duration = Duration::from_secs(1);

/// What somebody outside does, by his address.
type Script<T> = Arc<dyn Fn(&str) -> T + Send + Sync>;

/// Runs `test` where time stands still unless everybody waits for it.
fn by_jumps<F: Future<Output = ()>>(test: impl FnOnce() -> F) {
    let runtime = || {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_all().start_paused(true).build().expect("one thread")
    };
    actix::System::with_tokio_rt(runtime).block_on(test());
}

/// The time that jumps, as the store and the actors read it.
struct Jumping(Instant);

impl Clock for Jumping {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH.saturating_add(self.0.elapsed()).unwrap_or(Timestamp::MAX)
    }
}

/// What a page does.
#[derive(Clone, Copy)]
enum Does {
    Come,
    /// Nothing for so long; then it has failed.
    Hang(Duration),
    Panic,
}

/// Pages by a script. It remembers which were begun, in order, and how many are under way.
#[derive(Clone)]
struct Site {
    script: Script<Does>,
    begun: Arc<Mutex<Vec<String>>>,
    under_way: Arc<AtomicUsize>,
}

impl Site {
    fn new(script: impl Fn(&str) -> Does + Send + Sync + 'static) -> Self {
        Self { script: Arc::new(script), begun: Arc::default(), under_way: Arc::default() }
    }

    fn begun(&self) -> Vec<String> {
        self.begun.lock().expect("no panic").clone()
    }

    /// How many pages were begun before the first whose address holds `name`.
    fn before(&self, name: &str) -> usize {
        self.begun().iter().position(|url| url.contains(name)).expect("it was begun")
    }

    fn under_way(&self) -> usize {
        self.under_way.load(Ordering::SeqCst)
    }
}

/// One more is under way until it is dropped.
struct UnderWay(Arc<AtomicUsize>);

impl UnderWay {
    fn begin(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(count))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl PageFetcher for Site {
    async fn fetch(&self, request: PageRequest) -> Result<FetchedPage, FetchError> {
        self.begun.lock().expect("no panic").push(request.url.clone());
        let _under_way = UnderWay::begin(&self.under_way);
        match (self.script)(&request.url) {
            Does::Come => Ok(page(200)),
            Does::Hang(time) => {
                tokio::time::sleep(time).await;
                Err(FetchError::permanent("Connection timeout"))
            }
            Does::Panic => panic!("this page panics"),
        }
    }
}

/// Receivers by a script: how long each takes for its answer, and its status, 0 for none at all.
struct Receivers {
    script: Script<(Duration, u16)>,
    told: mpsc::UnboundedSender<WebhookRequest>,
}

#[async_trait]
impl WebhookTransport for Receivers {
    async fn post(&self, request: WebhookRequest) -> Result<AttemptOutcome, StoreError> {
        let (time, status) = (self.script)(request.target.url.host_str().unwrap_or_default());
        // A test that has seen enough need not hear of more.
        let _ = self.told.send(request);
        tokio::time::sleep(time).await;
        Ok(match status {
            0 => AttemptOutcome::Failed { reason: "timeout".to_owned() },
            status => AttemptOutcome::Answered { status, retry_after: None, excerpt: String::new() },
        })
    }
}

/// The actors, and everything that they see of the world.
struct House {
    actors: Actors,
    store: Arc<dyn Store>,
    metrics: Metrics,
    site: Site,
    told: mpsc::UnboundedReceiver<WebhookRequest>,
}

/// What there is before the actors start.
struct Plot {
    store: Arc<dyn Store>,
    site: Site,
    receivers: Script<(Duration, u16)>,
    policy: Policy,
}

impl Plot {
    fn new(site: Site) -> Self {
        let store = Arc::new(MemoryStore::new(Arc::new(Jumping(Instant::now())), RETENTION));
        Self { store, site, receivers: Arc::new(|_| (Duration::ZERO, 200)), policy: policy() }
    }

    fn build(self) -> House {
        let Plot { store, site, receivers, policy } = self;
        let (metrics, (tell, told)) = (Metrics::default(), mpsc::unbounded_channel());
        let outside = Dependencies {
            store: Arc::clone(&store),
            fetcher: Arc::new(site.clone()),
            cache: Arc::new(NoCache),
            reader: Arc::new(StatusReader),
            transport: Arc::new(Receivers { script: receivers, told: tell }),
            model: Arc::new(ScriptedModel { context_tokens: 2000, script: |_: &ModelRequest| says("{}") }),
            clock: Arc::new(Jumping(Instant::now())),
        };
        let actors = start(outside, policy, metrics.clone());
        House { actors, store, metrics, site, told }
    }
}

impl House {
    async fn submit(&self, job: NewJob) -> JobId {
        let id = job.id.clone();
        self.actors.front.send(SubmitJob { job }).await.expect("the front is there").expect("there is room");
        id
    }

    async fn cancel(&self, id: &JobId) -> Result<Job, StoreError> {
        let cancel = CancelJob { job: id.clone(), principal: None };
        self.actors.front.send(cancel).await.expect("the front is there")
    }

    async fn job(&self, id: &JobId) -> Job {
        self.store.job(id, None).await.expect("the store is there").expect("it is kept")
    }

    /// Until the job is as wanted; time goes on meanwhile.
    async fn until(&self, id: &JobId, wanted: impl Fn(&Job) -> bool) -> Job {
        loop {
            let job = self.job(id).await;
            if wanted(&job) {
                return job;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// The next webhook.
    async fn webhook(&mut self) -> Value {
        let request = self.told.recv().await.expect("the sender is there");
        serde_json::from_slice(request.body.whole().expect("it is short")).expect("a webhook is JSON")
    }

    /// Every webhook that came until now.
    fn told(&mut self) -> Vec<Value> {
        let told = std::iter::from_fn(|| self.told.try_recv().ok());
        told.map(|request| {
            serde_json::from_slice(request.body.whole().expect("it is short")).expect("a webhook is JSON")
        })
        .collect()
    }

    fn died(&self, actor: &'static str, cause: &'static str) -> u64 {
        self.metrics.actors_died.get_or_create(&ActorLabels { actor, cause }).get()
    }

    fn started(&self, actor: &'static str, cause: &'static str) -> u64 {
        self.metrics.actors_started.get_or_create(&ActorLabels { actor, cause }).get()
    }
}

/// A job of `pages` pages by this principal, whose name stands in every address.
fn of(principal: &str, pages: usize) -> NewJob {
    let mut job = crawl(pages);
    let crawl = job.spec.task.get_mut::<CrawlSpec>().expect("a crawl");
    crawl.urls = (0..pages).map(|page| format!("https://{principal}.example/{page}")).collect();
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
            stall_timeout: 600 * SECOND,
            wall_clock: None,
            backoff,
            sweep: SECOND,
        },
        crawl: CrawlPolicy {
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
            in_flight: 16,
            in_flight_per_receiver: 4,
            horizon: 60 * SECOND,
            held: 10_000,
            sweep: SECOND,
        },
    }
}
