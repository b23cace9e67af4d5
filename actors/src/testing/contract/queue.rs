//! Into the queue, out of it, and what a lease is good for.

use std::time::Duration;

use super::{Harness, LEASE, claim, claimed, submit};
use crate::domain::id::{Principal, TaskType};
use crate::domain::job::{Interruption, Stage};
use crate::domain::queue_key::QueueKey;
use crate::ports::{Release, SettleReason, StoreError, Submission};
use crate::testing::jobs::{crawl, good_page, key};

fn back(interruption: Interruption, wait: Duration) -> Release {
    Release { interruption, reason: Some("why".to_owned()), delay: wait }
}

pub async fn an_equal_submission_under_the_same_key_is_the_same_job(h: &impl Harness) {
    let mut first = crawl(1);
    first.idempotency = key("k", "same");
    let mut second = crawl(1);
    second.idempotency = key("k", "same");
    submit(h, first.clone()).await;
    assert_eq!(h.store().submit(second.clone()).await, Ok(Submission::Duplicate(first.id)));
    second.principal = Principal::new("another");
    assert_eq!(h.store().submit(second).await, Ok(Submission::Admitted));
}

pub async fn a_key_used_for_another_request_is_refused(h: &impl Harness) {
    let mut first = crawl(1);
    first.idempotency = key("k", "one");
    let mut second = crawl(1);
    second.idempotency = key("k", "two");
    submit(h, first).await;
    assert_eq!(h.store().submit(second).await, Ok(Submission::KeyReused));
}

pub async fn a_job_is_refused_when_its_principal_has_as_many_as_it_may(h: &impl Harness) {
    let bounded = |name: &str, most: u64| {
        let mut job = crawl(1);
        (job.principal, job.max_open) = (Principal::new(name), Some(most));
        job
    };
    for _ in 0..2 {
        submit(h, bounded("a", 2)).await;
    }
    assert_eq!(h.store().submit(bounded("a", 2)).await, Err(StoreError::Full { principal: true }));
    submit(h, bounded("b", 2)).await;
    let claimed = claim(h, "n", 1).await.pop().expect("three wait");
    assert_eq!(h.store().submit(bounded("a", 2)).await, Err(StoreError::Full { principal: true }));
    h.store().cancel(&claimed.job.id, None).await.expect("it is not settled");
    submit(h, bounded("a", 2)).await;
}

pub async fn claims_go_round_the_principals_oldest_first(h: &impl Harness) {
    let mut expected = Vec::new();
    for name in ["a", "a", "a", "b", "c"] {
        let mut job = crawl(1);
        job.principal = Principal::new(name);
        expected.push(job.id.clone());
        submit(h, job).await;
    }
    let order: Vec<_> = claim(h, "n", 9).await.into_iter().map(|claim| claim.job.id).collect();
    let [a1, a2, a3, b, c] = &expected[..] else { unreachable!("five were submitted") };
    assert_eq!(order, [a1, b, c, a2, a3].map(Clone::clone));
}

pub async fn a_job_that_somebody_waits_for_stands_in_a_line_of_its_own(h: &impl Harness) {
    let mut expected = Vec::new();
    for (name, interactive) in [("a", false), ("a", false), ("a", false), ("a", true), ("a", true), ("b", false)] {
        let mut job = crawl(1);
        (job.principal, job.spec.interactive) = (Principal::new(name), interactive);
        expected.push(job.id.clone());
        submit(h, job).await;
    }
    let first = claim(h, "n", 1).await.pop().expect("jobs wait");
    let queue = first.job.queue_key();
    let (own, others) = (QueueKey { interactive: true, ..queue.clone() }, QueueKey::batch(Principal::new("b")));
    assert_eq!(h.store().should_yield(TaskType::Crawl, &queue).await, Ok(true));
    assert_eq!(h.store().should_yield(TaskType::Crawl, &own).await, Ok(true), "another principal's is ready");
    // Given back, it has its place again; the line it stands in is not its principal's only one.
    h.store().release(&first.lease, back(Interruption::Yielded, Duration::ZERO)).await.expect("the lease is good");
    let order: Vec<_> = claim(h, "n", 9).await.into_iter().map(|claim| claim.job.id).collect();
    let [a1, a2, a3, waited1, waited2, b] = &expected[..] else { unreachable!("six were submitted") };
    assert_eq!(order, [waited1, b, a1, waited2, a2, a3].map(Clone::clone));
    for queue in [queue, own, others] {
        assert_eq!(h.store().should_yield(TaskType::Crawl, &queue).await, Ok(false), "{queue:?}");
    }
}

