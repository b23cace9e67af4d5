//! Delivery attempts: start and outcome.

use std::time::Duration;

use jiff::Timestamp;
use opilio_actors::domain::delivery::{Attempt, AttemptOutcome, DeliveryState, RetryDecision};
use opilio_actors::domain::id::JobId;
use opilio_actors::ports::{AttemptStart, AttemptTerms, StoreError};

use super::RedisStore;
use super::reply::Reply;
use super::row::{micros, moment};
use super::store::retention;
use crate::stores::convert::delivery_state;

pub async fn start(
    store: &RedisStore,
    job: &JobId,
    version: u64,
    terms: AttemptTerms,
) -> Result<AttemptStart, StoreError> {
    let if_exhausted = retention(store.settings.retention.keep(Some(&DeliveryState::Exhausted)));
    let mut reply: Reply = store
        .run(&store.scripts.start_attempt, |call| {
            call.arg(job.as_str()).arg(version).arg(micros(terms.lease_duration)).arg(terms.max_interruptions);
            call.arg(if_exhausted).arg(micros(terms.interruption_delay));
        })
        .await?;
    Ok(match reply.result.as_str() {
        "started" => {
            let (number, token) = (reply.next()?, reply.next()?);
            AttemptStart::Started(Attempt { job: job.clone(), number, token })
        }
        "exhausted" => AttemptStart::Exhausted,
        _ => AttemptStart::Stale,
    })
}

pub async fn finish(
    store: &RedisStore,
    attempt: &Attempt,
    outcome: &AttemptOutcome,
    decision: RetryDecision,
) -> Result<(DeliveryState, u64), StoreError> {
    let (state, delay) = match decision {
        RetryDecision::Delivered => ("delivered", Duration::ZERO),
        RetryDecision::Refused => ("refused", Duration::ZERO),
        RetryDecision::Exhausted => ("exhausted", Duration::ZERO),
        RetryDecision::RetryIn(wait) => ("pending", wait),
        RetryDecision::Aborted => ("pending", Duration::ZERO),
    };
    let keep = store.settings.retention.keep(Some(&delivery_state(state, Timestamp::UNIX_EPOCH)?));
    let (status, error, response) = match outcome {
        AttemptOutcome::Answered { status, excerpt, .. } => (status.to_string(), "", excerpt.as_str()),
        AttemptOutcome::Failed { reason } | AttemptOutcome::Unsendable { reason } => {
            (String::new(), reason.as_str(), "")
        }
    };
    let mut reply: Reply = store
        .run(&store.scripts.finish_attempt, |call| {
            call.arg(attempt.job.as_str()).arg(attempt.token).arg(state).arg(micros(delay)).arg(retention(keep));
            call.arg(status).arg(error).arg(response).arg(u8::from(decision != RetryDecision::Aborted));
        })
        .await?;
    reply.require_lease()?;
    let (state, due): (String, String) = (reply.next()?, reply.next()?);
    Ok((delivery_state(&state, moment(&due)?)?, reply.next()?))
}
