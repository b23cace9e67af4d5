//! Reads a client's message and the context in which it is handled.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use rmcp::model::{ClientJsonRpcMessage, ClientRequest, ErrorCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::tools::Tool;
use crate::http::body::{self, Body};
use crate::http::caller::Caller;
use crate::http::error::ApiError;
use crate::http::memory_budget::Reservation;
use crate::http::middleware::Auth;
use crate::http::trusted_proxies::base_url;

/// The caller of a message, and the base URL under which it reached the server.
#[derive(Clone, Debug)]
pub struct RequestContext {
    pub caller: Caller,
    pub base_url: String,
    /// The message's share of the request memory.
    _reservation: Arc<Reservation>,
}

impl RequestContext {
    pub fn new(request: &HttpRequest, caller: Caller, reservation: Reservation) -> Self {
        Self { caller, base_url: base_url(request), _reservation: Arc::new(reservation) }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum InvalidMessage {
    #[error(transparent)]
    Api(#[from] ApiError),
    /// Not a message of the protocol.
    #[error("{why}")]
    Protocol { id: Value, code: ErrorCode, why: String },
}

impl ResponseError for InvalidMessage {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::Api(error) => error.status_code(),
            Self::Protocol { .. } => StatusCode::BAD_REQUEST,
        }
    }

    fn error_response(&self) -> HttpResponse {
        match self {
            Self::Api(error) => error.error_response(),
            Self::Protocol { id, code, why } => {
                let error = json!({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": why}});
                HttpResponse::BadRequest().json(error)
            }
        }
    }
}

/// A client's message and its text. A call of a synchronous tool counts against the limit of synchronous requests.
pub fn read(
    request: &HttpRequest,
    auth: &Auth,
    body: Body,
) -> Result<(ClientJsonRpcMessage, String, Reservation), InvalidMessage> {
    let (value, reservation) = body::json(request, body)
        .map_err(|error| match error {
            ApiError::BadRequest(why) => {
                InvalidMessage::Protocol { id: Value::Null, code: ErrorCode::PARSE_ERROR, why }
            }
            other => other.into(),
        })?
        .into_parts();
    let message = ClientJsonRpcMessage::deserialize(&value).map_err(|_| InvalidMessage::Protocol {
        id: value.get("id").filter(|id| id.is_string() || id.is_i64()).cloned().unwrap_or_default(),
        code: ErrorCode::INVALID_REQUEST,
        why: "not a message of the Model Context Protocol".to_owned(),
    })?;
    if let ClientJsonRpcMessage::Request(call) = &message
        && let ClientRequest::CallToolRequest(call) = &call.request
        && Tool::named(&call.params.name).is_some_and(Tool::is_synchronous)
    {
        auth.count_synchronous(request)?;
    }
    Ok((message, value.to_string(), reservation))
}
