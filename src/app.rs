//! The composition root: the operator's choices in, a running server out. The only file that knows every part.

mod access;
mod egress;
mod extraction;
mod store;

use std::io::Write;
use std::net::SocketAddr;
use std::num::{NonZeroU64, NonZeroUsize};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use actix_cors::Cors;
use actix_web::middleware::{Condition, from_fn};
use actix_web::{App, web};
use anyhow::Context;
use jiff::Timestamp;
use opilio_actors::CrawlPolicy;
use opilio_actors::domain::id::NodeId;
use opilio_actors::domain::retry::{Backoff, DeliveryPolicy};
use opilio_actors::faults;
use opilio_actors::http_front::Drain;
use opilio_actors::job_supervisor::JobPolicy;
use opilio_actors::metrics::Metrics;
use opilio_actors::ports::Clock;
use opilio_actors::start::{Dependencies, Policy, start};
use opilio_actors::webhook_sender::SenderPolicy;
use opilio_page::ContentFilter;
use prometheus_client::registry::Registry;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::timeout;
use tracing::{info, warn};
use ulid::Ulid;

use crate::egress::{Egress, EgressSettings, Guard};
use crate::fetchers::{HttpFetcher, HttpFetcherSettings, own_user_agent};
use crate::http::{Api, Auth, Sessions, Shutdown, WebhookDefaults, compress, listen, response_headers, serve};
use crate::models::Models;
use crate::reader::{CpuReader, ReaderSettings};
use crate::settings::Settings;
use crate::webhooks::{HttpTransport, WebhookSettings};

/// Runs until SIGTERM or SIGINT, and then until what runs is done or handed back. A second signal ends it at once.
///
/// `remarks`: what is to be said once about the settings; `listening` is set once the address has been said.
///
/// # Errors
/// What keeps it from starting, as a sentence for a person.
pub async fn run(settings: Settings, remarks: Vec<String>, listening: &AtomicBool) -> anyhow::Result<()> {
    let (host, port, grace) = (settings.app.host, settings.app.port, settings.app.shutdown_grace);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
    let (guard, proxies) = (egress::guard(&settings)?, access::proxies(&settings)?);
    let mut kept = store::open(&settings, &clock).await?;
    let notices = kept.notices.take();
    let dependencies = dependencies(&settings, &clock, kept, guard.clone())?;
    let store = Arc::clone(&dependencies.store);
    let (metrics, mut registry) = (Metrics::default(), Registry::with_prefix("opilio"));
    metrics.register(&mut registry);
    let actors = start(dependencies, policy(&settings), metrics);
    if let Some(notices) = notices {
        actix_web::rt::spawn(notices.listen(actors.ears()));
    }

    let shutdown = Shutdown::default();
    let api = Api {
        front: actors.front.clone(),
        store,
        clock,
        guard,
        webhooks: WebhookDefaults {
            enabled: settings.webhooks.enabled,
            default_url: settings.webhooks.default_url.clone(),
            data_in_payload: settings.webhooks.data_in_payload,
        },
        registry: Arc::new(registry),
        max_urls: settings.limits.max_urls.get(),
        body: access::body(&settings.limits),
        response_memory: access::response_memory(&settings.limits),
        proxies: proxies.clone(),
        heartbeat: settings.app.heartbeat,
        shutdown: shutdown.clone(),
        sessions: Sessions::default(),
    };
    let access = Auth::new(&access::settings(&settings, &proxies), Arc::clone(&api.clock));
    let origins: Vec<String> = settings.security.origins().map(str::to_owned).collect();
    let app = move || {
        let door = access.clone();
        let guarded = from_fn(move |request, next| door.clone().admit(request, next));
        let access = web::Data::new(access.clone());
        let shared = Condition::new(!origins.is_empty(), cors(&origins));
        let routes = |routes: &mut web::ServiceConfig| api.clone().mount(routes);
        // The last is the first that a request meets.
        App::new()
            .wrap(guarded)
            .wrap(from_fn(compress))
            .wrap(shared)
            .wrap(from_fn(response_headers))
            .app_data(access)
            .configure(routes)
    };
    let listener = listen(SocketAddr::new(host, port));
    let listener = listener.with_context(|| format!("{host}:{port} cannot be listened on"))?;
    let address = listener.local_addr()?;
    writeln!(std::io::stdout(), "listening on http://{address}")?;
    listening.store(true, Ordering::Release);
    if let Some(reason) = settings.exposure().filter(|_| !settings.security.is_closed()) {
        warn!("{reason}, and anybody there may submit jobs: security.api_token closes it");
    }
    if !remarks.is_empty() {
        info!("keys without effect: {}", remarks.join("; "));
    }
    let server = serve(listener, &access::server(&settings.limits, &proxies), app)?;
    let handle = server.handle();
    let serving = actix_web::rt::spawn(server);

    let mut stop = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! { _ = stop.recv() => {}, _ = interrupt.recv() => {} }
    info!("stopping: no new jobs; running ones get {grace:?}");
    let begun = Instant::now();
    let drained = async {
        let _ = actors.front.send(Drain { grace }).await;
        // Their jobs may be other nodes', or wait for a worker.
        let _ = timeout(grace.saturating_sub(begun.elapsed()), shutdown.all_finished()).await;
    };
    tokio::select! {
        () = drained => {}
        _ = stop.recv() => {}
        _ = interrupt.recv() => {}
    }
    shutdown.abort();
    let _ = timeout(FAREWELL, shutdown.all_finished()).await;
    handle.stop(true).await;
    serving.await??;
    Ok(())
}

