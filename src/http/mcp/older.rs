//! The transport of 2024-11-05, for older clients: the answers come on a stream of events that the client holds open,
//! and its messages by POST. A session ends with its stream.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use futures_util::stream;
use opilio_actors::domain::id::Principal;
use rmcp::model::{ClientJsonRpcMessage, GetExtensions, ServerJsonRpcMessage};
use rmcp::service::{RoleServer, serve_server_with_ct};
use rmcp::transport::Transport;
use serde::Deserialize;
use tokio::sync::mpsc::error::{SendError, TrySendError};
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::time::{Instant, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};
use ulid::Ulid;

use super::handler::Handler;
use super::{Asker, Refused, read};
use crate::http::access::Access;
use crate::http::body::Body;
use crate::http::errors::ApiError;
use crate::http::{Api, Caller, events, proxies};

/// Sessions of all callers, and of one.
const MOST: usize = 256;
const MOST_OF_ONE: usize = 32;

/// Without a word to the client.
const LONGEST_SILENCE: Duration = Duration::from_secs(12 * 3600);

/// Messages that wait, either way.
const WAITING: usize = 16;

/// Every session that is open, by its id.
#[derive(Clone, Default)]
pub struct Sessions(Arc<Mutex<HashMap<String, Session>>>);

struct Session {
    whose: Principal,
    inbox: Sender<ClientJsonRpcMessage>,
}

/// The right to a session, given back when it is dropped.
struct Pass {
    id: String,
    sessions: Sessions,
}

impl Sessions {
    fn open(&self, whose: &Principal) -> Result<(Pass, Receiver<ClientJsonRpcMessage>), ApiError> {
        let mut open = self.lock();
        let own = open.values().filter(|session| session.whose == *whose).count();
        if open.len() >= MOST || own >= MOST_OF_ONE {
            return Err(ApiError::TooManySessions);
        }
        let (inbox, messages) = mpsc::channel(WAITING);
        let id = Ulid::generate().to_string().to_ascii_lowercase();
        open.insert(id.clone(), Session { whose: whose.clone(), inbox });
        Ok((Pass { id, sessions: self.clone() }, messages))
    }

    /// Where messages for the session go. Those of others are not there.
    fn inbox(&self, id: &str, whose: &Principal) -> Result<Sender<ClientJsonRpcMessage>, ApiError> {
        let open = self.lock();
        let session = open.get(id).filter(|session| session.whose == *whose);
        session.map(|session| session.inbox.clone()).ok_or(ApiError::NoSuchSession)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Session>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Pass {
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
    actix_web::rt::spawn(async move {
        if let Ok(service) = serve_server_with_ct(handler, Line { inbox, outbox }, ended).await {
            let _ = service.waiting().await;
        }
    });
    let endpoint = format!("event: endpoint\ndata: /mcp/messages?sessionId={}\n\n", pass.id);
    let listener = Listener {
        endpoint: Some(endpoint.into()),
        said,
        heartbeat: api.heartbeat,
        spoke: Instant::now(),
        _ends: (pass, ends.drop_guard()),
    };
    Ok(events::answer(stream::unfold(listener, |mut listener| async {
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
    access: web::Data<Access>,
    caller: Caller,
    request: HttpRequest,
    session: web::Query<SessionQuery>,
    body: Body,
) -> Result<HttpResponse, Refused> {
    let inbox = api.sessions.inbox(&session.id, caller.principal())?;
    let (mut message, _) = read(&request, &access, body)?;
    let asker = Asker { caller, base: proxies::base(&request) };
    match &mut message {
        ClientJsonRpcMessage::Request(asked) => drop(asked.request.extensions_mut().insert(asker)),
        ClientJsonRpcMessage::Notification(told) => drop(told.notification.extensions_mut().insert(asker)),
        _ => {}
    }
    inbox.try_send(message).map_err(|error| match error {
        TrySendError::Full(_) => ApiError::TooOften { wait: Duration::from_secs(1) },
        TrySendError::Closed(_) => ApiError::NoSuchSession,
    })?;
    Ok(HttpResponse::Accepted().finish())
}

/// Who holds a session's stream open.
struct Listener {
    endpoint: Option<Bytes>,
    said: Receiver<ServerJsonRpcMessage>,
    heartbeat: Duration,
    spoke: Instant,
    _ends: (Pass, DropGuard),
}

impl Listener {
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(endpoint) = self.endpoint.take() {
            return Some(endpoint);
        }
        match timeout(self.heartbeat, self.said.recv()).await {
            Ok(said) => {
                self.spoke = Instant::now();
                Some(format!("event: message\ndata: {}\n\n", serde_json::to_string(&said?).ok()?).into())
            }
            Err(_) => (self.spoke.elapsed() < LONGEST_SILENCE).then_some(events::BEAT),
        }
    }
}

/// A session as `rmcp` sees it.
struct Line {
    inbox: Receiver<ClientJsonRpcMessage>,
    outbox: Sender<ServerJsonRpcMessage>,
}

impl Transport<RoleServer> for Line {
    type Error = SendError<ServerJsonRpcMessage>;

    fn send(
        &mut self,
        message: ServerJsonRpcMessage,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send + 'static {
        let outbox = self.outbox.clone();
        async move { outbox.send(message).await }
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
        assert!(sessions.inbox(&pass.id, &ann).is_ok() && sessions.inbox(&pass.id, &bob).is_err());
    }
}
