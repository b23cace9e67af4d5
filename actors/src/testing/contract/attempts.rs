//! Webhooks: who may send, when again, and what is written down.

use std::time::Duration;

use super::{Harness, LEASE, TERMS, claimed};
use crate::domain::delivery::{Attempt, AttemptOutcome, DeliveryState, DueDelivery, RetryDecision};
use crate::domain::id::JobId;
use crate::ports::{AttemptStart, DueQuery, ReplayFilter, StoreError};
use crate::testing::jobs::{crawl, node, target};

/// A settled job whose webhook is due.
async fn pending(h: &impl Harness, url: &str) -> JobId {
    let mut job = crawl(1);
    job.spec.webhook = Some(target(url));
    let claim = claimed(h, job).await;
    h.store().cancel(&claim.job.id, None).await.expect("it is not settled");
    claim.job.id
}

async fn due(h: &impl Harness, query: DueQuery) -> Vec<DueDelivery> {
    h.store().due(query).await.expect("the store is there")
}

fn now() -> DueQuery {
    let max_wait = Duration::from_secs(32);
    DueQuery { horizon: Duration::ZERO, limit: 100, limit_per_receiver: 10, excluded_receivers: vec![], max_wait }
}

async fn start(h: &impl Harness, due: &DueDelivery) -> AttemptStart {
    h.store().start_attempt(&due.job, due.version, &node("n"), TERMS).await.expect("the store is there")
}

async fn started(h: &impl Harness) -> Attempt {
    let [only] = &due(h, now()).await[..] else { panic!("one delivery is due") };
    match start(h, only).await {
        AttemptStart::Started(attempt) => attempt,
        other => panic!("it may start: {other:?}"),
    }
}

/// The attempt under way never ends, and its delivery rests.
async fn cut_short(h: &impl Harness) {
    h.let_time_pass(TERMS.interruption_delay).await;
    h.store().requeue().await.expect("the store is there");
}

async fn state(h: &impl Harness, job: &JobId) -> Option<DeliveryState> {
    let job = h.store().job(job, None).await.expect("the store is there").expect("it is kept");
    job.delivery.map(|delivery| delivery.state)
}

fn accepted() -> AttemptOutcome {
    AttemptOutcome::Answered { status: 200, retry_after: None, excerpt: String::new() }
}

fn reset() -> AttemptOutcome {
    AttemptOutcome::Failed { reason: "connection reset".to_owned() }
}

pub async fn an_attempt_is_made_by_one_sender_only(h: &impl Harness) {
    pending(h, "http://a.example").await;
    let [only] = &due(h, now()).await[..] else { panic!("one delivery is due") };
    assert!(matches!(start(h, only).await, AttemptStart::Started(Attempt { number: 1, .. })));
    assert_eq!(start(h, only).await, AttemptStart::Stale);
    assert!(due(h, now()).await.is_empty());
}

pub async fn a_failed_attempt_comes_due_after_its_wait(h: &impl Harness) {
    let job = pending(h, "http://a.example").await;
    let attempt = started(h).await;
    let wait = Duration::from_secs(4);
    let moved = h.store().finish_attempt(&attempt, &reset(), RetryDecision::RetryIn(wait)).await;
    assert!(matches!(moved, Ok((DeliveryState::Pending { .. }, _))));
    assert!(due(h, now()).await.is_empty());
    let soon = due(h, DueQuery { horizon: wait, ..now() }).await;
    assert_eq!(soon.iter().map(|due| due.wait).collect::<Vec<_>>(), [wait]);
    h.let_time_pass(wait).await;
    assert_eq!(started(h).await.number, 2);
    let log = h.store().deliveries(&job, None).await.expect("the store is there").expect("it is kept");
    assert_eq!(log.attempts.len(), 2);
    assert_eq!(log.attempts[0].error.as_deref(), Some("connection reset"));
    assert!(log.attempts[0].next_due.is_some() && log.attempts[1].finished_at.is_none());
}

