//! How jobs end, who may see them, and when they are forgotten.

use std::time::Duration;

use super::{Harness, LEASE, RETENTION, TERMS, claim, claimed, submit};
use crate::domain::delivery::{AttemptOutcome, DeliveryState, RetryDecision};
use crate::domain::id::Principal;
use crate::domain::job::{Interruption, JobState, Progress};
use crate::ports::{AttemptStart, Release, SettleReason, StoreError, Submission};
use crate::testing::jobs::{bad_page, crawl, fresh_id, good_page, key, node};

pub async fn a_page_recorded_twice_keeps_its_first_result(h: &impl Harness) {
    let claim = claimed(h, crawl(2)).await;
    h.store().record_pages(&claim.lease, vec![good_page(0)]).await.expect("the lease is good");
    let again = h.store().record_pages(&claim.lease, vec![bad_page(0, "late")]).await;
    assert_eq!(again, Ok(Progress { done: 1, failed: 0, total: 2 }));
    let pages = h.store().pages(&claim.job.id, 0, usize::MAX).await.expect("the store is there");
    assert_eq!(pages, [(0, good_page(0).json)]);
}

pub async fn a_job_with_missing_pages_does_not_settle(h: &impl Harness) {
    let claim = claimed(h, crawl(2)).await;
    h.store().record_pages(&claim.lease, vec![good_page(0)]).await.expect("the lease is good");
    let early = h.store().settle(&claim.lease, SettleReason::WorkDone).await;
    assert!(matches!(early, Err(StoreError::Conflict(_))));
}

pub async fn one_good_page_completes_a_crawl_and_queues_its_webhook(h: &impl Harness) {
    let claim = claimed(h, crawl(2)).await;
    let pages = vec![bad_page(0, "HTTP 404 Not Found"), good_page(1)];
    h.store().record_pages(&claim.lease, pages).await.expect("the lease is good");
    let job = h.store().settle(&claim.lease, SettleReason::WorkDone).await.expect("every page is there");
    assert_eq!((job.state, job.error), (JobState::Completed, None));
    let delivery = job.delivery.expect("it is queued in the same transaction");
    assert!(matches!(delivery.state, DeliveryState::Pending { .. }));
    let again = h.store().settle(&claim.lease, SettleReason::WorkDone).await;
    assert_eq!(again, Err(StoreError::LeaseLost));
}

pub async fn a_crawl_of_nothing_but_failures_fails_with_the_first_reason(h: &impl Harness) {
    let claim = claimed(h, crawl(2)).await;
    let pages = vec![bad_page(1, "second"), bad_page(0, "Connection timeout after 30s")];
    h.store().record_pages(&claim.lease, pages).await.expect("the lease is good");
    let job = h.store().settle(&claim.lease, SettleReason::WorkDone).await.expect("every page is there");
    assert_eq!(job.state, JobState::Failed);
    assert_eq!(job.error.as_deref(), Some("Connection timeout after 30s"));
}

pub async fn a_cancelled_job_stays_cancelled_whatever_its_worker_says(h: &impl Harness) {
    let running = claimed(h, crawl(1)).await;
    let job = h.store().cancel(&running.job.id, None).await.expect("it is not settled");
    assert_eq!(job.state, JobState::Cancelled);
    assert!(job.delivery.is_some(), "receivers are told of it");
    let late = h.store().record_pages(&running.lease, vec![good_page(0)]).await;
    assert_eq!(late, Err(StoreError::LeaseLost));
    h.let_time_pass(LEASE).await;
    assert!(claim(h, "second", 1).await.is_empty());
}

pub async fn a_settled_job_is_not_cancelled(h: &impl Harness) {
    let claim = claimed(h, crawl(1)).await;
    h.store().record_pages(&claim.lease, vec![good_page(0)]).await.expect("the lease is good");
    h.store().settle(&claim.lease, SettleReason::WorkDone).await.expect("every page is there");
    let late = h.store().cancel(&claim.job.id, None).await;
    assert!(matches!(late, Err(StoreError::Conflict(_))));
}

