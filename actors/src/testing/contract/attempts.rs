//! Delivery attempts: leases, retries, interruptions and due times.

use std::time::Duration;

use super::harness::{Harness, LEASE, TERMS, submit_and_claim};
use crate::domain::delivery::{Attempt, AttemptOutcome, DeliveryState, DueDelivery, RetryDecision};
use crate::domain::id::{JobId, Principal};
use crate::ports::{AttemptStart, DueQuery, NewJob, StoreError};
use crate::testing::jobs::{crawl, node, target};

/// Creates a settled job with a due delivery.
pub(super) async fn pending(h: &impl Harness, url: &str) -> JobId {
    pending_of(h, Principal::anonymous(), url).await
}

async fn pending_of(h: &impl Harness, principal: Principal, url: &str) -> JobId {
    let mut job = NewJob { principal, ..crawl(1) };
    job.spec.webhook = Some(target(url));
    let claim = submit_and_claim(h, job).await;
    h.store().cancel(&claim.job.id, None).await.unwrap();
    claim.job.id
}

pub(super) async fn due(h: &impl Harness, query: DueQuery) -> Vec<DueDelivery> {
    h.store().due(query).await.unwrap()
}

pub(super) fn now() -> DueQuery {
    DueQuery {
        horizon: Duration::ZERO,
        limit: 100,
        limit_per_receiver: 10,
        limit_per_principal: 100,
        excluded_principals: vec![],
        excluded_receivers: vec![],
        max_wait: Duration::from_secs(32),
    }
}

async fn start(h: &impl Harness, due: &DueDelivery) -> AttemptStart {
    h.store().start_attempt(&due.job, due.version, &node("n"), TERMS).await.unwrap()
}

/// Starts an attempt at the only due delivery.
pub(super) async fn started(h: &impl Harness) -> Attempt {
    let [only] = &due(h, now()).await[..] else { panic!("one delivery is due") };
    match start(h, only).await {
        AttemptStart::Started(attempt) => attempt,
        other => panic!("{other:?}"),
    }
}

/// Lets the attempt in progress be interrupted and its delay pass.
pub(super) async fn interrupt(h: &impl Harness) {
    h.advance(TERMS.interruption_delay).await;
    h.store().requeue().await.unwrap();
}

pub(super) async fn state(h: &impl Harness, job: &JobId) -> Option<DeliveryState> {
    let job = h.store().job(job, None).await.unwrap().unwrap();
    job.delivery.map(|delivery| delivery.state)
}

pub(super) fn accepted() -> AttemptOutcome {
    AttemptOutcome::Answered { status: 200, retry_after: None, excerpt: String::new() }
}

pub(super) fn reset() -> AttemptOutcome {
    AttemptOutcome::Failed { reason: "connection reset".to_owned() }
}

pub async fn concurrent_attempt_start_is_rejected(h: &impl Harness) {
    pending(h, "http://a.example").await;
    let [only] = &due(h, now()).await[..] else { panic!("one delivery is due") };
    assert!(matches!(start(h, only).await, AttemptStart::Started(Attempt { number: 1, .. })));
    assert_eq!(start(h, only).await, AttemptStart::Stale);
    assert!(due(h, now()).await.is_empty());
}

pub async fn failed_attempt_is_due_after_its_delay(h: &impl Harness) {
    let job = pending(h, "http://a.example").await;
    let attempt = started(h).await;
    let delay = Duration::from_secs(4);
    let moved = h.store().finish_attempt(&attempt, &reset(), RetryDecision::RetryIn(delay)).await;
    assert!(matches!(moved, Ok((DeliveryState::Pending { .. }, _))));
    assert!(due(h, now()).await.is_empty());
    let soon = due(h, DueQuery { horizon: delay, ..now() }).await;
    assert_eq!(soon.iter().map(|due| due.wait).collect::<Vec<_>>(), [delay]);
    h.advance(delay).await;
    assert_eq!(started(h).await.number, 2);
    let log = h.store().deliveries(&job, None).await.unwrap().unwrap();
    assert_eq!(log.attempts.len(), 2);
    assert_eq!(log.attempts[0].error.as_deref(), Some("connection reset"));
    assert!(log.attempts[0].next_due.is_some() && log.attempts[1].finished_at.is_none());
}

pub async fn interrupted_attempt_is_due_again_and_cannot_finish(h: &impl Harness) {
    pending(h, "http://a.example").await;
    let first = started(h).await;
    interrupt(h).await;
    assert_eq!(started(h).await.number, 1, "an interruption is not an attempt of the schedule");
    let late = h.store().finish_attempt(&first, &reset(), RetryDecision::Delivered).await;
    assert_eq!(late, Err(StoreError::LeaseLost));
}

