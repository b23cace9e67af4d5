//! A job's events from its beginning to its end, whatever the connection does meanwhile.

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
use super::trouble::Trouble;

const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// What happened to a job.
#[derive(Debug, Serialize)]
pub struct Event {
    pub event: String,
    pub id: String,
    pub data: Value,
}

impl Event {
    /// There is nothing after it.
    pub fn is_last(&self) -> bool {
        matches!(self.event.as_str(), "completed" | "failed" | "cancelled")
    }
}

type Events = Pin<Box<dyn Stream<Item = Result<Sse, sse_stream::Error>>>>;

pub struct Following<'c> {
    client: &'c Client,
    path: String,
    /// How long a server that was there may be away.
    patience: Duration,
    events: Option<Events>,
    last: String,
    heard: Option<Instant>,
    wait: Duration,
}

impl<'c> Following<'c> {
    pub fn new(client: &'c Client, job: &str, patience: Duration) -> Self {
        let path = format!("/jobs/{}/events", client::segment(job));
        Self { client, path, patience, events: None, last: String::new(), heard: None, wait: FIRST_WAIT }
    }

    /// The next event, each once, in order. After a cut it goes on with the one after the last.
    ///
    /// # Errors
    /// When the server refuses, never was there, or stayed away for longer than the patience.
    pub async fn next(&mut self) -> Result<Event, Trouble> {
        loop {
            let Some(events) = &mut self.events else {
                self.connect().await?;
                continue;
            };
            match events.next().await {
                Some(Ok(Sse { event: Some(event), data: Some(data), id: Some(id), .. })) => {
                    (self.heard, self.wait) = (Some(Instant::now()), FIRST_WAIT);
                    self.last.clone_from(&id);
                    let data = serde_json::from_str(&data).unwrap_or(Value::String(data));
                    return Ok(Event { event, id, data });
                }
                Some(Ok(_)) => self.heard = Some(Instant::now()),
                Some(Err(_)) | None => self.events = None,
            }
        }
    }

    async fn connect(&mut self) -> Result<(), Trouble> {
        let headers =
            if self.last.is_empty() { HeaderMap::new() } else { client::header("last-event-id", &self.last)? };
        if self.heard.is_some() {
            sleep(self.wait).await;
            self.wait = (2 * self.wait).min(LONGEST_WAIT);
        }
        match self.client.open(&self.path, headers).await {
            Ok(response) => {
                self.heard = Some(Instant::now());
                self.events = Some(events(response));
                Ok(())
            }
            Err(trouble) if trouble.is_transient() && self.may_wait() => Ok(()),
            Err(trouble) => Err(trouble),
        }
    }

    fn may_wait(&self) -> bool {
        self.heard.is_some_and(|heard| heard.elapsed() < self.patience)
    }
}

/// The events of an answer; one that is cut off in the middle is not among them.
pub fn events(response: Response) -> Events {
    let pieces = stream::unfold(response, |mut response| async {
        let piece: Result<Bytes, reqwest::Error> = response.chunk().await.transpose()?;
        Some((piece, response))
    });
    Box::pin(SseStream::from_bytes_stream(pieces))
}