pub async fn a_job_is_invisible_to_other_principals(h: &impl Harness) {
    let job = crawl(1);
    submit(h, job.clone()).await;
    let stranger = Principal::new("stranger");
    assert_eq!(h.store().job(&job.id, Some(&stranger)).await, Ok(None));
    assert_eq!(h.store().cancel(&job.id, Some(&stranger)).await, Err(StoreError::NotFound));
    assert_eq!(h.store().replay(&job.id, Some(&stranger)).await, Err(StoreError::NotFound));
    assert!(h.store().job(&job.id, Some(&job.principal)).await.expect("the store is there").is_some());
}

pub async fn a_job_still_to_be_delivered_does_not_expire(h: &impl Harness) {
    let claim = claimed(h, crawl(1)).await;
    h.store().cancel(&claim.job.id, None).await.expect("it is not settled");
    h.let_time_pass(Duration::from_secs(30 * 86_400)).await;
    assert_eq!(h.store().expire(100).await, Ok(0));
}

pub async fn expiry_takes_everything_and_frees_the_key(h: &impl Harness) {
    let mut job = crawl(1);
    job.idempotency = key("k", "f");
    let claim = claimed(h, job.clone()).await;
    h.store().record_pages(&claim.lease, vec![good_page(0)]).await.expect("the lease is good");
    let settled = h.store().settle(&claim.lease, SettleReason::WorkDone).await.expect("every page is there");
    let version = settled.delivery.expect("it has a webhook").version;
    let start = h.store().start_attempt(&job.id, version, &node("n"), TERMS).await;
    let Ok(AttemptStart::Started(attempt)) = start else { panic!("it is due: {start:?}") };
    let accepted = AttemptOutcome::Answered { status: 200, retry_after: None, excerpt: String::new() };
    h.store().finish_attempt(&attempt, &accepted, RetryDecision::Delivered).await.expect("the lease is good");
    let kept = RETENTION.settled.expect("the contract's stores forget");
    h.let_time_pass(kept - Duration::from_secs(1)).await;
    assert_eq!(h.store().expire(100).await, Ok(0));
    h.let_time_pass(Duration::from_secs(1)).await;
    assert_eq!(h.store().expire(100).await, Ok(1));
    assert_eq!(h.store().job(&job.id, None).await, Ok(None));
    assert_eq!(h.store().pages(&job.id, 0, usize::MAX).await, Ok(vec![]));
    job.id = fresh_id();
    assert_eq!(h.store().submit(job).await, Ok(Submission::Admitted));
}

pub async fn the_attempt_that_ends_a_job_is_its_last_number(h: &impl Harness) {
    let first = claimed(h, crawl(1)).await;
    let broke = Release { interruption: Interruption::Crashed, reason: None, delay: Duration::ZERO };
    h.store().release(&first.lease, broke).await.expect("the lease is good");
    let second = claim(h, "second", 1).await.pop().expect("it is ready");
    assert_eq!(second.job.attempt(), 2);
    h.store().record_pages(&second.lease, vec![good_page(0)]).await.expect("the lease is good");
    let settled = h.store().settle(&second.lease, SettleReason::WorkDone).await.expect("every page is there");
    assert_eq!(settled.attempt(), 2);
}

pub async fn expiry_takes_no_more_at_once_than_it_is_asked_to(h: &impl Harness) {
    for _ in 0..3 {
        let mut job = crawl(4);
        job.spec.webhook = None;
        let id = job.id.clone();
        submit(h, job).await;
        h.store().cancel(&id, None).await.expect("it is not settled");
    }
    h.let_time_pass(RETENTION.settled.expect("the contract's stores forget")).await;
    assert_eq!(h.store().expire(5).await, Ok(2));
    assert_eq!(h.store().expire(1).await, Ok(1));
    assert_eq!(h.store().expire(5).await, Ok(0));
}
