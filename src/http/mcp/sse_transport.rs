//! The HTTP+SSE transport (MCP 2024-11-05), for older clients. Responses are events of a stream that the client holds open;
//! messages are POST requests. A session ends with its stream.

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use futures_util::stream;
use rmcp::model::{ClientJsonRpcMessage, GetExtensions, RequestId, ServerJsonRpcMessage};
use rmcp::service::{RoleServer, serve_server_with_ct};
use rmcp::transport::Transport;
use serde::Deserialize;
use tokio::sync::mpsc::error::SendError;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::time::{Instant, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::handler::Handler;
use super::message::{InvalidMessage, RequestContext, read};
use super::pending_requests::PendingRequests;
use super::sessions::{BUFFERED, SessionPermit};
use crate::http::api::Api;
use crate::http::body::Body;
use crate::http::caller::Caller;
use crate::http::error::ApiError;
use crate::http::middleware::Auth;
use crate::http::sse::{self, Event};

/// A session without a response to its client for this time ends.
const MAX_IDLE: Duration = Duration::from_secs(12 * 3600);

/// `GET /mcp/sse`.
pub async fn open(api: web::Data<Api>, caller: Caller) -> Result<HttpResponse, ApiError> {
    let (permit, inbox) = api.sessions.open(caller.principal())?;
    let (outbox, responses) = mpsc::channel(BUFFERED);
    let end = CancellationToken::new();
    let (handler, ended) = (Handler { api: api.clone() }, end.clone());
    let transport = SessionTransport { inbox, outbox, pending: permit.pending.clone() };
    actix_web::rt::spawn(async move {
        if let Ok(service) = serve_server_with_ct(handler, transport, ended).await {
            let _ = service.waiting().await;
        }
    });
    let path = format!("/mcp/messages?sessionId={}", permit.id);
    let endpoint = Event { name: Some("endpoint"), data: Some(&path), ..Event::default() }.to_bytes();
    let session = SessionStream {
        endpoint: Some(endpoint),
        responses,
        heartbeat: api.heartbeat,
        last_response: Instant::now(),
        permit,
        _end: end.drop_guard(),
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
    let (mut message, _, reservation) = read(&request, &auth, body)?;
    let context = RequestContext::new(&request, caller, reservation);
    match &mut message {
        ClientJsonRpcMessage::Request(message) => drop(message.request.extensions_mut().insert(context)),
        ClientJsonRpcMessage::Notification(message) => drop(message.notification.extensions_mut().insert(context)),
        _ => {}
    }
    inbox.push(message)?;
    Ok(HttpResponse::Accepted().finish())
}

/// The request that a message answers.
fn answered_request(message: &ServerJsonRpcMessage) -> Option<&RequestId> {
    match message {
        ServerJsonRpcMessage::Response(response) => Some(&response.id),
        ServerJsonRpcMessage::Error(error) => error.id.as_ref(),
        _ => None,
    }
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

/// A session as `rmcp` accesses it.
struct SessionTransport {
    inbox: Receiver<ClientJsonRpcMessage>,
    outbox: Sender<ServerJsonRpcMessage>,
    pending: PendingRequests,
}

impl Transport<RoleServer> for SessionTransport {
    type Error = SendError<ServerJsonRpcMessage>;

    fn send(
        &mut self,
        message: ServerJsonRpcMessage,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send + 'static {
        // `rmcp` buffers unsent messages without a limit, therefore requests are limited.
        let is_wanted = answered_request(&message).is_none_or(|id| self.pending.respond(id));
        let outbox = self.outbox.clone();
        async move { if is_wanted { outbox.send(message).await } else { Ok(()) } }
    }

    async fn receive(&mut self) -> Option<ClientJsonRpcMessage> {
        self.inbox.recv().await
    }

    async fn close(&mut self) -> Result<(), Self::Error> {
        self.inbox.close();
        Ok(())
    }
}
