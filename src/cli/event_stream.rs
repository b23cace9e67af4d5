//! The events of a job, with reconnection.

use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, Stream, StreamExt};
use reqwest::Response;
use reqwest::header::HeaderMap;
use serde::Serialize;
use serde_json::Value;
use sse_stream::{Sse, SseStream};
use tokio::time::{Instant, sleep};

use super::client::{self, Client};
use super::error::ClientError;

const MIN_DELAY: Duration = Duration::from_millis(100);
const MAX_DELAY: Duration = Duration::from_secs(5);

/// An event of `GET /jobs/{id}/events`.
#[derive(Debug, Serialize)]
pub struct Event {
    pub event: String,
    pub id: String,
    pub data: Value,
}

impl Event {
    pub fn is_terminal(&self) -> bool {
        matches!(self.event.as_str(), "completed" | "failed" | "cancelled")
    }
}

type Messages = Pin<Box<dyn Stream<Item = Result<Sse, sse_stream::Error>>>>;

/// The events of one job, each exactly once and in order.
pub struct EventStream<'c> {
    client: &'c Client,
    path: String,
    /// Time without a connection after which the stream fails.
    reconnect_timeout: Duration,
    messages: Option<Messages>,
    last_event_id: String,
    last_message_at: Option<Instant>,
    delay: Duration,
}

impl<'c> EventStream<'c> {
    pub fn new(client: &'c Client, job: &str, reconnect_timeout: Duration) -> Self {
        let path = format!("/jobs/{}/events", client::segment(job));
        Self {
            client,
            path,
            reconnect_timeout,
            messages: None,
            last_event_id: String::new(),
            last_message_at: None,
            delay: MIN_DELAY,
        }
    }

    /// The next event. After a lost connection it continues after the last event.
    ///
    /// # Errors
    /// The server rejected the request, was unreachable at first, or for longer than the reconnect timeout.
    pub async fn next(&mut self) -> Result<Event, ClientError> {
        loop {
            let Some(messages) = &mut self.messages else {
                self.connect().await?;
                continue;
            };
            match messages.next().await {
                Some(Ok(Sse { event: Some(event), data: Some(data), id: Some(id), .. })) => {
                    (self.last_message_at, self.delay) = (Some(Instant::now()), MIN_DELAY);
                    self.last_event_id.clone_from(&id);
                    let data = serde_json::from_str(&data).unwrap_or(Value::String(data));
                    return Ok(Event { event, id, data });
                }
                Some(Ok(_)) => self.last_message_at = Some(Instant::now()),
                Some(Err(_)) | None => self.messages = None,
            }
        }
    }

    async fn connect(&mut self) -> Result<(), ClientError> {
        let headers = match self.last_event_id.as_str() {
            "" => HeaderMap::new(),
            id => client::header("last-event-id", id)?,
        };
        if self.last_message_at.is_some() {
            sleep(self.delay).await;
            self.delay = (2 * self.delay).min(MAX_DELAY);
        }
        match self.client.open(&self.path, headers).await {
            Ok(response) => {
                self.last_message_at = Some(Instant::now());
                self.messages = Some(messages(response));
                Ok(())
            }
            Err(error) if error.is_transient() && self.may_reconnect() => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn may_reconnect(&self) -> bool {
        self.last_message_at.is_some_and(|at| at.elapsed() < self.reconnect_timeout)
    }
}

/// The server-sent events of a response. An incomplete event at its end is dropped.
pub fn messages(response: Response) -> Messages {
    let chunks = stream::unfold(response, |mut response| async {
        let chunk: Result<Bytes, reqwest::Error> = response.chunk().await.transpose()?;
        Some((chunk, response))
    });
    Box::pin(SseStream::from_bytes_stream(chunks))
}
