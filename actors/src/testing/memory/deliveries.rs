//! Delivery attempts and replays.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;

use super::{Row, State, later};
use crate::domain::delivery::{Attempt, AttemptOutcome, DeliveryState, DueDelivery, LoggedAttempt, RetryDecision};
use crate::domain::id::{JobId, Principal};
use crate::domain::job::Job;
use crate::domain::retention::{Keep, Retention};
use crate::ports::{AttemptStart, AttemptTerms, DueQuery, ReplayFilter, StoreError};

impl State {
    pub fn due(&self, now: Timestamp, query: &DueQuery) -> Vec<DueDelivery> {
        let mut found: Vec<_> = self.rows.values().filter_map(|row| row.due(now, query)).collect();
        found.sort_by_key(|due| due.wait);
        let (mut of_principal, mut of_receiver) = (HashMap::new(), HashMap::new());
        found.retain(|DueDelivery { principal, receiver, .. }| {
            let receiver = (principal.clone(), receiver.clone());
            if query.excluded_principals.contains(principal) || query.excluded_receivers.contains(&receiver) {
                return false;
            }
            let of_receiver: &mut usize = of_receiver.entry(receiver).or_default();
            *of_receiver += 1;
            if *of_receiver > query.limit_per_receiver {
                return false;
            }
            let of_principal: &mut usize = of_principal.entry(principal.clone()).or_default();
            *of_principal += 1;
            *of_principal <= query.limit_per_principal
        });
        found.truncate(query.limit);
        found
    }

    pub fn start_attempt(&mut self, now: Timestamp, id: &JobId, version: u64, terms: AttemptTerms) -> AttemptStart {
        self.rows.values_mut().for_each(|row| row.end_interrupted_attempt(now));
        let retention = self.retention;
        let Some(row) = self.find(id) else { return AttemptStart::Stale };
        let current = row.job.delivery.as_ref().is_some_and(|delivery| delivery.version == version);
        if !row.is_pending() || row.attempt_until.is_some() || !current {
            return AttemptStart::Stale;
        }
        if row.interruptions > terms.max_interruptions {
            row.set_delivery(now, DeliveryState::Exhausted, retention, |attempts| attempts);
            return AttemptStart::Exhausted;
        }
        row.attempt_until = Some(later(now, terms.lease_duration));
        row.interruptions += 1;
        row.attempts.push(LoggedAttempt {
            number: u32::try_from(row.attempts.len() + 1).unwrap_or(u32::MAX),
            started_at: now,
            finished_at: None,
            status: None,
            error: None,
            next_due: None,
            answer: None,
        });
        let Some(delivery) = &mut row.job.delivery else { return AttemptStart::Stale };
        delivery.version += 1;
        delivery.state = DeliveryState::Pending { due: later(now, terms.interruption_delay) };
        AttemptStart::Started(Attempt { job: id.clone(), number: delivery.attempts + 1, token: delivery.version })
    }

    pub fn finish_attempt(
        &mut self,
        now: Timestamp,
        attempt: &Attempt,
        outcome: &AttemptOutcome,
        decision: RetryDecision,
    ) -> Result<(DeliveryState, u64), StoreError> {
        let retention = self.retention;
        let row = self.find(&attempt.job).ok_or(StoreError::LeaseLost)?;
        let version = row.job.delivery.as_ref().map(|delivery| delivery.version);
        if version != Some(attempt.token) || row.attempt_until.is_none() {
            return Err(StoreError::LeaseLost);
        }
        let state = match decision {
            _ if row.replay_requested => DeliveryState::Pending { due: now },
            RetryDecision::Delivered => DeliveryState::Delivered,
            RetryDecision::Refused => DeliveryState::Refused,
            RetryDecision::Exhausted => DeliveryState::Exhausted,
            RetryDecision::RetryIn(wait) => DeliveryState::Pending { due: later(now, wait) },
            RetryDecision::Aborted => DeliveryState::Pending { due: now },
        };
        row.log(now, outcome, &state);
        let replay_requested = row.replay_requested;
        let attempts = |count| match decision {
            _ if replay_requested => 0,
            RetryDecision::Aborted => count,
            _ => count + 1,
        };
        let version = row.set_delivery(now, state.clone(), retention, attempts);
        Ok((state, version))
    }

