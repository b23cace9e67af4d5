//! The transport of 2024-11-05, for older clients: the answers come on a stream of events that the client holds open,
//! and its messages by POST. A session ends with its stream.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use futures_util::stream;
use opilio_actors::domain::id::Principal;
use rmcp::model::{ClientJsonRpcMessage, ClientNotification, GetExtensions, RequestId, ServerJsonRpcMessage};
use rmcp::service::{RoleServer, serve_server_with_ct};
use rmcp::transport::Transport;
use serde::Deserialize;
use tokio::sync::mpsc::error::{SendError, TrySendError};
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::time::{Instant, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};
use ulid::Ulid;

use super::handler::Handler;
use super::pending_requests::PendingRequests;
use super::{Asker, Refused, read};
use crate::http::body::Body;
use crate::http::error::ApiError;
use crate::http::middleware::Auth;
use crate::http::sse::{self, Event};
use crate::http::{Api, Caller};

/// Sessions of all callers, and of one.
const MOST: usize = 256;
const MOST_OF_ONE: usize = 32;

/// Without a word to the client.
const LONGEST_SILENCE: Duration = Duration::from_secs(12 * 3600);

/// Messages that wait for the protocol, or for the stream.
const WAITING: usize = 16;

/// Every session that is open, by its id.
#[derive(Clone, Default)]
pub struct Sessions(Arc<Mutex<HashMap<String, Session>>>);

struct Session {
    whose: Principal,
    door: Inbox,
}

/// Where a session's messages come in.
#[derive(Clone)]
struct Inbox {
    inbox: Sender<ClientJsonRpcMessage>,
    asked: PendingRequests,
}

/// The right to a session, given back when it is dropped.
struct SessionPermit {
    id: String,
    sessions: Sessions,
    asked: PendingRequests,
}

impl Sessions {
    fn open(&self, whose: &Principal) -> Result<(SessionPermit, Receiver<ClientJsonRpcMessage>), ApiError> {
        let mut open = self.lock();
        let own = open.values().filter(|session| session.whose == *whose).count();
        if open.len() >= MOST || own >= MOST_OF_ONE {
            return Err(ApiError::TooManySessions);
        }
        let ((inbox, messages), asked) = (mpsc::channel(WAITING), PendingRequests::default());
        let id = Ulid::generate().to_string().to_ascii_lowercase();
        let door = Inbox { inbox, asked: asked.clone() };
        open.insert(id.clone(), Session { whose: whose.clone(), door });
        Ok((SessionPermit { id, sessions: self.clone(), asked }, messages))
    }

