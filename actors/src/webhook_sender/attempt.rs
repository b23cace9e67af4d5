//! One attempt at one delivery, from the note that it began to the note of what came of it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::Message;
use tracing::{info, warn};

use crate::domain::crawl_result;
use crate::domain::delivery::{Attempt, AttemptOutcome, DeliveryState, DueDelivery, NextStep};
use crate::domain::extraction_result;
use crate::domain::id::{NodeId, TaskType};
use crate::domain::retry::DeliveryPolicy;
use crate::faults;
use crate::metrics::Metrics;
use crate::persistence::persistently;
use crate::ports::{AttemptStart, JobStore, StoreError, WebhookRequest, WebhookTransport};

/// An attempt is over; `next`: the one to be made after it, if it is known.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Ended {
    pub due: DueDelivery,
    pub next: Option<DueDelivery>,
    /// The receiver said something, whatever it was; or was not asked.
    pub answered: bool,
    /// The store took everything that was to be written.
    pub written: bool,
}

/// What an attempt came to.
struct Made {
    next: Option<DueDelivery>,
    answered: bool,
}

impl Made {
    const NOTHING: Made = Made { next: None, answered: true };
}

/// What every attempt works with.
pub struct Sending {
    pub store: Arc<dyn JobStore>,
    pub transport: Arc<dyn WebhookTransport>,
    pub node: NodeId,
    pub lease: Duration,
    pub retry: DeliveryPolicy,
    pub metrics: Metrics,
}

impl Sending {
    /// Makes one attempt. Whatever goes wrong here, the delivery stays pending in the store.
    pub async fn attempt(&self, due: DueDelivery) -> Ended {
        match self.try_attempt(&due).await {
            Ok(Made { next, answered }) => Ended { due, next, answered, written: true },
            Err(StoreError::LeaseLost) => Ended { due, next: None, answered: true, written: true },
            Err(error) => {
                warn!(target: "webhook", task_id = %due.job, %error, "webhook could not be written down");
                Ended { due, next: None, answered: true, written: false }
            }
        }
    }

    async fn try_attempt(&self, due: &DueDelivery) -> Result<Made, StoreError> {
        let cap = self.retry.max_interruptions;
        let attempt = match self.store.start_attempt(&due.job, due.version, &self.node, self.lease, cap).await? {
            AttemptStart::Started(attempt) => attempt,
            AttemptStart::Stale => return Ok(Made::NOTHING),
            AttemptStart::GivenUp => {
                warn!(target: "webhook", task_id = %due.job, "webhook given up: cut short too often");
                return Ok(Made::NOTHING);
            }
        };
        let Some(request) = self.request(due).await? else { return Ok(Made::NOTHING) };
        let began = Instant::now();
        let outcome = self.transport.post(request).await;
        faults::point("webhook.posted");
        let took = began.elapsed();
        let next = self.retry.next(attempt.number, &outcome, fastrand::f64());
        // Until the lease is over: what the receiver said is not to be asked for again.
        let (state, version) = persistently(|| self.store.finish_attempt(&attempt, &outcome, next)).await?;
        self.tell(&attempt, &outcome, next, took);
        let next = match (state, next) {
            (DeliveryState::Pending { .. }, NextStep::RetryIn(wait)) => {
                Some(DueDelivery { version, wait, ..due.clone() })
            }
            _ => None,
        };
        Ok(Made { next, answered: !matches!(outcome, AttemptOutcome::Failed { .. }) })
    }

    async fn request(&self, due: &DueDelivery) -> Result<Option<WebhookRequest>, StoreError> {
        let Some(job) = self.store.job(&due.job, None).await? else { return Ok(None) };
        let Some(target) = job.spec.webhook.clone() else { return Ok(None) };
        let kind = job.spec.task_type();
        let pages = if target.data_in_payload || kind == TaskType::LlmExtraction {
            let pages = self.store.pages(&due.job, 0, usize::MAX).await?;
            Some(pages.into_iter().map(|(_, page)| page).collect::<Vec<_>>())
        } else {
            None
        };
        let body = match kind {
            TaskType::Crawl => crawl_result::webhook_body(&job, pages.as_deref()),
            TaskType::LlmExtraction => {
                let stored = pages.as_ref().and_then(|pages| pages.first());
                extraction_result::webhook_body(&job, stored, target.data_in_payload)
            }
        };
        Ok(body.map(|body| WebhookRequest { id: job.id.webhook_id(), target, body }))
    }

    fn tell(&self, attempt: &Attempt, outcome: &AttemptOutcome, next: NextStep, took: Duration) {
        let (task_id, number, reason) = (&attempt.job, attempt.number, outcome.summary());
        let duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        match next {
            NextStep::Delivered => {
                info!(target: "webhook", %task_id, attempt = number, status = reason, duration_ms, "webhook delivered");
                self.metrics.attempted("delivered");
            }
            NextStep::RetryIn(delay) => {
                let delay_ms = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
                info!(target: "webhook", %task_id, attempt = number, reason, delay_ms, "webhook retry scheduled");
                self.metrics.attempted("retried");
            }
            NextStep::Refused | NextStep::Exhausted => {
                info!(target: "webhook", %task_id, attempts = number, reason, duration_ms, "webhook given up");
                self.metrics.attempted(if next == NextStep::Refused { "refused" } else { "exhausted" });
            }
        }
    }
}
