//! The HTTP API: routes, one file a resource; one table of errors.

mod access;
mod attended;
mod body;
mod caller;
mod configs;
mod configurations;
pub mod crawl_options;
mod deliveries;
mod errors;
mod events;
pub(crate) mod extraction;
pub mod header_rules;
mod health;
mod jobs;
mod metrics;
pub(crate) mod reach;
mod reading;
mod results;
mod seen;
mod server;
mod status;
pub(crate) mod submission;
mod synchronous;
mod token;
mod webhook_config;

use std::sync::Arc;

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
pub use body::{BodyLimits, Room};
pub use caller::Caller;
pub use errors::ApiError;
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
}

impl Api {
    /// Mounts every route.
    pub fn mount(self, config: &mut web::ServiceConfig) {
        let only = |allowed: &'static str| web::to(move || errors::method_not_allowed(allowed));
        let job = || {
            web::resource(["/crawl/job/{task_id}", "/llm/job/{task_id}"])
                .route(web::get().to(jobs::status))
                .route(web::delete().to(jobs::cancel))
                .default_service(only("GET, DELETE"))
        };
        let get = |path: &'static str| web::resource(path).default_service(only("GET"));
        let post = |path: &'static str| web::resource(path).default_service(only("POST"));
        config
            .app_data(web::QueryConfig::default().error_handler(|error, _| errors::bad_query(&error).into()))
            .app_data(web::PathConfig::default().error_handler(|_, _| ApiError::NotFound.into()))
            .app_data(web::Data::new(self))
            .service(post("/token").route(web::post().to(token::token)))
            .service(post("/crawl/job").route(web::post().to(jobs::submit_crawl)))
            .service(post("/llm/job").route(web::post().to(jobs::submit_llm)))
            .service(job())
            .service(get("/crawl/job/{task_id}/pages/{page}").route(web::get().to(jobs::page)))
            .service(get("/job/{task_id}").route(web::get().to(jobs::status)))
            .service(get("/task/{task_id}").route(web::get().to(jobs::status)))
            .service(post("/crawl").route(web::post().to(synchronous::crawl)))
            .service(post("/crawl/stream").route(web::post().to(synchronous::crawl_stream)))
            .service(post("/md").route(web::post().to(reading::markdown)))
            .service(post("/html").route(web::post().to(reading::html)))
            .service(get("/llm/{url:.+}").route(web::get().to(reading::ask)))
            .service(get("/schema").route(web::get().to(configurations::schema)))
            .service(post("/config/dump").route(web::post().to(configurations::dump)))
            .service(post("/screenshot").route(web::post().to(errors::needs_a_browser)))
            .service(post("/pdf").route(web::post().to(errors::needs_a_browser)))
            .service(post("/execute_js").route(web::post().to(errors::needs_a_browser)))
            .service(get("/hooks/info").route(web::get().to(errors::needs_a_browser)))
            .service(get("/artifacts/{artifact_id}").route(web::get().to(errors::needs_a_browser)))
            .service(get("/jobs/{task_id}/events").route(web::get().to(events::events)))
            .service(get("/jobs").route(web::get().to(jobs::list)))
            .service(post("/jobs/{task_id}/rerun").route(web::post().to(jobs::rerun)))
            .service(
                web::resource("/jobs/{task_id}/deliveries")
                    .route(web::get().to(deliveries::log))
                    .route(web::post().to(deliveries::replay))
                    .default_service(only("GET, POST")),
            )
            .service(post("/deliveries/replay").route(web::post().to(deliveries::replay_many)))
            .service(get("/health").route(web::get().to(health::health)))
            .service(get("/ready").route(web::get().to(health::ready)))
            .service(get("/metrics").route(web::get().to(metrics::metrics)))
            .default_service(web::to(errors::no_such_route));
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
