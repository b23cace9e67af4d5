//! LLM jobs per second, from submission to the settled job in the store, relative to the limit that the provider sets.
//!
//! The provider is a fake that responds after 300 ms. The limit is a plain client that sends requests to it with the same
//! concurrency. Run with `cargo bench --bench llm [jobs] [concurrency]`; the benchmark fails below 80 %.

use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::{App, HttpResponse, HttpServer, web};
use futures_util::stream::{self, StreamExt};
use jiff::Timestamp;
use opilio::egress::{Allowlist, Egress, EgressSettings, Guard};
use opilio::fetchers::{HttpFetcher, HttpFetcherSettings};
use opilio::models::{FamilySettings, ModelSettings, Models};
use opilio::reader::{CpuReader, ReaderSettings};
use opilio::stores::StoreSettings;
use opilio::stores::embedded::EmbeddedStore;
use opilio::webhooks::{HttpTransport, WebhookSettings};
use opilio_actors::domain::extraction::ExtractionSpec;
use opilio_actors::domain::id::NodeId;
use opilio_actors::domain::job::Status;
use opilio_actors::domain::retry::{Backoff, DeliveryPolicy};
use opilio_actors::job_supervisor::{JobPolicy, SubmitJob};
use opilio_actors::kinds::{CRAWL, LLM_EXTRACTION};
use opilio_actors::metrics::Metrics;
use opilio_actors::ports::{Clock, JobFilter, JobStore, PageLimit};
use opilio_actors::start::{Actors, start};
use opilio_actors::testing::contract::RETENTION;
use opilio_actors::testing::jobs::extraction;
use opilio_actors::testing::until::{DEADLINE, until};
use opilio_actors::webhook_sender::SenderPolicy;
use opilio_actors::{CrawlPolicy, Dependencies, ExtractionPolicy, Policy};
use serde_json::json;

const RESPONSE_TIME: Duration = Duration::from_millis(300);
const MIN_RATIO: f64 = 0.8;

struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

fn main() {
    // `cargo bench` passes `--bench` as well.
    let mut numbers = std::env::args().filter_map(|arg| arg.parse().ok());
    let (jobs, concurrency) = (numbers.next().unwrap_or(2000), numbers.next().unwrap_or(50));
    let base = serve_page_and_provider();
    actix::System::new().block_on(async move {
        let limit = client_rate(&base, jobs, concurrency).await;
        let ours = job_rate(&base, jobs, concurrency).await;
        let ratio = ours / limit;
        println!("{jobs} jobs, concurrency {concurrency}: {ours:.1} jobs/s of {limit:.1} ({:.0} %)", 100.0 * ratio);
        assert!(ratio >= MIN_RATIO, "less than {MIN_RATIO} of the limit");
    });
}

/// Serves a page and a provider on another thread; returns their base URL.
fn serve_page_and_provider() -> String {
    let (sender, base) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        actix::System::new().block_on(async move {
            let page = || async { HttpResponse::Ok().content_type("text/html").body("<h1>A title</h1><p>Words.") };
            let app = move || {
                let page = web::get().to(page);
                App::new().route("/page", page).route("/v1/chat/completions", web::post().to(complete))
            };
            let server = HttpServer::new(app).workers(1).bind(("127.0.0.1", 0)).expect("a free port");
            let _ = sender.send(format!("http://{}", server.addrs()[0]));
            server.run().await.expect("the server responds");
        });
    });
    base.recv().expect("the server is bound")
}

async fn complete() -> HttpResponse {
    tokio::time::sleep(RESPONSE_TIME).await;
    let message = json!({"role": "assistant", "content": "{\"title\": \"A title\"}"});
    HttpResponse::Ok().json(json!({"model": "fake", "choices": [{"finish_reason": "stop", "message": message}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 10}}))
}

/// Requests per second of a plain client.
async fn client_rate(base: &str, jobs: usize, concurrency: usize) -> f64 {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().build().expect("a plain client");
    let url = format!("{base}/v1/chat/completions");
    let started = Instant::now();
    let requests = stream::iter(0..jobs).map(|_| async {
        let body = json!({"model": "fake", "messages": [{"role": "user", "content": "the title"}]}).to_string();
        let request = client.post(&url).header("content-type", "application/json").body(body);
        request.send().await.expect("the server responds").bytes().await.expect("the response is complete");
    });
    requests.buffer_unordered(concurrency).collect::<Vec<_>>().await;
    per_second(jobs, started)
}