    pub fn replay(&mut self, now: Timestamp, id: &JobId, principal: Option<&Principal>) -> Result<Job, StoreError> {
        let retention = self.retention;
        let row = self.visible(id, principal)?;
        if row.job.spec.webhook.is_none() {
            return Err(StoreError::Conflict("no webhook was configured for this job"));
        }
        if row.job.delivery.is_none() {
            return Err(StoreError::Conflict("the job is not settled yet"));
        }
        row.replay(now, retention);
        Ok(row.job.clone())
    }

    pub fn replay_all(&mut self, now: Timestamp, filter: &ReplayFilter) -> u64 {
        let retention = self.retention;
        let mut count = 0;
        for row in self.rows.values_mut() {
            let (job, target) = (&row.job, &row.job.spec.webhook);
            let Some(delivery) = &job.delivery else { continue };
            let matches = filter.principal.as_ref().is_none_or(|principal| *principal == job.principal)
                && filter.state.is_none_or(|state| state == delivery.state.status())
                && filter.since.is_none_or(|since| job.finished_at.is_some_and(|at| at >= since))
                && filter
                    .origin
                    .as_ref()
                    .is_none_or(|one| target.as_ref().is_some_and(|t| t.receiver().origin() == one));
            if matches {
                row.replay(now, retention);
                count += 1;
            }
        }
        count
    }
}

impl Row {
    fn due(&self, now: Timestamp, query: &DueQuery) -> Option<DueDelivery> {
        let (delivery, target) = (self.job.delivery.as_ref()?, self.job.spec.webhook.as_ref()?);
        let DeliveryState::Pending { due } = delivery.state else { return None };
        let wait = Duration::try_from(due.duration_since(now)).unwrap_or_default().min(query.max_wait);
        // A due time beyond `max_wait` was written by a clock that has been set back; it counts as `max_wait` ahead.
        let within = due <= later(now, query.horizon) || query.horizon >= query.max_wait;
        let found = DueDelivery {
            job: self.job.id.clone(),
            principal: self.job.principal.clone(),
            receiver: target.receiver(),
            version: delivery.version,
            interruptions: self.interruptions,
            wait,
        };
        (within && self.attempt_until.is_none()).then_some(found)
    }

    /// Ends an attempt whose lease has expired.
    pub fn end_interrupted_attempt(&mut self, now: Timestamp) {
        if self.attempt_until.is_none_or(|until| until > now) {
            return;
        }
        self.attempt_until = None;
        let replay_requested = std::mem::take(&mut self.replay_requested);
        if let Some(delivery) = &mut self.job.delivery {
            delivery.version += 1;
            delivery.attempts = if replay_requested { 0 } else { delivery.attempts };
        }
    }

    fn log(&mut self, now: Timestamp, outcome: &AttemptOutcome, state: &DeliveryState) {
        let Some(entry) = self.attempts.last_mut() else { return };
        entry.finished_at = Some(now);
        match outcome {
            AttemptOutcome::Answered { status, excerpt, .. } => {
                (entry.status, entry.answer) = (Some(*status), Some(excerpt.clone()));
            }
            AttemptOutcome::Failed { reason } | AttemptOutcome::Unsendable { reason } => {
                entry.error = Some(reason.clone());
            }
        }
        if let DeliveryState::Pending { due } = state {
            entry.next_due = Some(*due);
        }
    }

    fn replay(&mut self, now: Timestamp, retention: Retention) {
        if self.attempt_until.is_some() {
            self.replay_requested = true;
        } else {
            self.set_delivery(now, DeliveryState::Pending { due: now }, retention, |_| 0);
        }
    }

    fn set_delivery(
        &mut self,
        now: Timestamp,
        state: DeliveryState,
        retention: Retention,
        attempts: impl FnOnce(u32) -> u32,
    ) -> u64 {
        (self.attempt_until, self.interruptions, self.replay_requested) = (None, 0, false);
        self.job.expires_at = match retention.keep(Some(&state)) {
            Keep::Unbounded => None,
            Keep::For(time) => Some(later(now, time)),
        };
        let Some(delivery) = &mut self.job.delivery else { return 0 };
        delivery.attempts = attempts(delivery.attempts);
        delivery.state = state;
        delivery.version += 1;
        delivery.version
    }
}
