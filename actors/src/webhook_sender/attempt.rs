//! One delivery attempt: its start and its outcome are recorded in the store.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::body::body;
use super::messages::AttemptEnded;
use crate::domain::delivery::{Attempt, AttemptOutcome, DeliveryState, DueDelivery, RetryDecision};
use crate::domain::id::NodeId;
use crate::domain::retry::DeliveryPolicy;
use crate::faults;
use crate::metrics::Metrics;
use crate::ports::{AttemptStart, AttemptTerms, DeliveryStore, JobStore, StoreError, WebhookRequest, WebhookTransport};
use crate::retry_store::retry_transient;

/// Whether the receiver responded; `None`: no request was sent.
fn responded(outcome: &AttemptOutcome) -> Option<bool> {
    match outcome {
        AttemptOutcome::Answered { .. } => Some(true),
        AttemptOutcome::Failed { .. } => Some(false),
        AttemptOutcome::Unsendable { .. } => None,
    }
}

/// Makes delivery attempts.
pub struct AttemptRunner {
    pub jobs: Arc<dyn JobStore>,
    pub deliveries: Arc<dyn DeliveryStore>,
    pub transport: Arc<dyn WebhookTransport>,
    pub node: NodeId,
    pub lease: Duration,
    pub retry: DeliveryPolicy,
    pub metrics: Metrics,
    /// Cancelled at the end of a drain; aborts the attempts in flight.
    pub shutdown: CancellationToken,
}

struct AttemptResult {
    next: Option<DueDelivery>,
    /// `None`: no request was sent.
    responded: Option<bool>,
}

impl AttemptResult {
    /// There is nothing to do, or the attempt is repeated after its lease.
    const NONE: Self = Self { next: None, responded: None };
    /// The lease expired before the receiver responded.
    const EXPIRED: Self = Self { next: None, responded: Some(false) };
}

impl AttemptRunner {
    /// Makes one attempt. On an error, the delivery remains pending in the store.
    pub async fn attempt(&self, due: DueDelivery) -> AttemptEnded {
        match self.try_attempt(&due).await {
            Ok(AttemptResult { next, responded }) => AttemptEnded { due, next, responded, recorded: true },
            Err(StoreError::LeaseLost) => AttemptEnded { due, next: None, responded: None, recorded: true },
            Err(error) => {
                warn!(target: "webhook", task_id = %due.job, %error, "webhook attempt not recorded");
                AttemptEnded { due, next: None, responded: None, recorded: false }
            }
        }
    }

    async fn try_attempt(&self, due: &DueDelivery) -> Result<AttemptResult, StoreError> {
        let leased = Instant::now();
        let Some(attempt) = self.start(due).await? else { return Ok(AttemptResult::NONE) };
        let Some(request) = self.request(due).await? else { return Ok(AttemptResult::NONE) };
        // Other nodes may make the attempt when its lease has expired, e.g. because this process was suspended.
        let lease_left = self.lease.saturating_sub(leased.elapsed());
        if lease_left.is_zero() {
            return Ok(AttemptResult::NONE);
        }
        let receiver = request.target.url.clone();
        let started = Instant::now();
        let outcome = tokio::select! {
            // If the store fails while the body is read, the attempt counts as interrupted: it is repeated after its lease
            // and a delay, up to the limit of interruptions.
            outcome = self.transport.post(request) => outcome?,
            () = tokio::time::sleep(lease_left) => return Ok(AttemptResult::EXPIRED),
            () = self.shutdown.cancelled() => return self.abort(&attempt).await,
        };
        faults::point("webhook.posted");
        faults::trigger(receiver.as_str());
        self.finish(due, &attempt, &outcome, started.elapsed()).await
    }

    async fn start(&self, due: &DueDelivery) -> Result<Option<Attempt>, StoreError> {
        let terms = AttemptTerms {
            lease_duration: self.lease,
            interruption_delay: self.retry.delay_after_interruption(due.interruptions.saturating_add(1)),
            max_interruptions: self.retry.max_interruptions,
        };
        Ok(match self.deliveries.start_attempt(&due.job, due.version, &self.node, terms).await? {
            AttemptStart::Started(attempt) => Some(attempt),
            AttemptStart::Stale => None,
            AttemptStart::Exhausted => {
                let (task_id, attempts) = (&due.job, due.interruptions);
                info!(target: "webhook", %task_id, attempts, reason = "every attempt was interrupted", "webhook given up");
                self.metrics.delivery_attempted("exhausted");
                None
            }
        })
    }

    async fn request(&self, due: &DueDelivery) -> Result<Option<WebhookRequest>, StoreError> {
        let Some(job) = self.jobs.job(&due.job, None).await? else { return Ok(None) };
        let Some(target) = job.spec.webhook.clone() else { return Ok(None) };
        let body = body(&job, target.data_in_payload, &self.jobs).await?;
        Ok(body.map(|body| WebhookRequest { id: job.id.webhook_id(), target, body }))
    }

    async fn finish(
        &self,
        due: &DueDelivery,
        attempt: &Attempt,
        outcome: &AttemptOutcome,
        took: Duration,
    ) -> Result<AttemptResult, StoreError> {
        let decision = self.retry.decide(attempt.number, outcome, fastrand::f64());
        // Retried until the lease expires, so that a delivered webhook is not sent again.
        let (state, version) = retry_transient(|| self.deliveries.finish_attempt(attempt, outcome, decision)).await?;
        self.log(attempt, outcome, decision, took);
        let wait = match decision {
            RetryDecision::RetryIn(delay) => delay,
            // The delivery was replayed during the attempt.
            _ => Duration::ZERO,
        };
        let pending = matches!(state, DeliveryState::Pending { .. });
        let next = pending.then(|| DueDelivery { version, wait, interruptions: 0, ..due.clone() });
        Ok(AttemptResult { next, responded: responded(outcome) })
    }

    /// Aborts the attempt. It does not count, and the next process repeats it.
    async fn abort(&self, attempt: &Attempt) -> Result<AttemptResult, StoreError> {
        let outcome = AttemptOutcome::Failed { reason: "aborted: the server is shutting down".to_owned() };
        self.deliveries.finish_attempt(attempt, &outcome, RetryDecision::Aborted).await?;
        self.log(attempt, &outcome, RetryDecision::Aborted, Duration::ZERO);
        Ok(AttemptResult::NONE)
    }

    fn log(&self, attempt: &Attempt, outcome: &AttemptOutcome, decision: RetryDecision, took: Duration) {
        let (task_id, number, reason) = (&attempt.job, attempt.number, outcome.summary());
        let duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        match decision {
            RetryDecision::Delivered => {
                info!(target: "webhook", %task_id, attempt = number, status = reason, duration_ms, "webhook delivered");
                self.metrics.delivery_attempted("delivered");
            }
            RetryDecision::RetryIn(delay) => {
                let delay_ms = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
                info!(target: "webhook", %task_id, attempt = number, reason, delay_ms, "webhook retry scheduled");
                self.metrics.delivery_attempted("retried");
            }
            RetryDecision::Aborted => {
                info!(target: "webhook", %task_id, attempt = number, reason, "webhook attempt aborted");
                self.metrics.delivery_attempted("aborted");
            }
            RetryDecision::Refused | RetryDecision::Exhausted => {
                info!(target: "webhook", %task_id, attempts = number, reason, duration_ms, "webhook given up");
                let outcome = if decision == RetryDecision::Refused { "refused" } else { "exhausted" };
                self.metrics.delivery_attempted(outcome);
            }
        }
    }
}
