//! `GET /health` and `GET /ready`.

use std::time::Duration;

use actix_web::{HttpResponse, web};
use opilio_actors::http_front::IsOpen;
use serde::Serialize;
use serde_json::json;
use tokio::time::timeout;
use utoipa::ToSchema;

use super::api::Api;
use super::error::ApiError;
use super::openapi::operation_builder::operation;
use super::route::{GET, OPEN, Route, STANDARD, route};

/// Lag of the actors' thread at which the server is not ready.
const MAX_LAG: Duration = Duration::from_secs(10);

pub fn routes() -> Vec<Route> {
    let health_operation = operation("operations", "health", "Check whether the process is alive")
        .response::<Health>(200, "Alive", json!({"status": "ok", "timestamp": 1761042600.5, "version": "0.1.0"}))
        .build();
    let ready_operation = operation("operations", "ready", "Check whether the server accepts jobs")
        .response::<Ready>(200, "Ready", json!({"status": "ready"}))
        .build();
    vec![
        route(GET, "/health", OPEN, STANDARD, health, health_operation),
        route(GET, "/ready", OPEN, STANDARD, ready, ready_operation),
    ]
}

#[derive(Serialize, ToSchema)]
struct Health {
    #[schema(value_type = String, example = "ok")]
    status: &'static str,
    /// Seconds since 1970.
    timestamp: f64,
    #[schema(value_type = String)]
    version: &'static str,
}

/// Does not access the store.
#[allow(clippy::cast_precision_loss, reason = "Crawl4AI's clients read seconds as a float")]
async fn health(api: web::Data<Api>) -> HttpResponse {
    let timestamp = api.clock.now().as_microsecond() as f64 / 1e6;
    HttpResponse::Ok().json(Health { status: "ok", timestamp, version: env!("CARGO_PKG_VERSION") })
}

#[derive(Serialize, ToSchema)]
struct Ready {
    #[schema(value_type = String, example = "ready")]
    status: &'static str,
}

async fn ready(api: web::Data<Api>) -> Result<HttpResponse, ApiError> {
    // The front does not respond while the loop lags.
    let lag = api.loop_lag.current();
    let is_open = timeout(MAX_LAG.saturating_sub(lag), api.front.send(IsOpen)).await;
    if lag > MAX_LAG || !is_open.map_err(|_| ApiError::Unavailable)?? {
        return Err(ApiError::Unavailable);
    }
    api.store.ready().await?;
    Ok(HttpResponse::Ok().json(Ready { status: "ready" }))
}
