//! Reads a client's message and the context in which it is handled.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use rmcp::model::{ClientJsonRpcMessage, ClientRequest, ErrorCode, GetExtensions};
use serde::Deserialize;
use serde_json::{Value, json};

use super::tools::Tool;
use crate::http::body::{self, Body, BodyLimits};
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

    /// The message with this context, for the handler.
    pub fn attach_to(self, mut message: ClientJsonRpcMessage) -> ClientJsonRpcMessage {
        match &mut message {
            ClientJsonRpcMessage::Request(message) => drop(message.request.extensions_mut().insert(self)),
            ClientJsonRpcMessage::Notification(message) => drop(message.notification.extensions_mut().insert(self)),
            _ => {}
        }
        message
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
            Self::Protocol { id, code, why } => HttpResponse::BadRequest().json(error_message(id, *code, why)),
        }
    }
}

/// The response to a message that is not handled.
pub fn error_message(id: &Value, code: ErrorCode, why: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": why}})
}

/// A client's message and its text. A call of a synchronous tool counts against the limit of synchronous requests.
pub fn read(
    request: &HttpRequest,
    auth: &Auth,
    body: Body,
) -> Result<(ClientJsonRpcMessage, String, Reservation), InvalidMessage> {
    let (value, reservation) = body::json(request, body).map_err(not_json)?.into_parts();
    Ok((parse(&value, request, auth)?, value.to_string(), reservation))
}

/// A message of a WebSocket. It also counts against the limits of requests.
pub fn read_text(
    text: &[u8],
    request: &HttpRequest,
    auth: &Auth,
    caller: &Caller,
    limits: &BodyLimits,
) -> Result<(ClientJsonRpcMessage, Reservation), InvalidMessage> {
    auth.count_message(request, caller)?;
    let mut reservation = limits.memory.reserve();
    reservation.grow(text.len()).map_err(ApiError::from)?;
    let value = body::parse(text, limits.max_depth).map_err(not_json)?;
    Ok((parse(&value, request, auth)?, reservation))
}

fn not_json(error: ApiError) -> InvalidMessage {
    match error {
        ApiError::BadRequest(why) => InvalidMessage::Protocol { id: Value::Null, code: ErrorCode::PARSE_ERROR, why },
        other => other.into(),
    }
}

fn parse(value: &Value, request: &HttpRequest, auth: &Auth) -> Result<ClientJsonRpcMessage, InvalidMessage> {
    let message = ClientJsonRpcMessage::deserialize(value).map_err(|_| InvalidMessage::Protocol {
        id: request_id(value),
        code: ErrorCode::INVALID_REQUEST,
        why: "not a message of the Model Context Protocol".to_owned(),
    })?;
    if let ClientJsonRpcMessage::Request(call) = &message
        && let ClientRequest::CallToolRequest(call) = &call.request
        && Tool::named(&call.params.name).is_some_and(Tool::is_synchronous)
    {
        auth.count_synchronous(request)?;
    }
    Ok(message)
}

/// The id of a message; `null` if it has none.
pub fn request_id(message: &Value) -> Value {
    message.get("id").filter(|id| id.is_string() || id.is_i64()).cloned().unwrap_or_default()
}
