//! `GET /monitor/health` and `GET /monitor/endpoints/stats`: the machine and the caller's own requests, in Crawl4AI's form.

mod endpoint_stats;
mod machine;
mod measurements;

use actix_web::{HttpResponse, web};
use serde_json::{Value, json};

use super::api::Api;
use super::caller::Caller;
use super::error::ApiError;
use super::openapi::operation_builder::operation;
use super::route::{GET, READ, Route, STANDARD, route};
use machine::Sample;

pub use measurements::Monitor;

pub fn routes() -> Vec<Route> {
    let sample = Sample { memory_percent: 41.5, cpu_percent: 3.2, sent_mb: 12.5, received_mb: 80.25, uptime_s: 3600 };
    let stats = json!({"/crawl": {
        "count": 12, "avg_latency_ms": 840.5, "success_rate_percent": 91.7, "pool_hit_rate_percent": 0.0, "errors": 1,
    }});
    let health_operation = operation("operations", "monitor_health", "Get the load of the machine")
        .description("`pool` counts browsers.")
        .response_object(200, "The load since the previous request", form(&sample))
        .build();
    let stats_operation = operation("operations", "monitor_endpoint_stats", "Get the caller's requests by endpoint")
        .description("Since the start of this process. `admin` sees the requests of all principals.")
        .response_object(200, "Requests that crawl pages or submit jobs, by endpoint", stats)
        .build();
    vec![
        route(GET, "/monitor/health", READ, STANDARD, health, health_operation),
        route(GET, "/monitor/endpoints/stats", READ, STANDARD, stats_of_endpoints, stats_operation),
    ]
}

async fn health(api: web::Data<Api>) -> Result<HttpResponse, ApiError> {
    let machine = api.monitor.machine().clone();
    let sample = web::block(move || machine.sample()).await.map_err(|error| ApiError::Internal(error.to_string()))?;
    Ok(HttpResponse::Ok().json(form(&sample)))
}

async fn stats_of_endpoints(api: web::Data<Api>, caller: Caller) -> HttpResponse {
    HttpResponse::Ok().json(api.monitor.endpoints().seen_by(caller.sees()))
}

fn form(sample: &Sample) -> Value {
    let memory_pressure = match sample.memory_percent {
        ..60.0 => "LOW",
        60.0..80.0 => "MEDIUM",
        _ => "HIGH",
    };
    let none = json!({"count": 0, "memory_mb": 0});
    json!({
        "container": {
            "memory_percent": sample.memory_percent,
            "cpu_percent": sample.cpu_percent,
            "network_sent_mb": sample.sent_mb,
            "network_recv_mb": sample.received_mb,
            "uptime_seconds": sample.uptime_s,
        },
        "pool": {
            "permanent": {"active": false, "memory_mb": 0}, "hot": none, "cold": none, "total_memory_mb": 0,
        },
        "janitor": {"next_cleanup_estimate": "none", "memory_pressure": memory_pressure},
    })
}