pub async fn an_interrupted_attempt_comes_due_again_and_its_late_outcome_is_refused(h: &impl Harness) {
    pending(h, "http://a.example").await;
    let first = started(h).await;
    cut_short(h).await;
    assert_eq!(started(h).await.number, 1, "an interruption is no attempt of the schedule");
    let late = h.store().finish_attempt(&first, &reset(), RetryDecision::Delivered).await;
    assert_eq!(late, Err(StoreError::LeaseLost));
}

pub async fn a_delivery_cut_short_too_often_is_given_up(h: &impl Harness) {
    let job = pending(h, "http://a.example").await;
    for _ in 0..=TERMS.max_interruptions {
        started(h).await;
        cut_short(h).await;
    }
    let [only] = &due(h, now()).await[..] else { panic!("one delivery is due") };
    assert_eq!(start(h, only).await, AttemptStart::Exhausted);
    assert_eq!(state(h, &job).await, Some(DeliveryState::Exhausted));
}

pub async fn an_attempt_cut_short_rests_before_it_is_made_again_and_is_counted(h: &impl Harness) {
    pending(h, "http://a.example").await;
    started(h).await;
    h.let_time_pass(LEASE).await;
    h.store().requeue().await.expect("the store is there");
    assert!(due(h, now()).await.is_empty(), "it rests");
    let left = TERMS.interruption_delay - LEASE;
    let query = DueQuery { horizon: left, max_wait: TERMS.interruption_delay, ..now() };
    let rests = due(h, query).await;
    assert_eq!(rests.iter().map(|due| (due.wait, due.interruptions)).collect::<Vec<_>>(), [(left, 1)]);
    h.let_time_pass(left).await;
    let attempt = started(h).await;
    h.store()
        .finish_attempt(&attempt, &reset(), RetryDecision::RetryIn(Duration::ZERO))
        .await
        .expect("the lease is good");
    let again = due(h, now()).await;
    assert_eq!(again.iter().map(|due| due.interruptions).collect::<Vec<_>>(), [0], "an attempt came to its end");
}

pub async fn an_attempt_broken_off_on_purpose_counts_for_nothing(h: &impl Harness) {
    let job = pending(h, "http://a.example").await;
    for _ in 0..=TERMS.max_interruptions + 1 {
        let attempt = started(h).await;
        assert_eq!(attempt.number, 1);
        let outcome = AttemptOutcome::Failed { reason: "broken off".to_owned() };
        let moved = h.store().finish_attempt(&attempt, &outcome, RetryDecision::BrokenOff).await;
        assert!(matches!(moved, Ok((DeliveryState::Pending { .. }, _))), "{moved:?}");
    }
    let log = h.store().deliveries(&job, None).await.expect("the store is there").expect("it is kept");
    assert_eq!(log.attempts[0].error.as_deref(), Some("broken off"));
    assert!(log.attempts[0].finished_at.is_some());
}

pub async fn a_replay_starts_a_fresh_schedule(h: &impl Harness) {
    let job = pending(h, "http://a.example").await;
    let attempt = started(h).await;
    h.store().finish_attempt(&attempt, &reset(), RetryDecision::Exhausted).await.expect("the lease is good");
    h.store().replay(&job, None).await.expect("it has a webhook and is settled");
    assert_eq!(started(h).await.number, 1);
}

pub async fn a_busy_receiver_hides_nobody_else(h: &impl Harness) {
    for _ in 0..5 {
        pending(h, "http://busy.example").await;
    }
    let quiet = pending(h, "http://quiet.example").await;
    let query = DueQuery { limit_per_receiver: 2, ..now() };
    let found = due(h, query.clone()).await;
    assert_eq!(found.len(), 3);
    let busy = found.iter().find(|due| due.job != quiet).expect("the busy one is there").receiver.clone();
    let rest = due(h, DueQuery { excluded_receivers: vec![busy], ..query }).await;
    assert_eq!(rest.iter().map(|due| &due.job).collect::<Vec<_>>(), [&quiet]);
}

