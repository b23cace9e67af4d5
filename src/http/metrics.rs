//! `/metrics`: what the actors count, and how much waits in the store, for Prometheus.

use actix_web::{HttpResponse, web};
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::Api;
use super::error::ApiError;

const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

pub async fn metrics(api: web::Data<Api>) -> Result<HttpResponse, ApiError> {
    let counts = api.store.counts().await?;
    let mut waiting = Registry::with_prefix("opilio");
    for (name, help, count) in [
        ("jobs_queued", "Jobs waiting for a worker", counts.queued),
        ("jobs_running", "Jobs being worked on", counts.running),
        ("deliveries_pending", "Webhooks still to be delivered", counts.pending_deliveries),
    ] {
        let gauge = Gauge::<i64>::default();
        gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
        waiting.register(name, help, gauge);
    }
    let mut text = String::new();
    encode(&mut text, &waiting)
        .and_then(|()| {
            text.truncate(text.trim_end_matches("# EOF\n").len());
            encode(&mut text, &api.registry)
        })
        .map_err(|error| ApiError::Internal(error.to_string()))?;
    Ok(HttpResponse::Ok().content_type(OPENMETRICS).body(text))
}
