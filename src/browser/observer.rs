//! What the events of a page say about its progress, and the limits that they enforce.

use std::collections::HashSet;

use serde::Deserialize;
use serde_json::{Map, Value};
use tokio::time::Instant;

use super::cdp::Event;
use super::error::BrowserError;

const MAX_NAVIGATIONS: usize = 20;
const MAX_DIALOGS: u32 = 20;
const MAX_FRAMES: u32 = 200;

/// The response that the page's main frame shows.
#[derive(Clone, Debug)]
pub struct Document {
    pub request_id: String,
    pub status: u16,
    /// Names in lower case; repeated headers are joined with `, `.
    pub headers: Map<String, Value>,
    pub mime_type: String,
}

/// What an event requires of the page's owner.
#[derive(Debug, PartialEq, Eq)]
pub enum Reaction {
    None,
    /// The page waits for an answer to `alert`, `confirm`, `prompt` or `beforeunload`.
    AnswerDialog {
        accept: bool,
    },
    StopLoading,
    /// A request waits for its headers.
    Continue {
        request_id: String,
        headers: Map<String, Value>,
    },
}

/// The progress of a page.
pub struct Observer {
    main_frame: String,
    max_redirects: usize,
    max_requests: u32,
    /// Of the document that the main frame shows.
    loader: String,
    /// Of all documents that it has shown.
    loaders: HashSet<String>,
    /// The states that this document has reached, such as `DOMContentLoaded`.
    states: HashSet<String>,
    pub document: Option<Document>,
    /// The URL of the document that was requested last.
    pub requested: Option<String>,
    /// The error of the document that was requested last.
    pub failure: Option<String>,
    /// Why the page's loading was stopped.
    pub stopped: Option<String>,
    in_flight: HashSet<String>,
    /// Since when no request has been in flight.
    quiet_since: Instant,
    document_request: Option<String>,
    redirects: usize,
    requests: u32,
    frames: u32,
    dialogs: u32,
}

impl Observer {
    pub fn new(main_frame: &str, max_redirects: usize, max_requests: u32) -> Self {
        Self {
            main_frame: main_frame.to_owned(),
            max_redirects,
            max_requests,
            loader: String::new(),
            loaders: HashSet::new(),
            states: HashSet::new(),
            document: None,
            requested: None,
            failure: None,
            stopped: None,
            in_flight: HashSet::new(),
            quiet_since: Instant::now(),
            document_request: None,
            redirects: 0,
            requests: 0,
            frames: 0,
            dialogs: 0,
        }
    }

    /// Identifies the document that the main frame shows.
    pub fn loader(&self) -> &str {
        &self.loader
    }

    /// Whether the main frame shows this document, or has shown it.
    pub fn has_shown(&self, loader: &str) -> bool {
        self.loaders.contains(loader)
    }

    /// Whether the document has reached a state. A page whose loading was stopped counts as loaded.
    pub fn has_reached(&self, state: &str) -> bool {
        self.states.contains(state) || self.stopped.is_some()
    }

    /// Since when no request has been in flight; `None` if one is.
    pub fn quiet_since(&self) -> Option<Instant> {
        self.in_flight.is_empty().then_some(self.quiet_since)
    }

    /// # Errors
    /// The page exceeds a limit.
    pub fn observe(&mut self, event: &Event) -> Result<Reaction, BrowserError> {
        match event.method.as_str() {
            "Page.lifecycleEvent" => self.lifecycle(event),
            "Page.frameAttached" => {
                self.frames += 1;
                Ok(self.stop_above(self.frames, MAX_FRAMES, "frames"))
            }
            "Page.javascriptDialogOpening" => self.dialog(event),
            "Network.requestWillBeSent" => self.request(event),
            "Network.responseReceived" => {
                self.response(event);
                Ok(Reaction::None)
            }
            "Network.loadingFinished" | "Network.loadingFailed" => {
                self.request_ended(event);
                Ok(Reaction::None)
            }
            "Fetch.requestPaused" => {
                let paused = event.params::<Paused>();
                Ok(paused.map_or(Reaction::None, |Paused { request_id, request }| Reaction::Continue {
                    request_id,
                    headers: request.headers,
                }))
            }
            _ => Ok(Reaction::None),
        }
    }

