//! The composition root: starts the stores, the actors and the HTTP server from the settings.

mod access;
mod dependencies;
mod egress;
mod engines;
mod extraction;
mod limit;
mod policy;
mod store;

use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use actix::Addr;
use actix_cors::Cors;
use actix_web::dev::ServerHandle;
use actix_web::middleware::{Condition, from_fn};
use actix_web::{App, web};
use anyhow::Context;
use opilio_actors::http_front::{Drain, HttpFront};
use opilio_actors::metrics::Metrics;
use opilio_actors::ports::{Clock, QueueCounts, Store};
use opilio_actors::start::start;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::timeout;
use tracing::{info, warn};

use crate::browser::{Browsers, find_executable};
use crate::clock::SystemClock;
use crate::cpu_pool::CpuPool;
use crate::http::{
    Api, Auth, Ceilings, Monitor, Sessions, Shutdown, TrustedProxies, WebhookDefaults, compress, listen, mount,
    record_requests, response_headers, serve,
};
use crate::loop_lag::LoopLag;
use crate::settings::{Settings, StoreBackend};

/// Time for clients of synchronous requests to read the response that reports the shutdown.
const FINAL_RESPONSES: Duration = Duration::from_secs(1);

/// Runs the server until SIGTERM or SIGINT, then drains it. A second signal ends the drain.
///
/// `notices` are logged once. `listening` is set when the address has been printed. `dropped_log_lines` is shown as a metric.
///
/// # Errors
/// The server cannot start.
pub async fn run(
    settings: Settings,
    notices: Vec<String>,
    listening: &AtomicBool,
    dropped_log_lines: Counter,
) -> anyhow::Result<()> {
    let proxies = access::proxies(&settings)?;
    let (api, browsers) = start_actors(&settings, &proxies, dropped_log_lines).await?;
    let own_ports = api.guard.own_ports().clone();
    let (front, shutdown) = (api.front.clone(), api.shutdown.clone());
    let store = Arc::clone(&api.store);
    let access = Auth::new(&access::settings(&settings, &proxies), Arc::clone(&api.clock));
    let origins: Vec<String> = settings.security.origins().map(str::to_owned).collect();
    let app = move || {
        let auth = access.clone();
        let guarded = from_fn(move |request, next| auth.clone().admit(request, next));
        let access = web::Data::new(access.clone());
        let shared = Condition::new(!origins.is_empty(), cors(&origins));
        let routes = |routes: &mut web::ServiceConfig| mount(api.clone(), routes);
        // Requests pass the last one first.
        App::new()
            .wrap(from_fn(record_requests))
            .wrap(guarded)
            .wrap(from_fn(compress))
            .wrap(shared)
            .wrap(from_fn(response_headers))
            .app_data(access)
            .configure(routes)
    };
    let address = SocketAddr::new(settings.app.host, settings.app.port);
    let listener = listen(address).with_context(|| format!("cannot listen on {address}"))?;
    own_ports.add(listener.local_addr()?.port());
    writeln!(std::io::stdout(), "listening on http://{}", listener.local_addr()?)?;
    listening.store(true, Ordering::Release);
    log_notices(&settings, &notices);
    actix_web::rt::spawn(log_stored_jobs(store));
    let server = serve(listener, &access::server(&settings.limits, &proxies), app)?;
    let handle = server.handle();
    let server = actix_web::rt::spawn(server);
    shut_down_on_signal(settings.app.shutdown_grace, &front, &shutdown, &handle).await?;
    server.await??;
    if let Some(browsers) = browsers {
        browsers.close().await;
    }
    if settings.store.backend == StoreBackend::Embedded {
        store::checkpoint(settings.store.path.clone()).await;
    }
    Ok(())
}

async fn start_actors(
    settings: &Settings,
    proxies: &TrustedProxies,
    dropped_log_lines: Counter,
) -> anyhow::Result<(Api, Option<Arc<Browsers>>)> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
    let guard = egress::guard(settings)?;
    let mut stores = store::open(settings, &clock).await?;
    let notifications = stores.notifications.take();
    let executable = settings.browser.executable.clone().or_else(find_executable);
    let executable = executable.filter(|_| settings.browser.tabs > 0);
    let engines = engines::engines(settings, executable.as_deref())?;
    let (dependencies, browsers) = dependencies::dependencies(settings, &clock, stores, guard.clone(), executable)?;
    let (store, models) = (Arc::clone(&dependencies.store), Arc::clone(&dependencies.model));
    let (metrics, mut registry) = (Metrics::default(), Registry::with_prefix("opilio"));
    metrics.register(&mut registry);
    registry.register("log_lines_dropped", "Log lines dropped, because the log was not read", dropped_log_lines);
    let actors = start(dependencies, policy::policy(settings), metrics);
    if let Some(notifications) = notifications {
        actix_web::rt::spawn(notifications.listen(actors.notification_handler()));
    }
    let api = Api {
        front: actors.front,
        store,
        clock,
        models,
        guard,
        webhooks: WebhookDefaults {
            enabled: settings.webhooks.enabled,
            default_url: settings.webhooks.default_url.clone(),
            data_in_payload: settings.webhooks.data_in_payload,
        },
        registry: Arc::new(registry),
        ceilings: Ceilings {
            page_timeout: settings.limits.max_page_timeout,
            max_retries: settings.limits.max_retries,
            concurrency: settings.crawler.pages_per_job,
        },
        max_urls: settings.limits.max_urls.get(),
        body: access::body(settings),
        response_memory: access::response_memory(&settings.limits),
        proxies: proxies.clone(),
        heartbeat: settings.app.heartbeat,
        loop_lag: LoopLag::measure(),
        parsers: Arc::new(CpuPool::new(1)),
        shutdown: Shutdown::default(),
        monitor: Monitor::default(),
        sessions: Sessions::default(),
        engines,
    };
    Ok((api, browsers))
}

fn log_notices(settings: &Settings, notices: &[String]) {
    if let Some(reason) = settings.exposure().filter(|_| !settings.security.requires_token()) {
        warn!(reason, "API is open: every client that reaches it may submit jobs; set security.api_token");
    }
    if !notices.is_empty() {
        info!(keys = notices.join("; "), "configuration keys without effect");
    }
}

/// Shows whether the store is the expected one.
async fn log_stored_jobs(store: Arc<dyn Store>) {
    match store.counts().await {
        Ok(QueueCounts { queued, running, pending_deliveries }) => {
            info!(queued, running, pending_deliveries, "unfinished jobs found in the store");
        }
        Err(error) => warn!(%error, "jobs in the store could not be counted"),
    }
}

/// Waits for a signal, then for running jobs and synchronous requests, up to `grace`.
async fn shut_down_on_signal(
    grace: Duration,
    front: &Addr<HttpFront>,
    shutdown: &Shutdown,
    server: &ServerHandle,
) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
    info!(?grace, "shutting down");
    let start = Instant::now();
    let drained = async {
        let _ = front.send(Drain { grace }).await;
        // Jobs of synchronous requests may run on another node, or wait for a worker.
        let _ = timeout(grace.saturating_sub(start.elapsed()), shutdown.all_finished()).await;
    };
    tokio::select! {
        () = drained => {}
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    shutdown.abort();
    let _ = timeout(FINAL_RESPONSES, shutdown.all_finished()).await;
    server.stop(true).await;
    Ok(())
}

/// Allows requests from web pages of these origins.
fn cors(origins: &[String]) -> Cors {
    let cors = Cors::default().allow_any_method().allow_any_header().supports_credentials().max_age(600);
    origins.iter().fold(cors, |cors, origin| cors.allowed_origin(origin))
}