/// For those who wait for jobs to be told that the server leaves.
const FAREWELL: Duration = Duration::from_secs(1);

/// The machine's clock, and the time since the start by a clock that nobody sets.
struct SystemClock {
    started: (Timestamp, Instant),
}

impl SystemClock {
    fn start() -> Self {
        Self { started: (Timestamp::now(), Instant::now()) }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn steady(&self) -> Timestamp {
        let (then, instant) = self.started;
        then.saturating_add(instant.elapsed()).unwrap_or(Timestamp::MAX)
    }
}

/// Lets pages of these sites ask, and no others.
fn cors(origins: &[String]) -> Cors {
    let cors = Cors::default().allow_any_method().allow_any_header().supports_credentials().max_age(600);
    origins.iter().fold(cors, |cors, origin| cors.allowed_origin(origin))
}

/// Zero means for ever.
fn kept(time: Duration) -> Option<Duration> {
    (!time.is_zero()).then_some(time)
}

fn dependencies(
    settings: &Settings,
    clock: &Arc<dyn Clock>,
    kept: store::Kept,
    guard: Guard,
) -> anyhow::Result<Dependencies> {
    let store::Kept { jobs: store, pages: cache, .. } = kept;
    let Settings { crawler, limits, webhooks, .. } = settings;
    let egress = EgressSettings {
        connect_timeout: crawler.connect_timeout,
        max_ratio: NonZeroU64::new(limits.max_decompression_ratio),
        ..EgressSettings::default()
    };
    let egress = Egress::new(guard, &egress)?;
    let defaults = HttpFetcherSettings::default();
    let fetcher = HttpFetcherSettings {
        max_pages: crawler.pool.max_pages,
        max_pages_per_host: crawler.pages_per_host,
        host_gap: crawler.host_gap,
        page_timeout: crawler.page_timeout,
        read_timeout: crawler.read_timeout,
        max_bytes: limits.max_page_bytes.get(),
        max_redirects: limits.max_redirects,
        user_agent: crawler.user_agent.clone().unwrap_or_else(|| own_user_agent(crawler.contact_url.as_ref())),
        respect_robots: crawler.respect_robots,
        ..defaults
    };
    let reader = ReaderSettings {
        timeout: crawler.parse_timeout,
        content_filter: crawler.content_filter.map(ContentFilter::from),
        ..ReaderSettings::default()
    };
    let transport = WebhookSettings {
        timeout: webhooks.retry.timeout,
        headers: webhooks.headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
        secrets: webhooks.secrets.clone(),
        ..WebhookSettings::default()
    };
    let transport = HttpTransport::new(egress.clone(), &transport, Arc::clone(clock)).context("webhooks")?;
    let models = extraction::models(&settings.llm);
    Ok(Dependencies {
        store: faults::with_fault_points(store),
        fetcher: Arc::new(HttpFetcher::new(egress.clone(), fetcher, Arc::clone(clock))),
        cache,
        reader: Arc::new(CpuReader::new(reader)),
        transport: Arc::new(transport),
        model: Arc::new(Models::new(egress, Arc::clone(clock), models)),
        clock: Arc::clone(clock),
    })
}

fn policy(settings: &Settings) -> Policy {
    let Settings { jobs, limits, crawler, webhooks, llm, .. } = settings;
    let second = Duration::from_secs(1);
    Policy {
        node: NodeId::new(Ulid::generate().to_string()),
        jobs: JobPolicy {
            crawl_workers: jobs.crawl_workers.get(),
            llm_workers: jobs.llm_workers.get(),
            lease: jobs.lease,
            max_attempts: jobs.max_attempts.get(),
            stall_timeout: jobs.stall_timeout,
            wall_clock: kept(limits.wall_clock),
            backoff: Backoff { initial: second, max: 30 * second, jitter: 0.0 },
            sweep: second,
        },
        crawl: CrawlPolicy {
            pages_per_job: crawler.pages_per_job,
            max_retries: 0,
            backoff: Backoff { initial: second, max: 30 * second, jitter: 0.5 },
            time_slice: NonZeroUsize::new(jobs.slice),
            max_result_bytes: NonZeroUsize::new(limits.max_result_bytes),
            max_job_bytes: NonZeroUsize::new(limits.max_job_bytes),
        },
        extraction: extraction::policy(llm, jobs),
        webhooks: SenderPolicy {
            retry: DeliveryPolicy {
                max_attempts: webhooks.retry.max_attempts,
                backoff: Backoff {
                    initial: webhooks.retry.initial_delay,
                    max: webhooks.retry.max_delay,
                    jitter: webhooks.retry.jitter,
                },
                retry_statuses: webhooks.retry.retry_statuses.clone(),
                max_interruptions: webhooks.retry.max_interruptions,
            },
            // Longer than an attempt can take, so that nobody sends it a second time meanwhile.
            lease: webhooks.lease.unwrap_or(webhooks.retry.timeout.saturating_add(30 * second)),
            in_flight: webhooks.in_flight.get(),
            in_flight_per_receiver: webhooks.in_flight_per_receiver.get(),
            horizon: 60 * second,
            held: 10_000,
            sweep: second,
        },
    }
}
