//! The open sessions of the HTTP+SSE transport.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use opilio_actors::domain::id::Principal;
use rmcp::model::{ClientJsonRpcMessage, ClientNotification, RequestId};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{self, Receiver, Sender};
use ulid::Ulid;

use super::pending_requests::PendingRequests;
use crate::http::error::ApiError;

/// Limit of open sessions, in total and per principal.
const MAX_SESSIONS: usize = 256;
const MAX_PER_PRINCIPAL: usize = 32;

/// Messages buffered in each direction of a session.
pub const BUFFERED: usize = 16;

/// All open sessions by id.
#[derive(Clone, Default)]
pub struct Sessions(Arc<Mutex<HashMap<String, Session>>>);

struct Session {
    principal: Principal,
    inbox: Inbox,
}

/// Receives a session's messages.
#[derive(Clone)]
pub struct Inbox {
    messages: Sender<ClientJsonRpcMessage>,
    pending: PendingRequests,
}

/// An open session, which is closed on drop.
pub struct SessionPermit {
    pub id: String,
    pub pending: PendingRequests,
    sessions: Sessions,
}

impl Sessions {
    /// # Errors
    /// `TooManySessions`.
    pub fn open(&self, principal: &Principal) -> Result<(SessionPermit, Receiver<ClientJsonRpcMessage>), ApiError> {
        let mut sessions = self.lock();
        let own = sessions.values().filter(|session| session.principal == *principal).count();
        if sessions.len() >= MAX_SESSIONS || own >= MAX_PER_PRINCIPAL {
            return Err(ApiError::TooManySessions);
        }
        let ((messages, received), pending) = (mpsc::channel(BUFFERED), PendingRequests::default());
        let id = Ulid::generate().to_string().to_ascii_lowercase();
        let inbox = Inbox { messages, pending: pending.clone() };
        sessions.insert(id.clone(), Session { principal: principal.clone(), inbox });
        Ok((SessionPermit { id, pending, sessions: self.clone() }, received))
    }

    /// The inbox of a session of this principal.
    ///
    /// # Errors
    /// `SessionNotFound` also if the session belongs to another principal.
    pub fn inbox(&self, id: &str, principal: &Principal) -> Result<Inbox, ApiError> {
        let sessions = self.lock();
        let session = sessions.get(id).filter(|session| session.principal == *principal);
        session.map(|session| session.inbox.clone()).ok_or(ApiError::SessionNotFound)
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

impl Inbox {
    /// Passes a message to the session.
    ///
    /// # Errors
    /// `RateLimited` if too many messages are buffered or too many requests are pending.
    pub fn push(&self, message: ClientJsonRpcMessage) -> Result<(), ApiError> {
        let id = match &message {
            ClientJsonRpcMessage::Request(request) => Some(request.id.clone()),
            _ => None,
        };
        if let Some(id) = &id {
            self.pending.begin(id)?;
        }
        let cancelled = cancelled_request(&message).cloned();
        let sent = self.messages.try_send(message);
        // A response that arrives between the two statements is sent; the protocol allows it.
        if let Some(id) = if sent.is_ok() { cancelled } else { id } {
            self.pending.cancel(&id);
        }
        sent.map_err(|error| match error {
            TrySendError::Full(_) => ApiError::RateLimited { retry_after: Duration::from_secs(1) },
            TrySendError::Closed(_) => ApiError::SessionNotFound,
        })
    }
}

/// The request that a message cancels.
fn cancelled_request(message: &ClientJsonRpcMessage) -> Option<&RequestId> {
    match message {
        ClientJsonRpcMessage::Notification(message) => match &message.notification {
            ClientNotification::CancelledNotification(cancelled) => cancelled.params.request_id.as_ref(),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_are_limited_per_principal_and_in_total() {
        let sessions = Sessions::default();
        let [ann, bob] = ["ann", "bob"].map(Principal::new);
        let open = |_| sessions.open(&ann).map_err(|_| ()).expect("below the limit");
        let mut anns: Vec<_> = (0..MAX_PER_PRINCIPAL).map(open).collect();
        assert!(sessions.open(&ann).is_err() && sessions.open(&bob).is_ok());
        anns.pop();
        assert!(sessions.open(&ann).is_ok());
        let others = (0..).map_while(|n| sessions.open(&Principal::new(format!("other {n}"))).ok());
        assert_eq!(others.collect::<Vec<_>>().len() + anns.len(), MAX_SESSIONS);
        drop(anns);
        assert_eq!(sessions.lock().len(), 0);
    }

    #[test]
    fn session_is_visible_only_to_its_principal() {
        let sessions = Sessions::default();
        let [ann, bob] = ["ann", "bob"].map(Principal::new);
        let (permit, _received) = sessions.open(&ann).map_err(|_| ()).expect("below the limit");
        assert!(sessions.inbox(&permit.id, &ann).is_ok() && sessions.inbox(&permit.id, &bob).is_err());
    }
}
