//! The WebSocket transport, for clients that speak nothing else: each text message is one message of the protocol. A session
//! ends with its connection.

use std::pin::pin;

use actix_web::{HttpRequest, HttpResponse, web};
use actix_ws::{AggregatedMessage, AggregatedMessageStream, CloseCode, CloseReason, Closed, Session};
use bytes::Bytes;
use bytestring::ByteString;
use rmcp::model::{ErrorCode, ServerJsonRpcMessage};
use serde_json::Value;
use tokio::sync::mpsc::Receiver;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::DropGuard;

use super::message::{InvalidMessage, RequestContext, error_message, read_text, request_id};
use super::session_transport::{self, MAX_IDLE, answered_request};
use super::sessions::SessionPermit;
use crate::http::api::Api;
use crate::http::caller::Caller;
use crate::http::error::ApiError;
use crate::http::middleware::Auth;

/// The subprotocol that the clients of the SDKs request.
const PROTOCOL: &str = "mcp";
/// Maximum size of a message: it is in memory before it counts against the memory budget.
const MAX_MESSAGE: usize = 1 << 20;

/// `GET /mcp/ws`. A page of another site may not open a session, whether or not it has a token.
pub async fn open(
    api: web::Data<Api>,
    auth: web::Data<Auth>,
    caller: Caller,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, ApiError> {
    if auth.is_foreign_origin(&request) {
        return Err(ApiError::ForeignOrigin);
    }
    let handshake = actix_ws::handle_with_protocols(&request, payload, &[PROTOCOL]);
    let (response, session, stream) = handshake.map_err(|error| ApiError::BadRequest(error.to_string()))?;
    let (permit, inbox) = api.sessions.open(caller.principal())?;
    let (responses, end) = session_transport::start(api.clone(), inbox, permit.pending.clone());
    let max = MAX_MESSAGE.min(api.body.max_bytes);
    let stream = stream.max_frame_size(max).aggregate_continuations().max_continuation_size(max);
    let connection = WsConnection { api, auth, caller, request, session, responses, permit, _end: end };
    actix_web::rt::spawn(connection.run(stream));
    Ok(response)
}

/// One open connection.
struct WsConnection {
    api: web::Data<Api>,
    auth: web::Data<Auth>,
    caller: Caller,
    request: HttpRequest,
    session: Session,
    responses: Receiver<ServerJsonRpcMessage>,
    permit: SessionPermit,
    _end: DropGuard,
}

impl WsConnection {
    async fn run(mut self, stream: AggregatedMessageStream) {
        let reason = self.exchange(stream).await.unwrap_or(None);
        // The client may have disconnected.
        let _ = self.session.close(reason).await;
    }

    /// Passes messages in both directions until the connection ends. The reason is that of the server.
    async fn exchange(&mut self, stream: AggregatedMessageStream) -> Result<Option<CloseReason>, Closed> {
        let mut stream = pin!(stream);
        let mut heartbeat = interval(self.api.heartbeat);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut last_message = Instant::now();
        loop {
            tokio::select! {
                message = stream.recv() => match message {
                    Some(Ok(AggregatedMessage::Text(text))) => {
                        last_message = Instant::now();
                        self.receive(text.as_bytes()).await?;
                    }
                    Some(Ok(AggregatedMessage::Ping(text))) => self.session.pong(&text).await?,
                    Some(Ok(AggregatedMessage::Pong(_))) => {}
                    Some(Ok(AggregatedMessage::Binary(_))) => {
                        return Ok(Some(close(CloseCode::Unsupported, "messages must be text")));
                    }
                    Some(Ok(AggregatedMessage::Close(_))) | None => return Ok(None),
                    Some(Err(error)) => return Ok(Some(close(CloseCode::Protocol, &error.to_string()))),
                },
                response = self.responses.recv() => match response {
                    Some(response) => {
                        last_message = Instant::now();
                        self.respond(&response).await?;
                    }
                    None => return Ok(Some(close(CloseCode::Normal, "the session has ended"))),
                },
                _ = heartbeat.tick() => {
                    if last_message.elapsed() > MAX_IDLE {
                        return Ok(Some(close(CloseCode::Away, "idle")));
                    }
                    self.session.ping(b"").await?;
                }
            }
        }
    }

    /// Passes a message to the session. One that cannot be handled gets an error.
    async fn receive(&mut self, text: &[u8]) -> Result<(), Closed> {
        let result = read_text(text, &self.request, &self.auth, &self.caller, &self.api.body);
        let result = result.and_then(|(message, reservation)| {
            let inbox = self.api.sessions.inbox(&self.permit.id, self.caller.principal())?;
            let context = RequestContext::new(&self.request, self.caller.clone(), reservation);
            Ok(inbox.push(context.attach_to(message))?)
        });
        let error = match result {
            Ok(()) => return Ok(()),
            Err(InvalidMessage::Protocol { id, code, why }) => error_message(&id, code, &why),
            Err(InvalidMessage::Api(error)) => {
                let id = serde_json::from_slice(text).map(|message: Value| request_id(&message)).unwrap_or_default();
                error_message(&id, ErrorCode::INTERNAL_ERROR, &error.to_string())
            }
        };
        self.session.text(error.to_string()).await
    }

    /// Sends a response. Its bytes count against the response memory until they are written.
    async fn respond(&mut self, message: &ServerJsonRpcMessage) -> Result<(), Closed> {
        let id = answered_request(message);
        let text = Bytes::from(serde_json::to_vec(message).unwrap_or_default());
        let held = self.api.response_memory.hold(vec![text]).ok().and_then(|mut pieces| pieces.pop());
        match held.and_then(|text| ByteString::try_from(text).ok()) {
            Some(text) => self.session.text(text).await?,
            None => {
                let id = id.and_then(|id| serde_json::to_value(id).ok()).unwrap_or_default();
                let error = error_message(&id, ErrorCode::INTERNAL_ERROR, &ApiError::Unavailable.to_string());
                self.session.text(error.to_string()).await?;
            }
        }
        if let Some(id) = id {
            self.permit.pending.finish(id);
        }
        Ok(())
    }
}

fn close(code: CloseCode, description: &str) -> CloseReason {
    CloseReason { code, description: Some(description.to_owned()) }
}