    fn lifecycle(&mut self, event: &Event) -> Result<Reaction, BrowserError> {
        let Some(state) = event.params::<Lifecycle>().filter(|state| state.frame == self.main_frame) else {
            return Ok(Reaction::None);
        };
        if state.loader != self.loader {
            self.loaders.insert(state.loader.clone());
            if self.loaders.len() > MAX_NAVIGATIONS {
                return Err(BrowserError::Page(format!("The page navigated more than {MAX_NAVIGATIONS} times")));
            }
            self.loader = state.loader;
            self.states.clear();
            self.in_flight.clear();
            self.quiet_since = Instant::now();
        }
        self.states.insert(state.name);
        Ok(Reaction::None)
    }

    fn dialog(&mut self, event: &Event) -> Result<Reaction, BrowserError> {
        self.dialogs += 1;
        if self.dialogs > MAX_DIALOGS {
            return Err(BrowserError::Page(format!("The page opened more than {MAX_DIALOGS} dialogs")));
        }
        let accept = event.params::<Dialog>().is_some_and(|dialog| dialog.kind == "beforeunload");
        Ok(Reaction::AnswerDialog { accept })
    }

    fn request(&mut self, event: &Event) -> Result<Reaction, BrowserError> {
        let Some(sent) = event.params::<RequestSent>() else { return Ok(Reaction::None) };
        if sent.kind == "Document" && sent.frame == self.main_frame {
            if self.document_request.as_ref() == Some(&sent.request_id) {
                self.redirects += 1;
                if self.redirects > self.max_redirects {
                    return Err(BrowserError::Page(format!("Too many redirects ({})", self.max_redirects)));
                }
            }
            self.document_request = Some(sent.request_id.clone());
            self.requested = Some(sent.request.url);
            self.failure = None;
        }
        if !is_endless(&sent.kind) {
            self.in_flight.insert(sent.request_id);
        }
        self.requests += 1;
        Ok(self.stop_above(self.requests, self.max_requests, "requests"))
    }

    fn response(&mut self, event: &Event) {
        let Some(received) = event.params::<ResponseReceived>() else { return };
        if received.kind != "Document" || received.frame != self.main_frame {
            return;
        }
        let Response { status, headers, mime_type } = received.response;
        let headers = headers.into_iter().map(|(name, value)| match value {
            Value::String(value) => (name.to_ascii_lowercase(), value.replace('\n', ", ").into()),
            other => (name.to_ascii_lowercase(), other),
        });
        let request_id = received.request_id;
        self.document = Some(Document { request_id, status, headers: headers.collect(), mime_type });
    }

    fn request_ended(&mut self, event: &Event) {
        let Some(ended) = event.params::<RequestEnded>() else { return };
        if self.document_request.as_ref() == Some(&ended.request_id) {
            self.failure = ended.error;
        }
        if self.in_flight.remove(&ended.request_id) && self.in_flight.is_empty() {
            self.quiet_since = Instant::now();
        }
    }

    fn stop_above(&mut self, count: u32, max: u32, what: &str) -> Reaction {
        if count <= max || self.stopped.is_some() {
            return Reaction::None;
        }
        self.stopped = Some(format!("loading was stopped: the page has more than {max} {what}"));
        Reaction::StopLoading
    }
}

/// Requests that do not end while the page is open.
fn is_endless(kind: &str) -> bool {
    matches!(kind, "EventSource" | "WebSocket" | "Media" | "Ping")
}

#[derive(Deserialize)]
struct Lifecycle {
    #[serde(rename = "frameId")]
    frame: String,
    #[serde(rename = "loaderId")]
    loader: String,
    name: String,
}

#[derive(Deserialize)]
struct Dialog {
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RequestSent {
    request_id: String,
    #[serde(rename = "frameId", default)]
    frame: String,
    #[serde(rename = "type", default)]
    kind: String,
    request: SentRequest,
}

#[derive(Deserialize)]
struct SentRequest {
    url: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResponseReceived {
    request_id: String,
    #[serde(rename = "frameId", default)]
    frame: String,
    #[serde(rename = "type")]
    kind: String,
    response: Response,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Response {
    status: u16,
    headers: Map<String, Value>,
    mime_type: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RequestEnded {
    request_id: String,
    #[serde(rename = "errorText")]
    error: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Paused {
    request_id: String,
    request: PausedRequest,
}

#[derive(Deserialize)]
struct PausedRequest {
    headers: Map<String, Value>,
}
