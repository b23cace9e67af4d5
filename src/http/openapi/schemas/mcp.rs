//! What clients of the Model Context Protocol send.
#![allow(dead_code, reason = "they are described, never built")]

use serde_json::Value;
use utoipa::ToSchema;

/// A request or a notification of JSON-RPC 2.0.
#[derive(ToSchema)]
pub struct JsonRpcMessage {
    #[schema(example = "2.0")]
    jsonrpc: String,
    /// A text or a number. Without it, nothing is answered.
    id: Option<Value>,
    #[schema(example = "tools/list")]
    method: String,
    params: Option<Value>,
}

/// A job.
#[derive(ToSchema)]
pub struct JobReference {
    /// The job's id.
    task_id: String,
}

/// Which part of a crawl's result is wanted. A result that is larger than an answer may be is not given whole.
#[derive(ToSchema)]
pub struct PartOfResult {
    /// The first page to show, by its place in `urls`, from 0.
    #[schema(nullable = false)]
    offset: Option<u32>,
    /// How many pages to show.
    #[schema(nullable = false)]
    limit: Option<u32>,
    /// Which keys of each page to show, such as `url`, `success`, `error_message`, `markdown`, `links` and `metadata`.
    #[schema(nullable = false)]
    fields: Option<Vec<String>>,
}
