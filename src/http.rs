//! The HTTP API: routes, one file a resource; one table of errors.

pub mod body;
mod caller;
pub mod crawl4ai;
mod deliveries;
mod docs;
mod error;
mod events;
pub mod field_error;
pub mod header_rules;
mod health;
mod job_status;
mod job_view;
mod jobs;
mod mcp;
mod memory_budget;
mod metrics;
mod middleware;
mod openapi;
mod outage_tolerance;
mod page_fields;
mod page_ranges;
mod response;
mod results;
mod routes;
mod server;
mod shutdown;
mod sse;
mod sync_job;
mod token;
mod trailing_slash;
mod trusted_proxies;
mod unsupported_routes;

use std::sync::Arc;
use std::time::Duration;

use actix::Addr;
use actix_web::web;
use opilio_actors::domain::id::JobId;
use opilio_actors::domain::job::JobSpec;
use opilio_actors::domain::scope::Scope;
use opilio_actors::http_front::HttpFront;
use opilio_actors::ports::{Clock, Idempotency, NewJob, Store};
use prometheus_client::registry::Registry;

use crate::egress::Guard;

pub use body::BodyLimits;
pub use caller::Caller;
pub use crawl4ai::webhook_config::WebhookDefaults;
pub use error::ApiError;
pub use mcp::Sessions;
pub use memory_budget::MemoryBudget;
pub use middleware::{
    Auth, AuthSettings, HeaderLimits, NamedToken, Rate, RateSettings, TokenHash, compress, hash, response_headers,
};
pub use server::{ServerSettings, listen, max_open_files, serve};
pub use shutdown::Shutdown;
pub use trusted_proxies::{InvalidProxy, TrustedProxies};

/// What the routes work with.
#[derive(Clone)]
pub struct Api {
    pub front: Addr<HttpFront>,
    pub store: Arc<dyn Store>,
    pub clock: Arc<dyn Clock>,
    /// Judges the addresses that callers name.
    pub guard: Guard,
    pub webhooks: WebhookDefaults,
    /// What `/metrics` shows besides what the store counts.
    pub registry: Arc<Registry>,
    /// URLs of one crawl job.
    pub max_urls: usize,
    /// What is taken of a request's body.
    pub body: BodyLimits,
    /// For the long answers that clients have not read yet.
    pub response_memory: MemoryBudget,
    pub proxies: TrustedProxies,
    /// After so much silence a stream of events says nothing, so that nobody takes the connection for dead.
    pub heartbeat: Duration,
    /// Those who wait for jobs now.
    pub shutdown: Shutdown,
    /// Clients that hold a session open.
    pub sessions: Sessions,
}

impl Api {
    /// Mounts every route.
    pub fn mount(self, config: &mut web::ServiceConfig) {
        let api = web::Data::new(self);
        config
            .app_data(web::Data::new(mcp::service(api.clone())))
            .app_data(web::QueryConfig::default().error_handler(|error, _| error::bad_query(&error).into()))
            .app_data(web::PathConfig::default().error_handler(|_, _| ApiError::NotFound.into()))
            .app_data(api);
        routes::mount(config);
    }

    /// A job of this caller's, with an id of its own.
    ///
    /// # Errors
    /// `Forbidden` for a caller who may only read: no route that submits a job can forget to ask.
    fn new_job(&self, caller: &Caller, spec: JobSpec, idempotency: Option<Idempotency>) -> Result<NewJob, ApiError> {
        caller.needs(Scope::Submit)?;
        let random = ulid::Ulid::generate().random();
        let id = JobId::new(spec.kind(), self.clock.now(), random);
        Ok(NewJob { id, principal: caller.principal().clone(), max_open: caller.most_jobs(), spec, idempotency })
    }
}
