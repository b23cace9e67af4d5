//! The composition root: the operator's choices in, a running server out. The only file that knows every part.

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use actix_web::{App, HttpServer};
use anyhow::{Context, ensure};
use jiff::Timestamp;
use opilio_actors::domain::id::NodeId;
use opilio_actors::domain::retention::Retention;
use opilio_actors::domain::retry::{Backoff, DeliveryPolicy};
use opilio_actors::http_front::Drain;
use opilio_actors::job_supervisor::JobPolicy;
use opilio_actors::metrics::Metrics;
use opilio_actors::ports::Clock;
use opilio_actors::start::{Outside, Policy, start};
use opilio_actors::webhook_sender::SenderPolicy;
use opilio_actors::{CrawlPolicy, ExtractionPolicy};
use prometheus_client::registry::Registry;
use tokio::signal::unix::{SignalKind, signal};
use tracing::info;
use ulid::Ulid;

use crate::egress::{Allow, Egress, EgressSettings, Guard};
use crate::fetchers::{HttpFetcher, HttpFetcherSettings};
use crate::http::{Api, WebhookDefaults};
use crate::models::{ModelSettings, Models};
use crate::reader::{CpuReader, ReaderSettings};
use crate::stores::embedded::{EmbeddedStore, StoreSettings};
use crate::webhooks::{HttpTransport, WebhookSettings};

/// What the operator chose.
#[derive(Clone, Debug)]
pub struct Config {
    pub host: IpAddr,
    /// 0: any free one.
    pub port: u16,
    pub store: PathBuf,
    /// What running jobs get to end when the server is told to stop.
    pub shutdown_grace: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            host: Ipv4Addr::LOCALHOST.into(),
            port: 11235,
            store: PathBuf::from("data"),
            shutdown_grace: Duration::from_secs(8),
        }
    }
}

/// Runs until SIGTERM or SIGINT, and then until what runs is done or handed back. A second signal ends it at once.
///
/// # Errors
/// What keeps it from starting, as a sentence for a person.
pub async fn run(config: Config) -> anyhow::Result<()> {
    ensure!(
        config.host.is_loopback(),
        "{} can be reached from other machines, and there is no credential yet: listen on 127.0.0.1",
        config.host
    );
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let outside = outside(&config, &clock)?;
    let store = Arc::clone(&outside.store);
    let (metrics, mut registry) = (Metrics::default(), Registry::with_prefix("opilio"));
    metrics.register(&mut registry);
    let actors = start(outside, policy(), metrics);

    let webhooks = WebhookDefaults { enabled: true, default_url: None, data_in_payload: false };
    let front = actors.front.clone();
    let registry = Arc::new(registry);
    let api = Api { front, store, clock, webhooks, registry, max_urls: 10_000, max_body: 10 * 1024 * 1024 };
    let server = HttpServer::new(move || App::new().configure(|routes| api.clone().mount(routes)))
        .disable_signals()
        .shutdown_timeout(1)
        .bind(SocketAddr::new(config.host, config.port))
        .with_context(|| format!("{}:{} cannot be listened on", config.host, config.port))?;
    let address = *server.addrs().first().context("no address was bound")?;
    writeln!(std::io::stdout(), "listening on http://{address}")?;
    let server = server.run();
    let handle = server.handle();
    let serving = actix_web::rt::spawn(server);

    let mut stop = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! { _ = stop.recv() => {}, _ = interrupt.recv() => {} }
    info!("stopping: no new jobs; running ones get {:?}", config.shutdown_grace);
    tokio::select! {
        _ = actors.front.send(Drain { grace: config.shutdown_grace }) => {}
        _ = stop.recv() => {}
        _ = interrupt.recv() => {}
    }
    handle.stop(true).await;
    serving.await??;
    Ok(())
}

struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

fn outside(config: &Config, clock: &Arc<dyn Clock>) -> anyhow::Result<Outside> {
    let retention =
        Retention { settled: Some(Duration::from_secs(3600)), exhausted: Some(Duration::from_secs(7 * 86_400)) };
    let settings = StoreSettings { retention, max_queued: Some(100_000), max_per_principal: None };
    let store = EmbeddedStore::open(&config.store, Arc::clone(clock), settings)?;
    // On loopback the callers are on this machine, and so may be what they name.
    let guard = Guard::open(Allow::parse([])?);
    let egress = Egress::new(guard, &EgressSettings::default())?;
    let fetcher = HttpFetcherSettings { page_timeout: Duration::from_secs(30), ..HttpFetcherSettings::default() };
    let models = ModelSettings::default().with_environment(|name| std::env::var(name).ok())?;
    Ok(Outside {
        store: Arc::new(store),
        fetcher: Arc::new(HttpFetcher::new(egress.clone(), fetcher, Arc::clone(clock))),
        reader: Arc::new(CpuReader::new(ReaderSettings::default())),
        transport: Arc::new(HttpTransport::new(egress.clone(), &WebhookSettings::default(), Arc::clone(clock))?),
        model: Arc::new(Models::new(egress, Arc::clone(clock), models)),
        clock: Arc::clone(clock),
    })
}

fn policy() -> Policy {
    let second = Duration::from_secs(1);
    Policy {
        node: NodeId::new(Ulid::generate().to_string()),
        jobs: JobPolicy {
            crawl_workers: 64,
            llm_workers: 32,
            lease: 30 * second,
            max_attempts: 3,
            backoff: Backoff { initial: second, max: 30 * second, jitter: 0.0 },
            sweep: second,
        },
        crawl: CrawlPolicy {
            pages_per_job: NonZeroUsize::new(16).unwrap_or(NonZeroUsize::MIN),
            max_retries: 0,
            backoff: Backoff { initial: second, max: 30 * second, jitter: 0.5 },
        },
        extraction: ExtractionPolicy {
            repair_attempts: 2,
            tries: 3,
            backoff: Backoff { initial: second, max: 30 * second, jitter: 0.5 },
            patience: 10 * second,
            rest: 10 * second,
            max_wait: 600 * second,
            max_tokens_per_job: Some(1_000_000),
            overlap_tokens: 100,
            parts_side_by_side: NonZeroUsize::new(4).unwrap_or(NonZeroUsize::MIN),
            answers: None,
        },
        webhooks: SenderPolicy {
            retry: DeliveryPolicy {
                max_attempts: NonZeroU32::new(5).unwrap_or(NonZeroU32::MIN),
                backoff: Backoff { initial: second, max: 32 * second, jitter: 0.0 },
                retry_statuses: vec![],
                max_interruptions: 10,
            },
            lease: 60 * second,
            in_flight: 256,
            in_flight_per_receiver: 16,
            horizon: 60 * second,
            held: 10_000,
            sweep: second,
        },
    }
}
