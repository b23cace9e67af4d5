//! The HTTP API: routes, one file a resource; one table of errors.

pub mod crawl_options;
mod deliveries;
mod errors;
pub mod header_rules;
mod health;
mod jobs;
mod metrics;
mod status;
mod submission;
mod webhook_config;

use std::sync::Arc;

use actix::Addr;
use actix_web::web;
use opilio_actors::domain::id::Principal;
use opilio_actors::http_front::HttpFront;
use opilio_actors::ports::{Clock, JobStore};
use prometheus_client::registry::Registry;

pub use errors::ApiError;
pub use webhook_config::WebhookDefaults;

/// What the routes work with.
#[derive(Clone)]
pub struct Api {
    pub front: Addr<HttpFront>,
    pub store: Arc<dyn JobStore>,
    pub clock: Arc<dyn Clock>,
    pub webhooks: WebhookDefaults,
    /// What `/metrics` shows besides what the store counts.
    pub registry: Arc<Registry>,
    /// URLs of one crawl job.
    pub max_urls: usize,
    /// Bytes of a request's body.
    pub max_body: usize,
}

impl Api {
    /// Mounts every route.
    pub fn mount(self, config: &mut web::ServiceConfig) {
        let json = web::PayloadConfig::new(self.max_body);
        config
            .app_data(json)
            .app_data(web::Data::new(self))
            .route("/crawl/job", web::post().to(jobs::submit_crawl))
            .route("/crawl/job/{task_id}", web::get().to(jobs::status))
            .route("/crawl/job/{task_id}", web::delete().to(jobs::cancel))
            .route("/llm/job/{task_id}", web::get().to(jobs::status))
            .route("/llm/job/{task_id}", web::delete().to(jobs::cancel))
            .route("/jobs", web::get().to(jobs::list))
            .route("/jobs/{task_id}/rerun", web::post().to(jobs::rerun))
            .route("/jobs/{task_id}/deliveries", web::get().to(deliveries::log))
            .route("/jobs/{task_id}/deliveries", web::post().to(deliveries::replay))
            .route("/deliveries/replay", web::post().to(deliveries::replay_many))
            .route("/health", web::get().to(health::health))
            .route("/metrics", web::get().to(metrics::metrics))
            .route("/ready", web::get().to(health::ready))
            .default_service(web::to(errors::no_such_route));
    }

    /// On whose behalf a request comes: everybody is one, until credentials tell them apart.
    fn principal(&self) -> Principal {
        Principal::anonymous()
    }
}
