//! `GET /metrics`: the actors' metrics and the store's counts, for Prometheus.

use std::sync::atomic::AtomicU64;

use actix_web::{HttpResponse, web};
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::api::Api;
use super::error::ApiError;
use super::openapi::operation_builder::operation;
use super::route::{Access, GET, Route, STANDARD, route};

const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

pub fn routes() -> Vec<Route> {
    let example = "# TYPE opilio_jobs_queued gauge\nopilio_jobs_queued 0\n";
    let metrics_operation = operation("operations", "metrics", "Get metrics for Prometheus")
        .response_as(200, "OpenMetrics", OPENMETRICS, example)
        .build();
    vec![route(GET, "/metrics", Access::Metrics, STANDARD, metrics, metrics_operation)]
}

async fn metrics(api: web::Data<Api>) -> Result<HttpResponse, ApiError> {
    let counts = api.store.counts().await?;
    let mut stored = Registry::with_prefix("opilio");
    for (name, help, count) in [
        ("jobs_queued", "Queued jobs", counts.queued),
        ("jobs_running", "Running jobs", counts.running),
        ("deliveries_pending", "Webhooks that are not yet delivered", counts.pending_deliveries),
    ] {
        let gauge = Gauge::<i64>::default();
        gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
        stored.register(name, help, gauge);
    }
    let lag = Gauge::<f64, AtomicU64>::default();
    lag.set(api.loop_lag.largest().as_secs_f64());
    stored.register("actor_loop_lag_seconds", "Largest lag of the actors' thread in the last minute", lag);
    let mut text = String::new();
    encode(&mut text, &stored)
        .and_then(|()| {
            text.truncate(text.trim_end_matches("# EOF\n").len());
            encode(&mut text, &api.registry)
        })
        .map_err(|error| ApiError::Internal(error.to_string()))?;
    Ok(HttpResponse::Ok().content_type(OPENMETRICS).body(text))
}