pub async fn a_due_time_beyond_any_wait_is_brought_in(h: &impl Harness) {
    pending(h, "http://a.example").await;
    let attempt = started(h).await;
    let odd = RetryDecision::RetryIn(Duration::from_secs(3600));
    h.store().finish_attempt(&attempt, &reset(), odd).await.expect("the lease is good");
    let found = due(h, DueQuery { horizon: Duration::from_secs(60), ..now() }).await;
    assert_eq!(found.iter().map(|due| due.wait).collect::<Vec<_>>(), [now().max_wait]);
}

pub async fn a_replay_asked_for_during_an_attempt_follows_it_whatever_comes_of_it(h: &impl Harness) {
    let job = pending(h, "http://a.example").await;
    let ends = [
        (reset(), RetryDecision::Exhausted),
        (accepted(), RetryDecision::Delivered),
        (reset(), RetryDecision::Refused),
    ];
    for (outcome, next) in ends {
        let attempt = started(h).await;
        assert_eq!(attempt.number, 1, "the schedule is a fresh one");
        h.store().replay(&job, None).await.expect("it has a webhook and is settled");
        assert!(due(h, now()).await.is_empty(), "it is being sent");
        let moved = h.store().finish_attempt(&attempt, &outcome, next).await;
        assert!(matches!(moved, Ok((DeliveryState::Pending { .. }, _))), "{next:?}: {moved:?}");
    }
    let attempt = started(h).await;
    h.store().finish_attempt(&attempt, &accepted(), RetryDecision::Delivered).await.expect("the lease is good");
    assert_eq!(state(h, &job).await, Some(DeliveryState::Delivered), "nobody asked for more");
    let log = h.store().deliveries(&job, None).await.expect("the store is there").expect("it is kept");
    let ends: Vec<_> = log.attempts.iter().map(|attempt| (attempt.status, attempt.error.is_some())).collect();
    assert_eq!(ends, [(None, true), (Some(200), false), (None, true), (Some(200), false)]);
}

pub async fn a_replay_asked_for_during_an_attempt_that_is_cut_short_is_the_next_attempt(h: &impl Harness) {
    let job = pending(h, "http://a.example").await;
    let first = started(h).await;
    let failed = RetryDecision::RetryIn(Duration::ZERO);
    h.store().finish_attempt(&first, &reset(), failed).await.expect("the lease is good");
    assert_eq!(started(h).await.number, 2);
    h.store().replay(&job, None).await.expect("it has a webhook and is settled");
    cut_short(h).await;
    let again = started(h).await;
    assert_eq!(again.number, 1, "the schedule is a fresh one");
    h.store().finish_attempt(&again, &accepted(), RetryDecision::Delivered).await.expect("the lease is good");
    assert_eq!(state(h, &job).await, Some(DeliveryState::Delivered), "it was sent again, once");
}

pub async fn many_are_replayed_and_those_that_are_being_sent_follow(h: &impl Harness) {
    let job = pending(h, "http://a.example").await;
    let under_way = started(h).await;
    let ended = pending(h, "http://a.example").await;
    let attempt = started(h).await;
    h.store().finish_attempt(&attempt, &accepted(), RetryDecision::Delivered).await.expect("the lease is good");
    assert_eq!(h.store().replay_all(ReplayFilter::default()).await, Ok(2));
    assert_eq!(due(h, now()).await.iter().map(|due| &due.job).collect::<Vec<_>>(), [&ended]);
    h.store().finish_attempt(&under_way, &accepted(), RetryDecision::Delivered).await.expect("the lease is good");
    assert_eq!(due(h, now()).await.len(), 2);
    assert!(matches!(state(h, &job).await, Some(DeliveryState::Pending { .. })));
}
