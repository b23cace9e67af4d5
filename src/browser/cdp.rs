//! A client for the Chrome DevTools Protocol over a pipe: JSON messages, each followed by a zero byte.
//!
//! Only the messages that are used are parsed; unknown events are skipped. Every call has a deadline. A crash of a page
//! fails the calls of its session, the end of the pipe fails all calls, and a message above [`MAX_MESSAGE`] only the call
//! that it responds to.

mod framing;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;

use framing::{Frame, FrameReader};

/// Bytes of one message.
pub const MAX_MESSAGE: usize = 64 << 20;
/// Events of one session that are not handled yet. A page that causes more is ended.
const MAX_PENDING_EVENTS: usize = 8192;

/// Why a call failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CdpError {
    #[error("the browser exited")]
    BrowserExited,
    #[error("the page crashed")]
    PageCrashed,
    #[error("the page was closed")]
    PageClosed,
    #[error("the page causes too many events")]
    TooManyEvents,
    #[error("{0} was not answered in time")]
    Timeout(&'static str),
    #[error("{method}: {message}")]
    Refused { method: &'static str, message: String },
    #[error("the response is larger than {} MiB", MAX_MESSAGE >> 20)]
    TooLarge,
}

/// An event with its unparsed parameters.
#[derive(Debug)]
pub struct Event {
    pub method: String,
    params: Box<RawValue>,
}

impl Event {
    /// The parameters; `None` if they do not have the expected form.
    pub fn params<'a, T: Deserialize<'a>>(&'a self) -> Option<T> {
        serde_json::from_str(self.params.get()).ok()
    }
}

/// The events of a session.
pub struct Events {
    receiver: mpsc::Receiver<Event>,
    ended: Arc<OnceLock<CdpError>>,
}

impl Events {
    /// Waits for the next event. Cancel-safe.
    ///
    /// # Errors
    /// Why there are no more events.
    pub async fn next(&mut self) -> Result<Event, CdpError> {
        let event = self.receiver.recv().await;
        event.ok_or_else(|| self.ended.get().cloned().unwrap_or(CdpError::BrowserExited))
    }
}

struct Subscriber {
    sender: mpsc::Sender<Event>,
    ended: Arc<OnceLock<CdpError>>,
}

/// A connection to a browser. All clones share it.
#[derive(Clone)]
pub struct CdpClient(Arc<Connection>);

struct Connection {
    state: Mutex<State>,
    outgoing: mpsc::UnboundedSender<Vec<u8>>,
    closed: watch::Sender<bool>,
}

#[derive(Default)]
struct State {
    last_id: u64,
    calls: HashMap<u64, PendingCall>,
    /// By session id; the browser's own events have an empty one.
    sessions: HashMap<String, Subscriber>,
    is_closed: bool,
}

/// The result of a command.
type Response = Result<Box<RawValue>, CdpError>;

struct PendingCall {
    session: String,
    respond: oneshot::Sender<Response>,
    method: &'static str,
}

/// A message of the browser: a response or an event.
#[derive(Deserialize)]
struct Message<'a> {
    id: Option<u64>,
    method: Option<&'a str>,
    #[serde(rename = "sessionId", default)]
    session: &'a str,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
    #[serde(borrow)]
    result: Option<&'a RawValue>,
    error: Option<ErrorObject>,
}

#[derive(Deserialize)]
struct ErrorObject {
    message: String,
}

impl CdpClient {
    /// Reads messages from `incoming` and writes them to `outgoing` until either ends. Runs on the current runtime.
    pub fn start(
        incoming: impl AsyncRead + Send + Unpin + 'static,
        outgoing: impl AsyncWrite + Send + Unpin + 'static,
    ) -> Self {
        let (sender, receiver) = mpsc::unbounded_channel();
        let state = Mutex::new(State::default());
        let client = Self(Arc::new(Connection { state, outgoing: sender, closed: watch::channel(false).0 }));
        tokio::spawn(write(receiver, outgoing));
        let reader = client.clone();
        tokio::spawn(async move {
            reader.read(incoming).await;
            reader.close();
        });
        client
    }

    /// Calls a method of the browser (empty `session`) or of a session, and waits up to `limit` for the response.
    pub async fn call<T: DeserializeOwned>(
        &self,
        session: &str,
        method: &'static str,
        params: Value,
        limit: Duration,
    ) -> Result<T, CdpError> {
        let (id, response) = self.send(session, method, params)?;
        let _forget = ForgetOnDrop { client: self, id };
        let response = timeout(limit, response).await.map_err(|_| CdpError::Timeout(method))?;
        let response = response.unwrap_or(Err(CdpError::BrowserExited))?;
        serde_json::from_str(response.get())
            .map_err(|error| CdpError::Refused { method, message: format!("unexpected response: {error}") })
    }

    /// Sends a call without waiting for its response.
    pub fn notify(&self, session: &str, method: &'static str, params: Value) {
        if let Ok((id, _)) = self.send(session, method, params) {
            self.state().calls.remove(&id);
        }
    }

    /// The events of a session from now on. They end when the session or the connection does.
    pub fn events(&self, session: &str) -> Events {
        let (sender, receiver) = mpsc::channel(MAX_PENDING_EVENTS);
        let ended = Arc::<OnceLock<CdpError>>::default();
        let mut state = self.state();
        if !state.is_closed {
            state.sessions.insert(session.to_owned(), Subscriber { sender, ended: Arc::clone(&ended) });
        }
        Events { receiver, ended }
    }

