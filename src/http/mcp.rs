//! The Model Context Protocol: the routes by which programs come that work for a language model. `rmcp` speaks the
//! protocol; the tools do what the other routes do, for the same callers and within the same limits.
//!
//! Over streamable HTTP each message is a request of its own, and nothing is kept between two of them: any server can
//! answer the next, and a client that leaves costs nothing.

mod bridge;
mod calls;
mod handler;
mod pending_requests;
mod progress;
mod sse_transport;
mod tools;

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, ResponseError, web};
use rmcp::model::{ClientJsonRpcMessage, ClientRequest, ErrorCode};
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::body::{self, Body};
use super::error::ApiError;
use super::memory_budget::Reservation;
use super::middleware::Auth;
use super::{Api, Caller, trusted_proxies};
use handler::Handler;
use tools::Tool;

pub use sse_transport::{Sessions, message, open};

/// On whose behalf a message comes, and the address under which this server was reached.
#[derive(Clone, Debug)]
pub struct Asker {
    caller: Caller,
    base: String,
    /// What the message takes of the memory for requests.
    _reservation: Arc<Reservation>,
}

impl Asker {
    fn new(request: &HttpRequest, caller: Caller, reservation: Reservation) -> Self {
        Self { caller, base: trusted_proxies::base(request), _reservation: Arc::new(reservation) }
    }
}

pub type Service = StreamableHttpService<Handler, NeverSessionManager>;

/// What answers [`exchange`].
pub fn service(api: web::Data<Api>) -> Service {
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_max_request_body_bytes(usize::MAX)
        .with_sse_keep_alive(Some(api.heartbeat))
        .disable_allowed_hosts();
    Service::new(move || Ok(Handler { api: api.clone() }), NeverSessionManager::default().into(), config)
}

/// `POST /mcp`.
pub async fn exchange(
    api: web::Data<Api>,
    service: web::Data<Service>,
    access: web::Data<Auth>,
    caller: Caller,
    request: HttpRequest,
    body: Body,
) -> Result<HttpResponse, Refused> {
    let (message, text, reservation) = read(&request, &access, body)?;
    drop(message);
    let asker = Asker::new(&request, caller, reservation);
    let asked = bridge::request(&request, text, asker)?;
    let mut answer = Box::pin(async move { service.handle(asked).await });
    Ok(match timeout(api.heartbeat, &mut answer).await {
        Ok(answer) => bridge::response(answer).await,
        Err(_) => bridge::late(answer, api.heartbeat),
    })
}

/// `GET /mcp/schema`, in the peer's form.
pub async fn schema() -> HttpResponse {
    HttpResponse::Ok().json(json!({"tools": *tools::LIST, "resources": [], "resource_templates": []}))
}

/// Why a message is not passed on.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error(transparent)]
    Api(#[from] ApiError),
    /// It is none of the protocol's.
    #[error("{why}")]
    NoMessage { id: Value, code: ErrorCode, why: String },
}

impl ResponseError for Refused {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::Api(error) => error.status_code(),
            Self::NoMessage { .. } => StatusCode::BAD_REQUEST,
        }
    }

    fn error_response(&self) -> HttpResponse {
        match self {
            Self::Api(error) => error.error_response(),
            Self::NoMessage { id, code, why } => {
                let error = json!({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": why}});
                HttpResponse::BadRequest().json(error)
            }
        }
    }
}

/// A client's message, and its text. Calls whose caller waits are counted as at the routes whose caller waits.
fn read(
    request: &HttpRequest,
    access: &Auth,
    body: Body,
) -> Result<(ClientJsonRpcMessage, String, Reservation), Refused> {
    let (value, reservation) = body::json(request, body)
        .map_err(|error| match error {
            ApiError::BadRequest(why) => Refused::NoMessage { id: Value::Null, code: ErrorCode::PARSE_ERROR, why },
            other => other.into(),
        })?
        .apart();
    let message = ClientJsonRpcMessage::deserialize(&value).map_err(|_| Refused::NoMessage {
        id: value.get("id").filter(|id| id.is_string() || id.is_i64()).cloned().unwrap_or_default(),
        code: ErrorCode::INVALID_REQUEST,
        why: "not a message of the protocol".to_owned(),
    })?;
    if let ClientJsonRpcMessage::Request(call) = &message
        && let ClientRequest::CallToolRequest(call) = &call.request
        && Tool::named(&call.params.name).is_some_and(Tool::is_waited_for)
    {
        access.count_waiting(request)?;
    }
    Ok((message, value.to_string(), reservation))
}
