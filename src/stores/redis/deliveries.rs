//! Webhooks on their way: which are due, what came of each attempt, and sending again.

use std::time::Duration;

use opilio_actors::domain::delivery::{Attempt, AttemptOutcome, DeliveryState, DueDelivery, RetryDecision};
use opilio_actors::domain::id::{JobId, Principal};
use opilio_actors::domain::job::Job;
use opilio_actors::domain::webhook::Receiver;
use opilio_actors::ports::{AttemptStart, AttemptTerms, DueQuery, ReplayFilter, StoreError};

use super::row::{Fields, damaged, delivery_state, micros, moment};
use super::{RedisStore, Reply};

/// Jobs looked at in one go when many are to be sent again, so that others get their turn between.
const STRETCH: u32 = 500;

impl RedisStore {
    pub(super) async fn due_now(&self, query: DueQuery) -> Result<Vec<DueDelivery>, StoreError> {
        // What lies further ahead than any wait can be was written by a clock that has moved since.
        let any = query.horizon >= query.max_wait;
        let horizon = if any { String::new() } else { micros(query.horizon).to_string() };
        let found: Vec<Vec<String>> = self
            .ask(&self.scripts.due, |call| {
                call.arg(horizon).arg(query.limit).arg(query.limit_per_receiver);
                for receiver in &query.excluded_receivers {
                    call.arg(receiver.as_str());
                }
            })
            .await?;
        let mut due = Vec::with_capacity(found.len());
        for row in found {
            let [job, receiver, version, interruptions, wait] =
                <[String; 5]>::try_from(row).map_err(|_| damaged("a delivery"))?;
            let wait = Duration::from_micros(wait.parse().map_err(|_| damaged("a delivery's time"))?);
            due.push(DueDelivery {
                job: JobId::parse(&job).map_err(|_| damaged("a job's id"))?,
                receiver: Receiver::new(receiver),
                version: version.parse().map_err(|_| damaged("a delivery's version"))?,
                interruptions: interruptions.parse().map_err(|_| damaged("a delivery's interruptions"))?,
                wait: wait.min(query.max_wait),
            });
        }
        due.sort_by_key(|due| due.wait);
        due.truncate(query.limit);
        Ok(due)
    }

    pub(super) async fn begin_attempt(
        &self,
        job: &JobId,
        version: u64,
        terms: AttemptTerms,
    ) -> Result<AttemptStart, StoreError> {
        let kept = Self::keep(self.settings.retention.keep(Some(&DeliveryState::Exhausted)));
        let mut reply: Reply = self
            .ask(&self.scripts.start_attempt, |call| {
                call.arg(job.as_str()).arg(version).arg(micros(terms.lease_duration)).arg(terms.max_interruptions);
                call.arg(kept).arg(micros(terms.interruption_delay));
            })
            .await?;
        Ok(match reply.word.as_str() {
            "started" => {
                let (number, token) = (reply.take()?, reply.take()?);
                AttemptStart::Started(Attempt { job: job.clone(), number, token })
            }
            "given up" => AttemptStart::Exhausted,
            _ => AttemptStart::Stale,
        })
    }

    pub(super) async fn end_attempt(
        &self,
        attempt: &Attempt,
        outcome: &AttemptOutcome,
        next: RetryDecision,
    ) -> Result<(DeliveryState, u64), StoreError> {
        let (state, wait) = match next {
            RetryDecision::Delivered => ("delivered", Duration::ZERO),
            RetryDecision::Refused => ("refused", Duration::ZERO),
            RetryDecision::Exhausted => ("exhausted", Duration::ZERO),
            RetryDecision::RetryIn(wait) => ("pending", wait),
            RetryDecision::Aborted => ("pending", Duration::ZERO),
        };
        let moved = delivery_state(state, jiff::Timestamp::UNIX_EPOCH)?;
        let kept = Self::keep(self.settings.retention.keep(Some(&moved)));
        let (status, error, answer) = match outcome {
            AttemptOutcome::Answered { status, excerpt, .. } => (status.to_string(), "", excerpt.as_str()),
            AttemptOutcome::Failed { reason } | AttemptOutcome::Unsendable { reason } => {
                (String::new(), reason.as_str(), "")
            }
        };
        let mut reply: Reply = self
            .ask(&self.scripts.finish_attempt, |call| {
                call.arg(attempt.job.as_str()).arg(attempt.token).arg(state).arg(micros(wait)).arg(kept);
                call.arg(status).arg(error).arg(answer).arg(u8::from(next != RetryDecision::Aborted));
            })
            .await?;
        if reply.word != "ok" {
            return Err(StoreError::LeaseLost);
        }
        let (state, due): (String, String) = (reply.take()?, reply.take()?);
        Ok((delivery_state(&state, moment(&due)?)?, reply.take()?))
    }

    pub(super) async fn send_again(&self, job: &JobId, principal: Option<&Principal>) -> Result<Job, StoreError> {
        let mut reply: Reply = self
            .ask(&self.scripts.replay, |call| {
                call.arg(job.as_str()).arg(principal.map_or("", Principal::as_str));
            })
            .await?;
        match reply.word.as_str() {
            "ok" => Fields(reply.take()?).job(job.clone()),
            "no webhook" => Err(StoreError::Conflict("no webhook was configured for this job")),
            "not settled" => Err(StoreError::Conflict("the job is not settled yet")),
            _ => Err(StoreError::NotFound),
        }
    }

    /// Stretch by stretch, each a transaction.
    pub(super) async fn send_many_again(&self, filter: &ReplayFilter) -> Result<u64, StoreError> {
        let (mut from, mut chosen) = ("0".to_owned(), 0);
        loop {
            let (more, last): (u64, String) = self
                .ask(&self.scripts.replay_many, |call| {
                    call.arg(&from).arg(STRETCH).arg(filter.principal.as_ref().map_or("", Principal::as_str));
                    call.arg(filter.state.map_or("", |state| state.as_str()));
                    call.arg(filter.since.map(|since| since.as_microsecond().to_string()).unwrap_or_default());
                    call.arg(filter.receiver.as_ref().map_or("", |receiver| receiver.as_str()));
                })
                .await?;
            chosen += more;
            if last.is_empty() {
                return Ok(chosen);
            }
            from = last;
        }
    }
}