    /// Ends a session: its calls fail and its events end.
    pub fn forget(&self, session: &str) {
        self.fail_session(session, &CdpError::PageClosed);
    }

    pub fn is_closed(&self) -> bool {
        self.state().is_closed
    }

    /// Returns once the connection has ended.
    pub async fn closed(&self) {
        // The sender is part of the connection.
        let _ = self.0.closed.subscribe().wait_for(|closed| *closed).await;
    }

    fn send(
        &self,
        session: &str,
        method: &'static str,
        params: Value,
    ) -> Result<(u64, oneshot::Receiver<Response>), CdpError> {
        let (respond, response) = oneshot::channel();
        let mut state = self.state();
        if state.is_closed {
            return Err(CdpError::BrowserExited);
        }
        state.last_id += 1;
        let id = state.last_id;
        state.calls.insert(id, PendingCall { session: session.to_owned(), respond, method });
        let mut message = json!({"id": id, "method": method, "params": params});
        if !session.is_empty() {
            message["sessionId"] = session.into();
        }
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        let _ = self.0.outgoing.send(bytes);
        Ok((id, response))
    }

    async fn read(&self, incoming: impl AsyncRead + Unpin) {
        let mut frames = FrameReader::new(incoming, MAX_MESSAGE);
        while let Some(frame) = frames.next().await {
            match frame {
                Frame::Message(bytes) => self.receive(&bytes),
                Frame::TooLarge { start } => self.fail_too_large(&start),
            }
        }
    }

    fn receive(&self, bytes: &[u8]) {
        let Ok(message) = serde_json::from_slice::<Message<'_>>(bytes) else { return };
        if let Some(id) = message.id {
            return self.respond(id, message.result, message.error);
        }
        let Some(method) = message.method else { return };
        match method {
            "Inspector.targetCrashed" => self.fail_session(message.session, &CdpError::PageCrashed),
            "Target.detachedFromTarget" => {
                #[derive(Deserialize)]
                struct Detached<'a> {
                    #[serde(rename = "sessionId")]
                    session: &'a str,
                }
                let params = message.params.and_then(|params| serde_json::from_str::<Detached<'_>>(params.get()).ok());
                if let Some(detached) = params {
                    self.fail_session(detached.session, &CdpError::PageClosed);
                }
            }
            _ => {
                let params = message.params.map_or_else(empty_object, ToOwned::to_owned);
                tracing::trace!(target: "browser", method, params = params.get(), "event");
                self.dispatch(message.session, Event { method: method.to_owned(), params });
            }
        }
    }

    fn respond(&self, id: u64, result: Option<&RawValue>, error: Option<ErrorObject>) {
        // A call that was given up has no entry.
        let Some(call) = self.state().calls.remove(&id) else { return };
        let response = match error {
            Some(error) => {
                let message = error.message.chars().take(200).collect();
                Err(CdpError::Refused { method: call.method, message })
            }
            None => Ok(result.map_or_else(empty_object, ToOwned::to_owned)),
        };
        let _ = call.respond.send(response);
    }

    fn dispatch(&self, session: &str, event: Event) {
        let sent = match self.state().sessions.get(session) {
            Some(subscriber) => subscriber.sender.try_send(event),
            None => return,
        };
        if let Err(mpsc::error::TrySendError::Full(_)) = sent {
            self.fail_session(session, &CdpError::TooManyEvents);
        }
    }

    fn fail_session(&self, session: &str, error: &CdpError) {
        let mut state = self.state();
        if let Some(subscriber) = state.sessions.remove(session) {
            let _ = subscriber.ended.set(error.clone());
        }
        let of_session = |_: &u64, call: &mut PendingCall| call.session == session;
        for (_, call) in state.calls.extract_if(of_session) {
            let _ = call.respond.send(Err(error.clone()));
        }
    }

    /// `start`: the first bytes of the message, which contain its id if it is a response.
    fn fail_too_large(&self, start: &[u8]) {
        let id = std::str::from_utf8(start).ok().and_then(|start| start.strip_prefix("{\"id\":"));
        let id = id.and_then(|rest| rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok());
        let call = id.and_then(|id: u64| self.state().calls.remove(&id));
        if let Some(call) = call {
            let _ = call.respond.send(Err(CdpError::TooLarge));
        }
    }

    fn close(&self) {
        let mut state = self.state();
        state.is_closed = true;
        state.sessions.clear();
        for (_, call) in state.calls.drain() {
            let _ = call.respond.send(Err(CdpError::BrowserExited));
        }
        drop(state);
        self.0.closed.send_replace(true);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn empty_object() -> Box<RawValue> {
    RawValue::from_string("{}".to_owned()).expect("a constant")
}

/// Removes the entry of a call that its caller has given up.
struct ForgetOnDrop<'a> {
    client: &'a CdpClient,
    id: u64,
}

impl Drop for ForgetOnDrop<'_> {
    fn drop(&mut self) {
        self.client.state().calls.remove(&self.id);
    }
}

async fn write(mut messages: mpsc::UnboundedReceiver<Vec<u8>>, mut outgoing: impl AsyncWrite + Unpin) {
    while let Some(message) = messages.recv().await {
        if outgoing.write_all(&message).await.is_err() || outgoing.flush().await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests;
