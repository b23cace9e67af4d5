//! `GET /jobs/{task_id}/events`: the events of one job.
//!
//! An event's id encodes the events up to it, so a client can resume at any node and after a restart. The server stores
//! nothing about clients.

use std::borrow::Cow;
use std::fmt;

use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use futures_util::stream;
use opilio_actors::domain::id::JobId;
use opilio_actors::domain::job::{Progress, Status};
use opilio_actors::domain::kind::ResultForm;
use opilio_actors::http_front::WatchJob;
use opilio_actors::job_notifier::JobWatch;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::http::api::Api;
use crate::http::caller::Caller;
use crate::http::error::ApiError;
use crate::http::job_view::JobView;
use crate::http::page_ranges::PageRanges;
use crate::http::sse::{self, Event};
use crate::http::trusted_proxies::base_url;

/// The events that were sent.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Position {
    Start,
    Queued,
    /// Also these pages.
    Started(PageRanges),
    Settled,
}

impl Position {
    /// Parses an event id. An invalid id is the start.
    fn parse(raw: &str) -> Self {
        match raw.split_once(':') {
            Some(("started", pages)) => PageRanges::parse(pages).map_or(Self::Start, Self::Started),
            None if raw == "queued" => Self::Queued,
            None if raw == "settled" => Self::Settled,
            _ => Self::Start,
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start => Ok(()),
            Self::Queued => f.write_str("queued"),
            Self::Started(pages) => write!(f, "started:{pages}"),
            Self::Settled => f.write_str("settled"),
        }
    }
}

pub async fn events(
    api: web::Data<Api>,
    caller: Caller,
    request: HttpRequest,
    id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let job = api.find_job(&caller, &id).await?;
    let last = request.headers().get("last-event-id").and_then(|id| id.to_str().ok());
    let position = last.map_or(Position::Start, Position::parse);
    if position == Position::Settled {
        // After a 204 an `EventSource` does not reconnect.
        return Ok(HttpResponse::NoContent().finish());
    }
    let watch = api.front.send(WatchJob { job: job.id.clone() }).await?;
    let base_url = base_url(&request);
    let events = JobEvents { api, job: job.id, base_url, position, watch, last_sent: Instant::now() };
    Ok(sse::response(stream::unfold(events, |mut events| async {
        let event = events.next().await?;
        Some((event, events))
    })))
}

struct JobEvents {
    api: web::Data<Api>,
    job: JobId,
    base_url: String,
    position: Position,
    watch: JobWatch,
    last_sent: Instant,
}

impl JobEvents {
    /// The next event; `None` after the last one and if the job has expired.
    async fn next(&mut self) -> Option<Result<Bytes, ApiError>> {
        if self.position == Position::Settled {
            return None;
        }
        loop {
            match self.poll().await {
                Ok(Some(event)) => {
                    self.last_sent = Instant::now();
                    return Some(Ok(event));
                }
                Err(ApiError::NotFound) => return None,
                Err(ApiError::Unavailable) | Ok(None) => self.watch.changed().await,
                Err(other) => return Some(Err(other)),
            }
            if self.last_sent.elapsed() >= self.api.heartbeat {
                self.last_sent = Instant::now();
                return Some(Ok(sse::HEARTBEAT));
            }
        }
    }

    /// The first event after the position, if it has happened.
    async fn poll(&mut self) -> Result<Option<Bytes>, ApiError> {
        // The summary is read before the pages: if it is settled, all pages are stored.
        let summary = self.api.store.summary(&self.job).await?.ok_or(ApiError::NotFound)?;
        match &mut self.position {
            Position::Start => self.job_event(Position::Queued, "queued").await.map(Some),
            Position::Queued if summary.started => {
                self.job_event(Position::Started(PageRanges::default()), "started").await.map(Some)
            }
            Position::Started(sent) if self.job.kind().result_form() == ResultForm::Pages => {
                match sent.next_missing(&*self.api.store, &self.job, 0).await? {
                    Some((index, page)) => {
                        sent.insert(index);
                        Ok(Some(self.event("page", page_event(index, &page, &self.job, summary.progress))))
                    }
                    None => self.terminal_event(summary.status).await,
                }
            }
            _ => self.terminal_event(summary.status).await,
        }
    }

    async fn terminal_event(&mut self, status: Status) -> Result<Option<Bytes>, ApiError> {
        match status {
            Status::Processing => Ok(None),
            settled => self.job_event(Position::Settled, settled.as_str()).await.map(Some),
        }
    }

    /// An event with the current job, after which the stream is at `position`.
    async fn job_event(&mut self, position: Position, name: &str) -> Result<Bytes, ApiError> {
        let job = self.api.store.job(&self.job, None).await?.ok_or(ApiError::NotFound)?;
        self.position = position;
        Ok(self.event(name, JobView::for_event(&job, &self.base_url).to_json()))
    }

    fn event(&self, name: &str, data: impl fmt::Display) -> Bytes {
        Event { id: Some(&self.position), name: Some(name), data: Some(&data) }.to_bytes()
    }
}

#[derive(Deserialize)]
struct PageSummary<'a> {
    #[serde(borrow)]
    url: Cow<'a, str>,
    success: bool,
    #[serde(borrow)]
    error_message: Cow<'a, str>,
    status_code: Option<u16>,
}

/// The outcome of a page, without its content.
fn page_event(index: u32, page: &[u8], job: &JobId, progress: Progress) -> Value {
    let summary: Option<PageSummary<'_>> = serde_json::from_slice(page).ok();
    let summary = summary.as_ref();
    json!({
        "task_id": job,
        "index": index,
        "url": summary.map(|page| &*page.url),
        "success": summary.is_some_and(|page| page.success),
        "status_code": summary.and_then(|page| page.status_code),
        "error_message": summary.map(|page| &*page.error_message),
        "progress": progress,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn event_ids_round_trip_and_invalid_ids_are_the_start() {
        for id in ["queued", "started:", "started:0-3,7-9", "settled"] {
            assert_eq!(Position::parse(id).to_string(), id);
        }
        for id in ["", "12", "started", "started:x", "queued:1"] {
            assert_eq!(Position::parse(id), Position::Start, "{id}");
        }
    }
}
