//! `GET /events`: the events of all of a caller's jobs.
//!
//! An event's id is the store's number of the change, so a client can resume at any node. After a gap a client receives
//! the current state of each changed job, not every change.

use std::collections::VecDeque;

use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use futures_util::stream;
use opilio_actors::domain::id::Principal;
use opilio_actors::domain::job::{Job, Status};
use opilio_actors::http_front::WatchJobs;
use opilio_actors::job_notifier::JobWatch;
use opilio_actors::ports::PageLimit;
use tokio::time::Instant;

use crate::http::api::Api;
use crate::http::caller::Caller;
use crate::http::error::ApiError;
use crate::http::job_view::JobView;
use crate::http::sse::{self, Event, HEARTBEAT};
use crate::http::trusted_proxies::base_url;

/// Changes read at once, and kept until they are sent.
const BATCH: PageLimit = PageLimit { jobs: 100, bytes: 1 << 18 };

pub async fn events(api: web::Data<Api>, caller: Caller, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let last = request.headers().get("last-event-id").and_then(|id| id.to_str().ok()?.parse().ok());
    let watch = api.front.send(WatchJobs).await?;
    let mut events = AllEvents {
        base_url: base_url(&request),
        api,
        principal: caller.sees().cloned(),
        last,
        unsent: VecDeque::new(),
        watch,
        last_sent: Instant::now(),
    };
    // If the store is unavailable now, the response is an error instead of a stream.
    events.poll().await?;
    let first = events.first();
    events.unsent.push_front(first);
    Ok(sse::response(stream::unfold(events, |mut events| async {
        let event = events.next().await;
        Some((event, events))
    })))
}

struct AllEvents {
    api: web::Data<Api>,
    base_url: String,
    /// The owner of the jobs; `None`: all principals.
    principal: Option<Principal>,
    /// The number of the last change that was read.
    last: Option<u64>,
    unsent: VecDeque<Bytes>,
    watch: JobWatch,
    last_sent: Instant,
}

impl AllEvents {
    async fn next(&mut self) -> Result<Bytes, ApiError> {
        loop {
            if let Some(event) = self.unsent.pop_front() {
                self.last_sent = Instant::now();
                return Ok(event);
            }
            match self.poll().await {
                Ok(true) => {}
                Ok(false) | Err(ApiError::Unavailable) => self.watch.changed().await,
                Err(other) => return Err(other),
            }
            if self.unsent.is_empty() && self.last_sent.elapsed() >= self.api.heartbeat {
                self.unsent.push_back(HEARTBEAT);
            }
        }
    }

    /// Reads the next changes. Returns whether there may be more.
    async fn poll(&mut self) -> Result<bool, ApiError> {
        let changes = self.api.store.changes(self.principal.as_ref(), self.last, BATCH).await?;
        let more = self.last != Some(changes.up_to);
        self.last = Some(changes.up_to);
        let events: Vec<_> = changes.jobs.iter().map(|(number, job)| self.event(*number, job)).collect();
        self.unsent.extend(events);
        Ok(more)
    }

    /// An id without an event, so that a client that is disconnected before the first event can resume.
    fn first(&self) -> Bytes {
        let last = self.unsent.is_empty().then_some(self.last).flatten();
        last.map_or(HEARTBEAT, |last| Event { id: Some(&last), ..Event::default() }.to_bytes())
    }

    fn event(&self, number: u64, job: &Job) -> Bytes {
        let name = match (job.state.status(), job.started_at) {
            (Status::Processing, None) => "queued",
            (Status::Processing, Some(_)) => "started",
            (settled, _) => settled.as_str(),
        };
        let data = JobView::for_event(job, &self.base_url).to_json();
        Event { id: Some(&number), name: Some(name), data: Some(&data) }.to_bytes()
    }
}