pub async fn a_job_that_somebody_waits_for_lets_only_others_go_first(h: &impl Harness) {
    let job = |name: &str, interactive: bool| {
        let mut job = crawl(1);
        (job.principal, job.spec.interactive) = (Principal::new(name), interactive);
        job
    };
    // Names around those of `m`'s two lines, and between them.
    for (name, interactive) in [("a", false), ("m\u{1}", true), ("m a", false), ("z", true)] {
        let other = job(name, interactive);
        let (waited_for, own) = (job("m", true), job("m", false));
        submit(h, own.clone()).await;
        assert_eq!(h.store().should_yield(TaskType::Crawl, &waited_for.queue_key()).await, Ok(false), "{name}");
        submit(h, other.clone()).await;
        for queue in [waited_for.queue_key(), own.queue_key()] {
            assert_eq!(h.store().should_yield(TaskType::Crawl, &queue).await, Ok(true), "{name}");
        }
        for id in [own.id, other.id] {
            h.store().cancel(&id, None).await.expect("it is not settled");
        }
    }
}

pub async fn a_job_that_somebody_waited_for_keeps_its_line_when_its_lease_runs_out_or_it_is_cancelled(
    h: &impl Harness,
) {
    let interactive = || {
        let mut job = crawl(1);
        job.spec.interactive = true;
        job
    };
    let queue = QueueKey { interactive: true, ..QueueKey::batch(interactive().principal) };
    let lost = claimed(h, interactive()).await;
    h.let_time_pass(LEASE).await;
    h.store().requeue().await.expect("the store is there");
    let other = QueueKey::batch(queue.principal.clone());
    assert_eq!(h.store().should_yield(TaskType::Crawl, &other).await, Ok(true));
    assert_eq!(h.store().should_yield(TaskType::Crawl, &queue).await, Ok(false));
    let cancelled = h.store().cancel(&lost.job.id, None).await.expect("it is not settled");
    assert!(cancelled.spec.interactive);
    assert_eq!(h.store().should_yield(TaskType::Crawl, &other).await, Ok(false));
    assert!(claim(h, "n", 1).await.is_empty());
}

pub async fn a_claimed_job_is_not_claimed_again_while_its_lease_runs(h: &impl Harness) {
    claimed(h, crawl(1)).await;
    h.let_time_pass(LEASE / 2).await;
    assert!(claim(h, "second", 1).await.is_empty());
}

pub async fn a_job_whose_lease_ran_out_is_claimed_again_with_only_its_missing_pages(h: &impl Harness) {
    let first = claimed(h, crawl(3)).await;
    h.store().record_pages(&first.lease, vec![good_page(1)]).await.expect("the lease is good");
    h.let_time_pass(LEASE).await;
    let second = claim(h, "second", 1).await.pop().expect("its lease ran out");
    assert_eq!(second.missing, [0, 2]);
    assert!(second.lease.token > first.lease.token);
}

pub async fn an_expired_lease_that_nobody_claimed_may_be_renewed(h: &impl Harness) {
    let first = claimed(h, crawl(1)).await;
    h.let_time_pass(LEASE).await;
    assert_eq!(h.store().renew(std::slice::from_ref(&first.lease), LEASE).await, Ok(vec![]));
    assert!(claim(h, "second", 1).await.is_empty());
}

pub async fn a_stale_lease_can_write_nothing(h: &impl Harness) {
    let old = claimed(h, crawl(1)).await.lease;
    h.store().release(&old, back(Interruption::Drained, Duration::ZERO)).await.expect("the lease is good");
    claim(h, "first", 1).await.pop().expect("the same node claims it again");
    let store = h.store();
    assert_eq!(store.record_pages(&old, vec![good_page(0)]).await, Err(StoreError::LeaseLost));
    assert_eq!(store.settle(&old, SettleReason::WorkDone).await, Err(StoreError::LeaseLost));
    assert_eq!(store.renew(std::slice::from_ref(&old), LEASE).await, Ok(vec![old.clone()]));
    let again = store.release(&old, back(Interruption::Crashed, Duration::ZERO)).await;
    assert_eq!(again, Err(StoreError::LeaseLost));
}

pub async fn a_job_handed_back_by_a_drain_keeps_its_attempts_and_its_place(h: &impl Harness) {
    let first = claimed(h, crawl(1)).await;
    submit(h, crawl(1)).await;
    h.store().release(&first.lease, back(Interruption::Drained, Duration::ZERO)).await.expect("the lease is good");
    let again = claim(h, "second", 1).await.pop().expect("it is ready");
    assert_eq!((again.job.id, again.job.attempts_spent), (first.job.id, 0));
}

