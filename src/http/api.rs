//! What the handlers share.

use std::sync::Arc;
use std::time::Duration;

use actix::Addr;
use opilio_actors::domain::engine::Engine;
use opilio_actors::domain::id::JobId;
use opilio_actors::domain::job::{Job, JobSpec};
use opilio_actors::domain::scope::Scope;
use opilio_actors::http_front::HttpFront;
use opilio_actors::ports::{Clock, Idempotency, LanguageModel, NewJob, Store};
use prometheus_client::registry::Registry;

use super::body::BodyLimits;
use super::caller::Caller;
use super::ceilings::Ceilings;
use super::crawl4ai::crawl_request::RequestPolicy;
use super::crawl4ai::webhook_config::WebhookDefaults;
use super::error::ApiError;
use super::field_error::{FieldPath, InvalidValue};
use super::mcp::sessions::Sessions;
use super::memory_budget::MemoryBudget;
use super::monitor::Monitor;
use super::shutdown::Shutdown;
use super::trusted_proxies::TrustedProxies;
use crate::cpu_pool::CpuPool;
use crate::egress::Guard;
use crate::loop_lag::LoopLag;

const NO_BROWSER: &str = "the engine `browser` needs Chromium, which this server does not have; install it on the server: \
                          apt-get install chromium-headless-shell";

#[derive(Clone)]
pub struct Api {
    pub front: Addr<HttpFront>,
    pub store: Arc<dyn Store>,
    pub clock: Arc<dyn Clock>,
    /// Checks the models in requests.
    pub models: Arc<dyn LanguageModel>,
    /// Checks the addresses in requests.
    pub guard: Guard,
    pub webhooks: WebhookDefaults,
    /// The actors' metrics.
    pub registry: Arc<Registry>,
    pub ceilings: Ceilings,
    /// Limit of URLs in a crawl job.
    pub max_urls: usize,
    pub body: BodyLimits,
    /// Bounds the response bytes that clients have not read.
    pub response_memory: MemoryBudget,
    pub proxies: TrustedProxies,
    /// Interval at which an idle event stream sends a comment.
    pub heartbeat: Duration,
    /// The lag of the actors' thread.
    pub loop_lag: LoopLag,
    /// Parses requests with patterns.
    pub parsers: Arc<CpuPool>,
    /// The synchronous requests in flight.
    pub shutdown: Shutdown,
    /// What `/monitor` shows.
    pub monitor: Monitor,
    /// The open MCP sessions.
    pub sessions: Sessions,
    pub engines: Engines,
}

/// How this server can fetch pages.
#[derive(Clone, Copy, Debug)]
pub struct Engines {
    /// Of requests without `engine`.
    pub default: Engine,
    pub has_browser: bool,
}

impl Api {
    /// The addresses and models that a request may name.
    pub fn request_policy(&self) -> RequestPolicy<'_> {
        RequestPolicy { guard: &self.guard, models: &*self.models }
    }

    /// A new job of this caller. Durations and counts above the operator's ceilings are clamped.
    ///
    /// # Errors
    /// `Forbidden` if the caller may not submit jobs; `Unsupported` if the job needs a browser and there is none. Every
    /// handler that submits a job calls this method.
    pub fn new_job(
        &self,
        caller: &Caller,
        mut spec: JobSpec,
        idempotency: Option<Idempotency>,
    ) -> Result<NewJob, ApiError> {
        caller.require(Scope::Submit)?;
        self.ceilings.apply(&mut spec);
        if !self.engines.has_browser && spec.task.requests_engine(Engine::Browser) {
            let reason = InvalidValue::unsupported(NO_BROWSER);
            return Err(ApiError::Unsupported(vec![reason.at(&FieldPath::body().child("engine"))]));
        }
        spec.task.fix_engine(self.engines.default);
        let random = ulid::Ulid::generate().random();
        let id = JobId::new(spec.kind(), self.clock.now(), random);
        Ok(NewJob { id, principal: caller.principal().clone(), max_open: caller.max_jobs(), spec, idempotency })
    }

    /// The job with this id, if the caller sees it.
    ///
    /// # Errors
    /// `NotFound` also if the job belongs to another principal.
    pub async fn find_job(&self, caller: &Caller, id: &str) -> Result<Job, ApiError> {
        let id = JobId::parse(id).map_err(|_| ApiError::NotFound)?;
        self.store.job(&id, caller.sees()).await?.ok_or(ApiError::NotFound)
    }
}
