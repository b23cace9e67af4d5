//! The HTTP API: one file or folder per resource, with its routes, handlers, requests, responses and OpenAPI operations.

mod api;
pub mod body;
mod caller;
mod ceilings;
pub mod crawl4ai;
mod deliveries;
mod docs;
mod error;
mod events;
pub mod field_error;
pub mod header_rules;
mod health;
mod job_list;
mod job_status;
mod job_view;
mod jobs;
mod mcp;
mod memory_budget;
mod metrics;
mod middleware;
mod monitor;
mod openapi;
mod outage_tolerance;
mod page_fields;
mod page_ranges;
mod page_schema;
mod parsing;
mod query;
mod response;
mod results;
mod route;
mod routes;
mod schemas;
mod server;
mod server_memory;
mod shutdown;
mod sse;
mod sync_job;
mod token;
mod trailing_slash;
mod trusted_proxies;
mod unsupported_routes;
mod webhook_operation;

pub use api::{Api, Engines};
pub use body::BodyLimits;
pub use caller::Caller;
pub use ceilings::Ceilings;
pub use crawl4ai::webhook_config::WebhookDefaults;
pub use error::ApiError;
pub use mcp::sessions::Sessions;
pub use memory_budget::MemoryBudget;
pub use middleware::{
    Auth, AuthSettings, HeaderLimits, NamedToken, Rate, RateSettings, TokenHash, compress, hash, record_requests,
    response_headers,
};
pub use monitor::Monitor;
pub use routes::mount;
pub use server::{ServerSettings, listen, max_open_files, serve};
pub use shutdown::Shutdown;
pub use trusted_proxies::{InvalidProxy, TrustedProxies};