pub async fn a_job_that_broke_waits_and_has_spent_an_attempt(h: &impl Harness) {
    let first = claimed(h, crawl(1)).await;
    let wait = Duration::from_secs(5);
    h.store().release(&first.lease, back(Interruption::Crashed, wait)).await.expect("the lease is good");
    assert!(claim(h, "second", 1).await.is_empty());
    let job = h.store().job(&first.job.id, None).await.expect("the store is there").expect("it is kept");
    assert_eq!((job.stage(), job.attempt()), (Stage::Retrying, 2));
    h.let_time_pass(wait).await;
    assert_eq!(claim(h, "second", 1).await.len(), 1);
}

pub async fn a_vanished_attempt_counts_only_without_progress(h: &impl Harness) {
    let first = claimed(h, crawl(2)).await;
    h.store().record_pages(&first.lease, vec![good_page(0)]).await.expect("the lease is good");
    h.let_time_pass(LEASE).await;
    assert_eq!(claim(h, "second", 1).await[0].job.attempts_spent, 0);
    h.let_time_pass(LEASE).await;
    assert_eq!(claim(h, "third", 1).await[0].job.attempts_spent, 1);
}

pub async fn however_many_jobs_one_principal_has_the_next_claim_but_one_is_anothers(h: &impl Harness) {
    for _ in 0..100 {
        let mut job = crawl(1);
        job.principal = Principal::new("many");
        submit(h, job).await;
    }
    let mut job = crawl(1);
    job.principal = Principal::new("one");
    submit(h, job.clone()).await;
    let first = claim(h, "n", 1).await.pop().expect("jobs wait");
    let second = claim(h, "n", 1).await.pop().expect("jobs wait");
    assert!([first.job.id, second.job.id].contains(&job.id));
}

pub async fn a_job_that_lets_others_go_first_is_claimed_after_theirs(h: &impl Harness) {
    let long = claimed(h, crawl(2)).await;
    let mut other = crawl(1);
    other.principal = Principal::new("another");
    submit(h, other.clone()).await;
    assert_eq!(h.store().should_yield(TaskType::Crawl, &long.job.queue_key()).await, Ok(true));
    assert_eq!(h.store().should_yield(TaskType::Crawl, &QueueKey::batch(other.principal)).await, Ok(false));
    h.store().record_pages(&long.lease, vec![good_page(0)]).await.expect("the lease is good");
    h.store().release(&long.lease, back(Interruption::Yielded, Duration::ZERO)).await.expect("the lease is good");
    let order: Vec<_> = claim(h, "n", 2).await.into_iter().map(|claim| (claim.job.id, claim.missing)).collect();
    assert_eq!(order, [(other.id, vec![0]), (long.job.id, vec![1])]);
}

pub async fn of_equal_submissions_at_the_same_time_one_is_admitted(h: &impl Harness) {
    let submissions = (0..8).map(|_| {
        let mut job = crawl(1);
        job.idempotency = key("race", "same");
        h.store().submit(job)
    });
    let answers = futures_util::future::join_all(submissions).await;
    let admitted = answers.iter().filter(|answer| **answer == Ok(Submission::Admitted)).count();
    let known: std::collections::HashSet<_> = answers
        .iter()
        .filter_map(|answer| match answer {
            Ok(Submission::Duplicate(id)) => Some(id.clone()),
            _ => None,
        })
        .collect();
    assert_eq!((admitted, known.len()), (1, 1), "{answers:?}");
}

pub async fn a_cancellation_and_an_end_at_the_same_time_are_one_of_them(h: &impl Harness) {
    let running = claimed(h, crawl(1)).await;
    h.store().record_pages(&running.lease, vec![good_page(0)]).await.expect("the lease is good");
    let settle = h.store().settle(&running.lease, SettleReason::WorkDone);
    let (cancelled, settled) = futures_util::join!(h.store().cancel(&running.job.id, None), settle);
    assert!(cancelled.is_ok() != settled.is_ok(), "{cancelled:?} {settled:?}");
    let job = h.store().job(&running.job.id, None).await.expect("the store is there").expect("it is kept");
    let ended = cancelled.or(settled).expect("one of them");
    assert_eq!((job.state, job.delivery), (ended.state, ended.delivery));
}

pub async fn expiry_touches_nothing_that_waits_or_runs(h: &impl Harness) {
    let running = claimed(h, crawl(1)).await;
    submit(h, crawl(1)).await;
    for _ in 0..4 {
        h.let_time_pass(Duration::from_secs(30 * 86_400)).await;
        assert_eq!(h.store().renew(std::slice::from_ref(&running.lease), LEASE).await, Ok(vec![]));
        assert_eq!(h.store().expire(100).await, Ok(0));
    }
    assert_eq!(h.store().counts().await.map(|counts| (counts.queued, counts.running)), Ok((1, 1)));
}