/// Jobs per second of the complete system: store, actors, fetcher, reader, model.
async fn job_rate(base: &str, jobs: usize, concurrency: usize) -> f64 {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (actors, store) = start_opilio(base, folder.path(), concurrency);
    let started = Instant::now();
    let submitted = stream::iter(0..jobs).map(|_| async {
        let mut job = extraction("the title");
        job.spec.webhook = None;
        let spec = job.spec.task.get_mut::<ExtractionSpec>().expect("an extraction");
        (spec.url, spec.provider) = (format!("{base}/page"), None);
        spec.schema = Some(json!({"type": "object", "properties": {"title": {"type": "string"}}}));
        let admitted = actors.front.send(SubmitJob { job }).await.expect("the front is running");
        admitted.expect("the job is admitted");
    });
    submitted.buffer_unordered(64).collect::<Vec<_>>().await;
    let evaluate = async || {
        let counts = store.counts().await.expect("the store is available");
        if counts.queued + counts.running == 0 { Ok(()) } else { Err(counts) }
    };
    until(evaluate, 10 * DEADLINE).await;
    let speed = per_second(jobs, started);
    let failed = JobFilter {
        principal: None,
        status: Some(Status::Failed),
        kind: None,
        webhook: None,
        cursor: None,
        limit: PageLimit::of(1),
    };
    let failed = store.jobs(failed).await.expect("the store is available").jobs;
    assert!(failed.is_empty(), "{:?}", failed[0].error);
    speed
}

fn per_second(jobs: usize, started: Instant) -> f64 {
    f64::from(u32::try_from(jobs).unwrap_or(u32::MAX)) / started.elapsed().as_secs_f64()
}

fn start_opilio(base: &str, folder: &std::path::Path, workers: usize) -> (Actors, Arc<EmbeddedStore>) {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let settings = StoreSettings { retention: RETENTION, max_queued: None, max_per_principal: None };
    let store = Arc::new(EmbeddedStore::open(folder, Arc::clone(&clock), settings).expect("an empty folder"));
    let guard = Guard::open(Allowlist::default());
    let egress = Egress::new(guard, &EgressSettings::default()).expect("plain settings");
    let family = FamilySettings::compatible("fake", format!("{base}/v1").parse().expect("a URL"));
    let models = ModelSettings { provider: "fake/fake".to_owned(), families: vec![family], ..ModelSettings::default() };
    // All pages are on one host, so its limit must not be lower than the model's concurrency.
    let fetcher = HttpFetcherSettings { max_pages_per_host: workers, ..HttpFetcherSettings::default() };
    let transport = HttpTransport::new(egress.clone(), &WebhookSettings::default(), Arc::clone(&clock));
    let dependencies = Dependencies {
        cache: Arc::new(opilio_actors::testing::fakes::NoCache),
        store: store.clone(),
        fetcher: Arc::new(HttpFetcher::new(egress.clone(), fetcher, Arc::clone(&clock))),
        reader: Arc::new(CpuReader::new(ReaderSettings::default())),
        transport: Arc::new(transport.expect("plain settings")),
        model: Arc::new(Models::new(egress, Arc::clone(&clock), models)),
        clock,
    };
    (start(dependencies, policy(workers), Metrics::default()), store)
}

fn policy(workers: usize) -> Policy {
    let second = Duration::from_secs(1);
    let backoff = Backoff { initial: second, max: 30 * second, jitter: 0.5 };
    let retry =
        DeliveryPolicy { max_attempts: NonZeroU32::MIN, backoff, retry_statuses: vec![], max_interruptions: 10 };
    Policy {
        node: NodeId::new("bench"),
        jobs: JobPolicy {
            workers: [(CRAWL, 1), (LLM_EXTRACTION, workers)].into(),
            lease: 30 * second,
            stall_timeout: Duration::from_secs(600),
            wall_clock: None,
            max_attempts: 3,
            max_crashes: 10,
            backoff,
            sweep: second,
        },
        crawl: CrawlPolicy {
            max_previews: 100,
            pages_per_job: NonZeroUsize::MIN,
            max_retries: 0,
            backoff,
            time_slice: None,
            max_result_bytes: None,
            max_job_bytes: None,
        },
        extraction: ExtractionPolicy {
            repair_attempts: 2,
            tries: 3,
            backoff,
            max_inline_wait: 10 * second,
            requeue_delay: 10 * second,
            max_wait: 600 * second,
            max_tokens_per_job: None,
            chunk_overlap_tokens: 100,
            concurrent_chunks: NonZeroUsize::MIN,
            response_cache: None,
        },
        webhooks: SenderPolicy {
            retry,
            lease: 60 * second,
            max_in_flight: 1,
            max_in_flight_per_receiver: 1,
            horizon: 60 * second,
            max_in_memory: 1,
            sweep: second,
        },
    }
}
