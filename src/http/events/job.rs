//! `GET /jobs/{id}/events`: what happens to a job, as server-sent events.
//!
//! An event's id says all that was told before it, so that a listener who was cut off resumes at any node, also after a
//! restart: nothing about listeners is kept.

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

use crate::http::error::ApiError;
use crate::http::page_ranges::PageRanges;
use crate::http::sse::{self, Event};
use crate::http::{Api, Caller, job_view, jobs, trusted_proxies};

/// What a listener has been told.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Told {
    Nothing,
    Queued,
    Started(PageRanges),
    Settled,
}

impl Told {
    /// What is not an id of ours is as nothing.
    fn parse(raw: &str) -> Self {
        match raw.split_once(':') {
            Some(("started", seen)) => PageRanges::parse(seen).map_or(Self::Nothing, Self::Started),
            None if raw == "queued" => Self::Queued,
            None if raw == "settled" => Self::Settled,
            _ => Self::Nothing,
        }
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => Ok(()),
            Self::Queued => f.write_str("queued"),
            Self::Started(seen) => write!(f, "started:{seen}"),
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
    let job = jobs::find(&api, &caller, &id).await?;
    let last = request.headers().get("last-event-id").and_then(|id| id.to_str().ok());
    let told = last.map_or(Told::Nothing, Told::parse);
    if told == Told::Settled {
        // An `EventSource` that is told there is no content does not come again.
        return Ok(HttpResponse::NoContent().finish());
    }
    let watch = api.front.send(WatchJob { job: job.id.clone() }).await?;
    let base = trusted_proxies::base(&request);
    let listener = Listener { api, job: job.id, base, told, watch, spoke: Instant::now() };
    let events = stream::unfold(listener, |mut listener| async {
        let event = listener.next().await?;
        Some((event, listener))
    });
    Ok(sse::response(events))
}

struct Listener {
    api: web::Data<Api>,
    job: JobId,
    base: String,
    told: Told,
    watch: JobWatch,
    spoke: Instant,
}

impl Listener {
    /// The next event; `None` after the last, and when the job is gone.
    async fn next(&mut self) -> Option<Result<Bytes, ApiError>> {
        if self.told == Told::Settled {
            return None;
        }
        loop {
            match self.look().await {
                Ok(Some(event)) => {
                    self.spoke = Instant::now();
                    return Some(Ok(event));
                }
                Err(ApiError::NotFound) => return None,
                Err(ApiError::Unavailable) | Ok(None) => self.watch.changed().await,
                Err(other) => return Some(Err(other)),
            }
            if self.spoke.elapsed() >= self.api.heartbeat {
                self.spoke = Instant::now();
                return Some(Ok(sse::HEARTBEAT));
            }
        }
    }

    /// The first thing that the listener does not know yet.
    async fn look(&mut self) -> Result<Option<Bytes>, ApiError> {
        // The job first: once it is settled, all pages there will be are stored.
        let summary = self.api.store.summary(&self.job).await?.ok_or(ApiError::NotFound)?;
        match &mut self.told {
            Told::Nothing => self.tell(Told::Queued, "queued").await.map(Some),
            Told::Queued if summary.started => {
                self.tell(Told::Started(PageRanges::default()), "started").await.map(Some)
            }
            Told::Started(seen) if self.job.kind().result_form() == ResultForm::Pages => {
                match seen.next_missing(&*self.api.store, &self.job, 0).await? {
                    Some((index, page)) => {
                        seen.insert(index);
                        Ok(Some(self.event("page", page_event(index, &page, &self.job, summary.progress))))
                    }
                    None => self.end(summary.status).await,
                }
            }
            _ => self.end(summary.status).await,
        }
    }

    async fn end(&mut self, status: Status) -> Result<Option<Bytes>, ApiError> {
        match status {
            Status::Processing => Ok(None),
            settled => self.tell(Told::Settled, settled.as_str()).await.map(Some),
        }
    }

    /// The job as it stands, after which the listener has been told as much as `told`.
    async fn tell(&mut self, told: Told, name: &str) -> Result<Bytes, ApiError> {
        let job = self.api.store.job(&self.job, None).await?.ok_or(ApiError::NotFound)?;
        self.told = told;
        Ok(self.event(name, job_view::told(&job, &self.base).to_json()))
    }

    fn event(&self, name: &str, data: impl fmt::Display) -> Bytes {
        Event { id: Some(&self.told), name: Some(name), data: Some(&data) }.to_bytes()
    }
}

#[derive(Deserialize)]
struct PageHead<'a> {
    #[serde(borrow)]
    url: std::borrow::Cow<'a, str>,
    success: bool,
    #[serde(borrow)]
    error_message: std::borrow::Cow<'a, str>,
    status_code: Option<u16>,
}

/// What a page came to, without what is on it.
fn page_event(index: u32, page: &[u8], job: &JobId, progress: Progress) -> Value {
    let head: Option<PageHead<'_>> = serde_json::from_slice(page).ok();
    let head = head.as_ref();
    json!({
        "task_id": job,
        "index": index,
        "url": head.map(|head| &*head.url),
        "success": head.is_some_and(|head| head.success),
        "status_code": head.and_then(|head| head.status_code),
        "error_message": head.map(|head| &*head.error_message),
        "progress": progress,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_events_come_back_as_they_were_sent_and_others_are_as_none() {
        for id in ["queued", "started:", "started:0-3,7-9", "settled"] {
            assert_eq!(Told::parse(id).to_string(), id);
        }
        for id in ["", "12", "started", "started:x", "queued:1"] {
            assert_eq!(Told::parse(id), Told::Nothing, "{id}");
        }
    }
}
