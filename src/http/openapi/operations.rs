//! The operations of operators.

use serde_json::json;
use utoipa::openapi::path::Operation;

use super::operation_builder::operation;
use super::schemas::{Health, Ready, Token, TokenRequest};

pub fn token() -> Operation {
    let answer = json!({"email": "user@example.com", "access_token": "eyJ…", "token_type": "bearer"});
    operation("operating", "token", "A signed token, for who holds the operator's own")
        .takes::<TokenRequest>(json!({"email": "user@example.com", "api_token": "the-operators-own-token"}))
        .answers::<Token>(200, "The token", answer)
        .build()
}

pub fn health() -> Operation {
    operation("operating", "health", "Whether the server is alive; open to all")
        .answers::<Health>(200, "It is", json!({"status": "ok", "timestamp": 1761042600.5, "version": "0.1.0"}))
        .build()
}

pub fn ready() -> Operation {
    operation("operating", "ready", "Whether the server takes work")
        .answers::<Ready>(200, "It does", json!({"status": "ready"}))
        .build()
}

pub fn metrics() -> Operation {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    operation("operating", "metrics", "Counts, for Prometheus")
        .answers_in(200, "OpenMetrics", kind, "# TYPE opilio_jobs_queued gauge\nopilio_jobs_queued 0\n")
        .build()
}
