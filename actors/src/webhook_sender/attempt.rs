//! One attempt at one delivery, from the note that it began to the note of what came of it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::Message;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::body::body;
use crate::domain::delivery::{Attempt, AttemptOutcome, DeliveryState, DueDelivery, RetryDecision};
use crate::domain::id::NodeId;
use crate::domain::retry::DeliveryPolicy;
use crate::faults;
use crate::metrics::Metrics;
use crate::ports::{AttemptStart, AttemptTerms, DeliveryStore, JobStore, StoreError, WebhookRequest, WebhookTransport};
use crate::retry_store::retry_transient;

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
    pub jobs: Arc<dyn JobStore>,
    pub deliveries: Arc<dyn DeliveryStore>,
    pub transport: Arc<dyn WebhookTransport>,
    pub node: NodeId,
    pub lease: Duration,
    pub retry: DeliveryPolicy,
    pub metrics: Metrics,
    /// Cancelled at the end of a drain: what is under way then is broken off.
    pub end: CancellationToken,
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
        let asked = Instant::now();
        let terms = AttemptTerms {
            lease_duration: self.lease,
            interruption_delay: self.retry.delay_after_interruption(due.interruptions.saturating_add(1)),
            max_interruptions: self.retry.max_interruptions,
        };
        let attempt = match self.deliveries.start_attempt(&due.job, due.version, &self.node, terms).await? {
            AttemptStart::Started(attempt) => attempt,
            AttemptStart::Stale => return Ok(Made::NOTHING),
            AttemptStart::Exhausted => {
                let (task_id, attempts) = (&due.job, due.interruptions);
                info!(target: "webhook", %task_id, attempts, reason = "each was cut short", "webhook given up");
                self.metrics.attempted("exhausted");
                return Ok(Made::NOTHING);
            }
        };
        let Some(request) = self.request(due).await? else { return Ok(Made::NOTHING) };
        // Frozen meanwhile, or kept waiting by the store or the receiver: when the lease is over it is anybody's to send.
        let lease = self.lease.saturating_sub(asked.elapsed());
        if lease.is_zero() {
            return Ok(Made::NOTHING);
        }
        let receiver = request.target.url.clone();
        let began = Instant::now();
        let outcome = tokio::select! {
            // What our own store breaks off is as an attempt that died with its process: made again when its lease is
            // over and it has rested, until it was cut short too often.
            outcome = self.transport.post(request) => outcome?,
            () = tokio::time::sleep(lease) => return Ok(Made::NOTHING),
            () = self.end.cancelled() => return self.break_off(&attempt).await,
        };
        faults::point("webhook.posted");
        faults::trigger(receiver.as_str());
        let took = began.elapsed();
        let next = self.retry.decide(attempt.number, &outcome, fastrand::f64());
        // Until the lease is over: what the receiver said is not to be asked for again.
        let (state, version) = retry_transient(|| self.deliveries.finish_attempt(&attempt, &outcome, next)).await?;
        self.tell(&attempt, &outcome, next, took);
        let wait = match next {
            RetryDecision::RetryIn(wait) => wait,
            // A replay was asked for meanwhile.
            _ => Duration::ZERO,
        };
        let pending = matches!(state, DeliveryState::Pending { .. });
        let next = pending.then(|| DueDelivery { version, wait, interruptions: 0, ..due.clone() });
        Ok(Made { next, answered: !matches!(outcome, AttemptOutcome::Failed { .. }) })
    }

    /// The next process makes it again, at once and at no cost.
    async fn break_off(&self, attempt: &Attempt) -> Result<Made, StoreError> {
        let outcome = AttemptOutcome::Failed { reason: "broken off: the server is shutting down".to_owned() };
        self.deliveries.finish_attempt(attempt, &outcome, RetryDecision::BrokenOff).await?;
        self.tell(attempt, &outcome, RetryDecision::BrokenOff, Duration::ZERO);
        Ok(Made::NOTHING)
    }

    async fn request(&self, due: &DueDelivery) -> Result<Option<WebhookRequest>, StoreError> {
        let Some(job) = self.jobs.job(&due.job, None).await? else { return Ok(None) };
        let Some(target) = job.spec.webhook.clone() else { return Ok(None) };
        let body = body(&job, target.data_in_payload, &self.jobs).await?;
        Ok(body.map(|body| WebhookRequest { id: job.id.webhook_id(), target, body }))
    }

    fn tell(&self, attempt: &Attempt, outcome: &AttemptOutcome, next: RetryDecision, took: Duration) {
        let (task_id, number, reason) = (&attempt.job, attempt.number, outcome.summary());
        let duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        match next {
            RetryDecision::Delivered => {
                info!(target: "webhook", %task_id, attempt = number, status = reason, duration_ms, "webhook delivered");
                self.metrics.attempted("delivered");
            }
            RetryDecision::RetryIn(delay) => {
                let delay_ms = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
                info!(target: "webhook", %task_id, attempt = number, reason, delay_ms, "webhook retry scheduled");
                self.metrics.attempted("retried");
            }
            RetryDecision::BrokenOff => {
                info!(target: "webhook", %task_id, attempt = number, reason, "webhook put off");
                self.metrics.attempted("broken_off");
            }
            RetryDecision::Refused | RetryDecision::Exhausted => {
                info!(target: "webhook", %task_id, attempts = number, reason, duration_ms, "webhook given up");
                self.metrics.attempted(if next == RetryDecision::Refused { "refused" } else { "exhausted" });
            }
        }
    }
}
