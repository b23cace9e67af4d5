//! Replays of deliveries.

use std::time::Duration;

use super::attempts::{accepted, due, interrupt, now, pending, reset, started, state};
use super::harness::Harness;
use crate::domain::delivery::{DeliveryState, RetryDecision};
use crate::ports::ReplayFilter;

pub async fn replay_starts_a_new_schedule(h: &impl Harness) {
    let job = pending(h, "http://a.example").await;
    let attempt = started(h).await;
    h.store().finish_attempt(&attempt, &reset(), RetryDecision::Exhausted).await.unwrap();
    h.store().replay(&job, None).await.unwrap();
    assert_eq!(started(h).await.number, 1);
}

pub async fn replay_during_an_attempt_follows_any_outcome(h: &impl Harness) {
    let job = pending(h, "http://a.example").await;
    let outcomes = [
        (reset(), RetryDecision::Exhausted),
        (accepted(), RetryDecision::Delivered),
        (reset(), RetryDecision::Refused),
    ];
    for (outcome, decision) in outcomes {
        let attempt = started(h).await;
        assert_eq!(attempt.number, 1);
        h.store().replay(&job, None).await.unwrap();
        assert!(due(h, now()).await.is_empty(), "the attempt is in progress");
        let moved = h.store().finish_attempt(&attempt, &outcome, decision).await;
        assert!(matches!(moved, Ok((DeliveryState::Pending { .. }, _))), "{decision:?}: {moved:?}");
    }
    let attempt = started(h).await;
    h.store().finish_attempt(&attempt, &accepted(), RetryDecision::Delivered).await.unwrap();
    assert_eq!(state(h, &job).await, Some(DeliveryState::Delivered));
    let log = h.store().deliveries(&job, None).await.unwrap().unwrap();
    let logged: Vec<_> = log.attempts.iter().map(|attempt| (attempt.status, attempt.error.is_some())).collect();
    assert_eq!(logged, [(None, true), (Some(200), false), (None, true), (Some(200), false)]);
}

pub async fn replay_during_an_interrupted_attempt_is_the_next_attempt(h: &impl Harness) {
    let job = pending(h, "http://a.example").await;
    let first = started(h).await;
    let retry = RetryDecision::RetryIn(Duration::ZERO);
    h.store().finish_attempt(&first, &reset(), retry).await.unwrap();
    assert_eq!(started(h).await.number, 2);
    h.store().replay(&job, None).await.unwrap();
    interrupt(h).await;
    let again = started(h).await;
    assert_eq!(again.number, 1, "the schedule is new");
    h.store().finish_attempt(&again, &accepted(), RetryDecision::Delivered).await.unwrap();
    assert_eq!(state(h, &job).await, Some(DeliveryState::Delivered));
}

pub async fn replay_all_selects_receivers_by_origin(h: &impl Harness) {
    for url in ["http://a.example/x", "http://a.example/y", "http://a.example:81/x", "http://a.example.net/x"] {
        pending(h, url).await;
        let attempt = started(h).await;
        h.store().finish_attempt(&attempt, &accepted(), RetryDecision::Delivered).await.unwrap();
    }
    let origin = Some("http://a.example".to_owned());
    assert_eq!(h.store().replay_all(ReplayFilter { origin, ..ReplayFilter::default() }).await, Ok(2));
}

pub async fn replay_all_includes_attempts_in_progress(h: &impl Harness) {
    let first = pending(h, "http://a.example").await;
    let in_progress = started(h).await;
    let second = pending(h, "http://a.example").await;
    let attempt = started(h).await;
    h.store().finish_attempt(&attempt, &accepted(), RetryDecision::Delivered).await.unwrap();
    assert_eq!(h.store().replay_all(ReplayFilter::default()).await, Ok(2));
    assert_eq!(due(h, now()).await.iter().map(|due| &due.job).collect::<Vec<_>>(), [&second]);
    h.store().finish_attempt(&in_progress, &accepted(), RetryDecision::Delivered).await.unwrap();
    assert_eq!(due(h, now()).await.len(), 2);
    assert!(matches!(state(h, &first).await, Some(DeliveryState::Pending { .. })));
}