pub async fn interrupted_attempt_is_counted_and_delayed(h: &impl Harness) {
    pending(h, "http://a.example").await;
    started(h).await;
    h.advance(LEASE).await;
    h.store().requeue().await.unwrap();
    assert!(due(h, now()).await.is_empty());
    let remaining = TERMS.interruption_delay - LEASE;
    let query = DueQuery { horizon: remaining, max_wait: TERMS.interruption_delay, ..now() };
    let delayed = due(h, query).await;
    assert_eq!(delayed.iter().map(|due| (due.wait, due.interruptions)).collect::<Vec<_>>(), [(remaining, 1)]);
    h.advance(remaining).await;
    let attempt = started(h).await;
    h.store().finish_attempt(&attempt, &reset(), RetryDecision::RetryIn(Duration::ZERO)).await.unwrap();
    let again = due(h, now()).await;
    assert_eq!(again.iter().map(|due| due.interruptions).collect::<Vec<_>>(), [0], "an outcome resets the count");
}

pub async fn too_many_interruptions_exhaust_the_delivery(h: &impl Harness) {
    let job = pending(h, "http://a.example").await;
    for _ in 0..=TERMS.max_interruptions {
        started(h).await;
        interrupt(h).await;
    }
    let [only] = &due(h, now()).await[..] else { panic!("one delivery is due") };
    assert_eq!(start(h, only).await, AttemptStart::Exhausted);
    assert_eq!(state(h, &job).await, Some(DeliveryState::Exhausted));
}

pub async fn aborted_attempt_does_not_count(h: &impl Harness) {
    let job = pending(h, "http://a.example").await;
    for _ in 0..=TERMS.max_interruptions + 1 {
        let attempt = started(h).await;
        assert_eq!(attempt.number, 1);
        let outcome = AttemptOutcome::Failed { reason: "aborted".to_owned() };
        let moved = h.store().finish_attempt(&attempt, &outcome, RetryDecision::Aborted).await;
        assert!(matches!(moved, Ok((DeliveryState::Pending { .. }, _))), "{moved:?}");
    }
    let log = h.store().deliveries(&job, None).await.unwrap().unwrap();
    assert_eq!(log.attempts[0].error.as_deref(), Some("aborted"));
    assert!(log.attempts[0].finished_at.is_some());
}

pub async fn busy_receiver_does_not_hide_others(h: &impl Harness) {
    for _ in 0..5 {
        pending(h, "http://busy.example").await;
    }
    let quiet = pending(h, "http://quiet.example").await;
    let query = DueQuery { limit_per_receiver: 2, ..now() };
    let found = due(h, query.clone()).await;
    assert_eq!(found.len(), 3);
    let busy = found.iter().find(|due| due.job != quiet).unwrap();
    let excluded_receivers = vec![(busy.principal.clone(), busy.receiver.clone())];
    let others = due(h, DueQuery { excluded_receivers, ..query }).await;
    assert_eq!(others.iter().map(|due| &due.job).collect::<Vec<_>>(), [&quiet]);
}

pub async fn backlog_of_one_principal_does_not_hide_others(h: &impl Harness) {
    let one = Principal::new("one");
    for n in 0..20 {
        pending_of(h, Principal::new("many"), &format!("http://{n}.example")).await;
    }
    let other = pending_of(h, one.clone(), "http://0.example").await;
    let query = DueQuery { limit: 10, limit_per_principal: 5, ..now() };
    let found = due(h, query.clone()).await;
    assert_eq!(found.len(), 6);
    assert_eq!(found.iter().filter(|due| due.principal == one).map(|due| &due.job).collect::<Vec<_>>(), [&other]);
    // A receiver is excluded for one principal only.
    let receiver = found.iter().find(|due| due.principal == one).unwrap().receiver.clone();
    let excluded = DueQuery { excluded_receivers: vec![(Principal::new("many"), receiver)], ..query.clone() };
    assert!(due(h, excluded).await.iter().any(|due| due.job == other));
    let others = due(h, DueQuery { excluded_principals: vec![Principal::new("many")], ..query }).await;
    assert_eq!(others.iter().map(|due| &due.job).collect::<Vec<_>>(), [&other]);
}

pub async fn due_time_beyond_the_maximum_is_capped(h: &impl Harness) {
    pending(h, "http://a.example").await;
    let attempt = started(h).await;
    let far = RetryDecision::RetryIn(Duration::from_secs(3600));
    h.store().finish_attempt(&attempt, &reset(), far).await.unwrap();
    let found = due(h, DueQuery { horizon: Duration::from_secs(60), ..now() }).await;
    assert_eq!(found.iter().map(|due| due.wait).collect::<Vec<_>>(), [now().max_wait]);
}
