//! The HTTP+SSE transport (MCP 2024-11-05), for older clients. Responses are events of a stream that the client holds open;
//! messages are POST requests. A session ends with its stream.

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use futures_util::stream;
use rmcp::model::ServerJsonRpcMessage;
use serde::Deserialize;
use tokio::sync::mpsc::Receiver;
use tokio::time::{Instant, timeout};
use tokio_util::sync::DropGuard;

use super::message::{InvalidMessage, RequestContext, read};
use super::session_transport::{self, MAX_IDLE, answered_request};
use super::sessions::SessionPermit;
use crate::http::api::Api;
use crate::http::body::Body;
use crate::http::caller::Caller;
use crate::http::error::ApiError;
use crate::http::middleware::Auth;
use crate::http::sse::{self, Event};

/// `GET /mcp/sse`.
pub async fn open(api: web::Data<Api>, caller: Caller) -> Result<HttpResponse, ApiError> {
    let (permit, inbox) = api.sessions.open(caller.principal())?;
    let (responses, end) = session_transport::start(api.clone(), inbox, permit.pending.clone());
    let path = format!("/mcp/messages?sessionId={}", permit.id);
    let endpoint = Event { name: Some("endpoint"), data: Some(&path), ..Event::default() }.to_bytes();
    let session = SessionStream {
        endpoint: Some(endpoint),
        responses,
        heartbeat: api.heartbeat,
        last_response: Instant::now(),
        permit,
        _end: end,
    };
    Ok(sse::response(stream::unfold(session, |mut session| async {
        let event = session.next().await?;
        Some((Ok(event), session))
    })))
}

#[derive(Deserialize)]
pub struct SessionQuery {
    #[serde(rename = "sessionId")]
    id: String,
}

/// `POST /mcp/messages`.
pub async fn message(
    api: web::Data<Api>,
    auth: web::Data<Auth>,
    caller: Caller,
    request: HttpRequest,
    session: web::Query<SessionQuery>,
    body: Body,
) -> Result<HttpResponse, InvalidMessage> {
    let inbox = api.sessions.inbox(&session.id, caller.principal())?;
    let (message, _, reservation) = read(&request, &auth, body)?;
    inbox.push(RequestContext::new(&request, caller, reservation).attach_to(message))?;
    Ok(HttpResponse::Accepted().finish())
}

/// The stream of a session.
struct SessionStream {
    endpoint: Option<Bytes>,
    responses: Receiver<ServerJsonRpcMessage>,
    heartbeat: Duration,
    last_response: Instant,
    permit: SessionPermit,
    _end: DropGuard,
}

impl SessionStream {
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(endpoint) = self.endpoint.take() {
            return Some(endpoint);
        }
        match timeout(self.heartbeat, self.responses.recv()).await {
            Ok(message) => {
                self.last_response = Instant::now();
                let message = message?;
                if let Some(id) = answered_request(&message) {
                    self.permit.pending.finish(id);
                }
                let data = serde_json::to_string(&message).ok()?;
                Some(Event { name: Some("message"), data: Some(&data), ..Event::default() }.to_bytes())
            }
            Err(_) => (self.last_response.elapsed() < MAX_IDLE).then_some(sse::HEARTBEAT),
        }
    }
}
