//! Connects the messages of a session, which HTTP+SSE or a WebSocket transports, with `rmcp`.

use std::time::Duration;

use actix_web::web;
use rmcp::model::{ClientJsonRpcMessage, RequestId, ServerJsonRpcMessage};
use rmcp::service::{RoleServer, serve_server_with_ct};
use rmcp::transport::Transport;
use tokio::sync::mpsc::error::SendError;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::handler::Handler;
use super::pending_requests::PendingRequests;
use super::sessions::BUFFERED;
use crate::http::api::Api;

/// A session without a response to its client for this time ends.
pub const MAX_IDLE: Duration = Duration::from_secs(12 * 3600);

/// Handles the messages of `inbox`. Returns the responses; the session ends when the guard is dropped.
pub fn start(
    api: web::Data<Api>,
    inbox: Receiver<ClientJsonRpcMessage>,
    pending: PendingRequests,
) -> (Receiver<ServerJsonRpcMessage>, DropGuard) {
    let (outbox, responses) = mpsc::channel(BUFFERED);
    let end = CancellationToken::new();
    let (handler, ended) = (Handler { api }, end.clone());
    let transport = SessionTransport { inbox, outbox, pending };
    actix_web::rt::spawn(async move {
        if let Ok(service) = serve_server_with_ct(handler, transport, ended).await {
            let _ = service.waiting().await;
        }
    });
    (responses, end.drop_guard())
}

/// The request that a message answers.
pub fn answered_request(message: &ServerJsonRpcMessage) -> Option<&RequestId> {
    match message {
        ServerJsonRpcMessage::Response(response) => Some(&response.id),
        ServerJsonRpcMessage::Error(error) => error.id.as_ref(),
        _ => None,
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
