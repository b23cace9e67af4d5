//! The HTTP API: routes, one file a resource; one table of errors.

mod access;
mod all_events;
mod asking;
pub(crate) mod body;
mod caller;
mod callers;
mod compression;
mod configs;
mod configurations;
pub mod crawl_options;
mod deliveries;
mod docs;
mod endurance;
mod errors;
mod events;
pub(crate) mod extraction;
pub mod header_rules;
mod health;
mod jobs;
mod mcp;
mod metrics;
mod missing;
mod openapi;
mod proxies;
pub(crate) mod reach;
mod reading;
mod results;
mod room;
mod routes;
mod seen;
mod server;
mod slash;
mod status;
pub(crate) mod submission;
mod sync_job;
mod synchronous;
mod token;
pub(crate) mod webhook_config;

use std::sync::Arc;
use std::time::Duration;

use actix::Addr;
use actix_web::web;
use opilio_actors::domain::id::JobId;
use opilio_actors::domain::job::JobSpec;
use opilio_actors::domain::scope::Scope;
use opilio_actors::http_front::HttpFront;
use opilio_actors::ports::{Clock, Idempotency, JobStore, NewJob};
use prometheus_client::registry::Registry;

use crate::egress::Guard;

pub use access::{Access, AccessSettings, HeadLimits, NamedToken, Rate, RateSettings, TokenHash, hash};
pub use body::BodyLimits;
pub use caller::Caller;
pub use callers::Callers;
pub use compression::compress;
pub use errors::ApiError;
pub use mcp::Sessions;
pub use proxies::{BadProxy, Proxies};
pub use room::Room;
pub use server::{ServerSettings, listen, most_files, seal, serve};
pub use webhook_config::WebhookDefaults;

/// What the routes work with.
#[derive(Clone)]
pub struct Api {
    pub front: Addr<HttpFront>,
    pub store: Arc<dyn JobStore>,
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
    pub answers: Room,
    pub proxies: Proxies,
    /// After so much silence a stream of events says nothing, so that nobody takes the connection for dead.
    pub heartbeat: Duration,
    /// Those who wait for jobs now.
    pub callers: Callers,
    /// Clients that hold a session open.
    pub sessions: Sessions,
}

impl Api {
    /// Mounts every route.
    pub fn mount(self, config: &mut web::ServiceConfig) {
        let api = web::Data::new(self);
        config
            .app_data(web::Data::new(mcp::service(api.clone())))
            .app_data(web::QueryConfig::default().error_handler(|error, _| errors::bad_query(&error).into()))
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
        let id = JobId::new(spec.task_type(), self.clock.now(), random);
        Ok(NewJob { id, principal: caller.principal().clone(), most_open: caller.most_jobs(), spec, idempotency })
    }
}
