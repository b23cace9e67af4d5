//! LLM jobs a second, from submission to the end in the store, against the limit that the provider itself sets.
//!
//! The provider is a fake that answers after 300 ms. The limit is a bare client that asks it with the same concurrency
//! and does nothing else. Run by `cargo bench --bench llm [jobs] [concurrency]`; it fails below 80 %.

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
use opilio_actors::webhook_sender::SenderPolicy;
use opilio_actors::{CrawlPolicy, Dependencies, ExtractionPolicy, Policy};
use serde_json::json;

const ANSWERS_AFTER: Duration = Duration::from_millis(300);
const AT_LEAST: f64 = 0.8;

struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

fn main() {
    // `cargo bench` adds an argument of its own.
    let mut numbers = std::env::args().filter_map(|arg| arg.parse().ok());
    let (jobs, concurrency) = (numbers.next().unwrap_or(2000), numbers.next().unwrap_or(50));
    let base = serve_outside();
    actix::System::new().block_on(async move {
        let limit = bare(&base, jobs, concurrency).await;
        let ours = whole(&base, jobs, concurrency).await;
        let ratio = ours / limit;
        println!("{jobs} jobs, {concurrency} at once: {ours:.1} jobs/s of {limit:.1} ({:.0} %)", 100.0 * ratio);
        assert!(ratio >= AT_LEAST, "less than {AT_LEAST} of the limit");
    });
}

/// A page and a provider, on threads of their own.
fn serve_outside() -> String {
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        actix::System::new().block_on(async move {
            let page = || async { HttpResponse::Ok().content_type("text/html").body("<h1>A title</h1><p>Words.") };
            let app = move || {
                let page = web::get().to(page);
                App::new().route("/page", page).route("/v1/chat/completions", web::post().to(answer))
            };
            let server = HttpServer::new(app).workers(1).bind(("127.0.0.1", 0)).expect("a free port");
            let _ = tell.send(format!("http://{}", server.addrs()[0]));
            server.run().await.expect("it serves");
        });
    });
    told.recv().expect("it is bound")
}

async fn answer() -> HttpResponse {
    tokio::time::sleep(ANSWERS_AFTER).await;
    let message = json!({"role": "assistant", "content": "{\"title\": \"A title\"}"});
    HttpResponse::Ok().json(json!({"model": "fake", "choices": [{"finish_reason": "stop", "message": message}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 10}}))
}

/// Questions a second of a client that does nothing else.
async fn bare(base: &str, jobs: usize, concurrency: usize) -> f64 {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().build().expect("a plain client");
    let url = format!("{base}/v1/chat/completions");
    let began = Instant::now();
    let asked = stream::iter(0..jobs).map(|_| async {
        let body = json!({"model": "fake", "messages": [{"role": "user", "content": "the title"}]}).to_string();
        let request = client.post(&url).header("content-type", "application/json").body(body);
        request.send().await.expect("it serves").bytes().await.expect("it is whole");
    });
    asked.buffer_unordered(concurrency).collect::<Vec<_>>().await;
    per_second(jobs, began)
}

/// Jobs a second of everything: store, actors, fetcher, reader, model.
async fn whole(base: &str, jobs: usize, concurrency: usize) -> f64 {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (actors, store) = house(base, folder.path(), concurrency);
    let began = Instant::now();
    let submitted = stream::iter(0..jobs).map(|_| async {
        let mut job = extraction("the title");
        job.spec.webhook = None;
        let spec = job.spec.task.get_mut::<ExtractionSpec>().expect("an extraction");
        (spec.url, spec.provider) = (format!("{base}/page"), None);
        spec.schema = Some(json!({"type": "object", "properties": {"title": {"type": "string"}}}));
        let admitted = actors.front.send(SubmitJob { job }).await.expect("the front is there");
        admitted.expect("there is room");
    });
    submitted.buffer_unordered(64).collect::<Vec<_>>().await;
    loop {
        let counts = store.counts().await.expect("the store is there");
        if counts.queued + counts.running == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let speed = per_second(jobs, began);
    let failed = JobFilter {
        principal: None,
        status: Some(Status::Failed),
        kind: None,
        webhook: None,
        cursor: None,
        limit: PageLimit::of(1),
    };
    let failed = store.jobs(failed).await.expect("the store is there").jobs;
    assert!(failed.is_empty(), "{:?}", failed[0].error);
    speed
}

fn per_second(jobs: usize, began: Instant) -> f64 {
    f64::from(u32::try_from(jobs).unwrap_or(u32::MAX)) / began.elapsed().as_secs_f64()
}

fn house(base: &str, folder: &std::path::Path, workers: usize) -> (Actors, Arc<EmbeddedStore>) {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let settings = StoreSettings { retention: RETENTION, max_queued: None, max_per_principal: None };
    let store = Arc::new(EmbeddedStore::open(folder, Arc::clone(&clock), settings).expect("an empty folder"));
    let guard = Guard::open(Allowlist::default());
    let egress = Egress::new(guard, &EgressSettings::default()).expect("plain settings");
    let own = FamilySettings::compatible("fake", format!("{base}/v1").parse().expect("an address"));
    let models = ModelSettings { provider: "fake/fake".to_owned(), families: vec![own], ..ModelSettings::default() };
    // All pages are on one host here, which is asked as often as the model is.
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
            backoff,
            sweep: second,
        },
        crawl: CrawlPolicy {
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
            in_flight: 1,
            in_flight_per_receiver: 1,
            horizon: 60 * second,
            held: 1,
            sweep: second,
        },
    }
}