    /// Where messages for the session go. Those of others are not there.
    fn door(&self, id: &str, whose: &Principal) -> Result<Inbox, ApiError> {
        let open = self.lock();
        let session = open.get(id).filter(|session| session.whose == *whose);
        session.map(|session| session.door.clone()).ok_or(ApiError::SessionNotFound)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Session>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for SessionPermit {
    fn drop(&mut self) {
        self.sessions.lock().remove(&self.id);
    }
}

/// `GET /mcp/sse`.
pub async fn open(api: web::Data<Api>, caller: Caller) -> Result<HttpResponse, ApiError> {
    let (pass, inbox) = api.sessions.open(caller.principal())?;
    let (outbox, said) = mpsc::channel(WAITING);
    let ends = CancellationToken::new();
    let (handler, ended) = (Handler { api: api.clone() }, ends.clone());
    let line = SessionTransport { inbox, outbox, asked: pass.asked.clone() };
    actix_web::rt::spawn(async move {
        if let Ok(service) = serve_server_with_ct(handler, line, ended).await {
            let _ = service.waiting().await;
        }
    });
    let path = format!("/mcp/messages?sessionId={}", pass.id);
    let endpoint = Event { name: Some("endpoint"), data: Some(&path), ..Event::default() }.to_bytes();
    let listener = Listener {
        endpoint: Some(endpoint),
        said,
        heartbeat: api.heartbeat,
        spoke: Instant::now(),
        pass,
        _ends: ends.drop_guard(),
    };
    Ok(sse::response(stream::unfold(listener, |mut listener| async {
        let event = listener.next().await?;
        Some((Ok(event), listener))
    })))
}

/// What `POST /mcp/messages` is asked with.
#[derive(Deserialize)]
pub struct SessionQuery {
    #[serde(rename = "sessionId")]
    id: String,
}

/// `POST /mcp/messages`.
pub async fn message(
    api: web::Data<Api>,
    access: web::Data<Auth>,
    caller: Caller,
    request: HttpRequest,
    session: web::Query<SessionQuery>,
    body: Body,
) -> Result<HttpResponse, Refused> {
    let door = api.sessions.door(&session.id, caller.principal())?;
    let (mut message, _, reservation) = read(&request, &access, body)?;
    let asker = Asker::new(&request, caller, reservation);
    match &mut message {
        ClientJsonRpcMessage::Request(asked) => drop(asked.request.extensions_mut().insert(asker)),
        ClientJsonRpcMessage::Notification(told) => drop(told.notification.extensions_mut().insert(asker)),
        _ => {}
    }
    door.enter(message)?;
    Ok(HttpResponse::Accepted().finish())
}

impl Inbox {
    fn enter(&self, message: ClientJsonRpcMessage) -> Result<(), ApiError> {
        let id = match &message {
            ClientJsonRpcMessage::Request(asked) => Some(asked.id.clone()),
            _ => None,
        };
        if let Some(id) = &id {
            self.asked.begin(id)?;
        }
        let back = taken_back(&message).cloned();
        let sent = self.inbox.try_send(message);
        // After the protocol has it: an answer that comes meanwhile is told, as it may be.
        if let Some(id) = if sent.is_ok() { back } else { id } {
            self.asked.take_back(&id);
        }
        sent.map_err(|error| match error {
            TrySendError::Full(_) => ApiError::RateLimited { retry_after: Duration::from_secs(1) },
            TrySendError::Closed(_) => ApiError::SessionNotFound,
        })
    }
}

/// The request that is not to be answered any more.
fn taken_back(message: &ClientJsonRpcMessage) -> Option<&RequestId> {
    match message {
        ClientJsonRpcMessage::Notification(told) => match &told.notification {
            ClientNotification::CancelledNotification(cancelled) => cancelled.params.request_id.as_ref(),
            _ => None,
        },
        _ => None,
    }
}

/// The request that a message answers.
fn answered(message: &ServerJsonRpcMessage) -> Option<&RequestId> {
    match message {
        ServerJsonRpcMessage::Response(response) => Some(&response.id),
        ServerJsonRpcMessage::Error(error) => error.id.as_ref(),
        _ => None,
    }
}

/// Who holds a session's stream open.
struct Listener {
    endpoint: Option<Bytes>,
    said: Receiver<ServerJsonRpcMessage>,
    heartbeat: Duration,
    spoke: Instant,
    pass: SessionPermit,
    _ends: DropGuard,
}

impl Listener {
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(endpoint) = self.endpoint.take() {
            return Some(endpoint);
        }
        match timeout(self.heartbeat, self.said.recv()).await {
            Ok(said) => {
                self.spoke = Instant::now();
                let said = said?;
                if let Some(id) = answered(&said) {
                    self.pass.asked.told(id);
                }
                let data = serde_json::to_string(&said).ok()?;
                Some(Event { name: Some("message"), data: Some(&data), ..Event::default() }.to_bytes())
            }
            Err(_) => (self.spoke.elapsed() < LONGEST_SILENCE).then_some(sse::HEARTBEAT),
        }
    }
}

/// A session as `rmcp` sees it.
struct SessionTransport {
    inbox: Receiver<ClientJsonRpcMessage>,
    outbox: Sender<ServerJsonRpcMessage>,
    asked: PendingRequests,
}

impl Transport<RoleServer> for SessionTransport {
    type Error = SendError<ServerJsonRpcMessage>;

    fn send(
        &mut self,
        message: ServerJsonRpcMessage,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send + 'static {
        // `rmcp` keeps whatever is not sent yet, and waits for none of it.
        let is_told = answered(&message).is_none_or(|id| self.asked.answer(id));
        let outbox = self.outbox.clone();
        async move { if is_told { outbox.send(message).await } else { Ok(()) } }
    }

    async fn receive(&mut self) -> Option<ClientJsonRpcMessage> {
        self.inbox.recv().await
    }

    async fn close(&mut self) -> Result<(), Self::Error> {
        self.inbox.close();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_are_counted_of_one_and_of_all_and_given_back() {
        let sessions = Sessions::default();
        let [ann, bob] = ["ann", "bob"].map(Principal::new);
        let mut anns: Vec<_> = (0..MOST_OF_ONE).map(|_| sessions.open(&ann).map_err(|_| ()).expect("room")).collect();
        assert!(sessions.open(&ann).is_err() && sessions.open(&bob).is_ok());
        anns.pop();
        assert!(sessions.open(&ann).is_ok());
        let others = (0..).map_while(|n| sessions.open(&Principal::new(format!("other {n}"))).ok());
        assert_eq!(others.collect::<Vec<_>>().len() + anns.len(), MOST);
        drop(anns);
        assert_eq!(sessions.lock().len(), 0);
    }

    #[test]
    fn a_session_is_there_for_its_owner_only() {
        let sessions = Sessions::default();
        let [ann, bob] = ["ann", "bob"].map(Principal::new);
        let (pass, _inbox) = sessions.open(&ann).map_err(|_| ()).expect("room");
        assert!(sessions.door(&pass.id, &ann).is_ok() && sessions.door(&pass.id, &bob).is_err());
    }
}
