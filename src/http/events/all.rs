//! `GET /events`: what happens to all jobs of a caller, as server-sent events.
//!
//! The id of an event is the store's number of the change, so that a listener who was cut off resumes at any node. Who
//! was away hears how each job stands now, not every step that it took.

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

use crate::http::caller::Caller;
use crate::http::error::ApiError;
use crate::http::sse::{self, Event, HEARTBEAT};
use crate::http::{Api, job_view, trusted_proxies};

/// Looked at in one go, and held for a listener until it is sent.
const STRETCH: PageLimit = PageLimit { jobs: 100, bytes: 1 << 18 };

pub async fn events(api: web::Data<Api>, caller: Caller, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let last = request.headers().get("last-event-id").and_then(|id| id.to_str().ok()?.parse().ok());
    let watch = api.front.send(WatchJobs).await?;
    let mut follower = Follower {
        base: trusted_proxies::base(&request),
        api,
        principal: caller.sees().cloned(),
        seen: last,
        waiting: VecDeque::new(),
        watch,
        spoke: Instant::now(),
    };
    // Where the store is away now, that is an answer and no stream.
    follower.look().await?;
    let begin = follower.mark();
    follower.waiting.push_front(begin);
    let events = stream::unfold(follower, |mut follower| async {
        let event = follower.next().await;
        Some((event, follower))
    });
    Ok(sse::response(events))
}

struct Follower {
    api: web::Data<Api>,
    base: String,
    /// Whose jobs they are; `None`: everybody's.
    principal: Option<Principal>,
    /// The last change that was looked at.
    seen: Option<u64>,
    /// Events to be sent.
    waiting: VecDeque<Bytes>,
    watch: JobWatch,
    spoke: Instant,
}

impl Follower {
    async fn next(&mut self) -> Result<Bytes, ApiError> {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                self.spoke = Instant::now();
                return Ok(event);
            }
            match self.look().await {
                Ok(true) => {}
                Ok(false) | Err(ApiError::Unavailable) => self.watch.changed().await,
                Err(other) => return Err(other),
            }
            if self.waiting.is_empty() && self.spoke.elapsed() >= self.api.heartbeat {
                self.waiting.push_back(HEARTBEAT);
            }
        }
    }

    /// Whether there may be more to look at.
    async fn look(&mut self) -> Result<bool, ApiError> {
        let changes = self.api.store.changes(self.principal.as_ref(), self.seen, STRETCH).await?;
        let more = self.seen != Some(changes.up_to);
        self.seen = Some(changes.up_to);
        let events: Vec<_> = changes.jobs.iter().map(|(number, job)| self.event(*number, job)).collect();
        self.waiting.extend(events);
        Ok(more)
    }

    /// Where the stream begins, for who is cut off before the first event: an id without an event.
    fn mark(&self) -> Bytes {
        let first = self.waiting.is_empty().then_some(self.seen).flatten();
        first.map_or(HEARTBEAT, |seen| Event { id: Some(&seen), ..Event::default() }.to_bytes())
    }

    fn event(&self, number: u64, job: &Job) -> Bytes {
        let name = match (job.state.status(), job.started_at) {
            (Status::Processing, None) => "queued",
            (Status::Processing, Some(_)) => "started",
            (settled, _) => settled.as_str(),
        };
        let data = job_view::told(job, &self.base).to_json();
        Event { id: Some(&number), name: Some(name), data: Some(&data) }.to_bytes()
    }
}
