//! Expiry: the end of a job's retention.

use std::time::Duration;

use super::harness::{Harness, LEASE, RETENTION, TERMS, submit, submit_and_claim};
use crate::domain::delivery::{AttemptOutcome, RetryDecision};
use crate::ports::{AttemptStart, SettleReason, Submission};
use crate::testing::jobs::{crawl, fresh_id, good_page, key, node};

const MONTH: Duration = Duration::from_secs(30 * 86_400);

pub async fn job_with_pending_delivery_does_not_expire(h: &impl Harness) {
    let claim = submit_and_claim(h, crawl(1)).await;
    h.store().cancel(&claim.job.id, None).await.unwrap();
    h.advance(MONTH).await;
    assert_eq!(h.store().expire(100).await, Ok(0));
}

pub async fn unsettled_jobs_do_not_expire(h: &impl Harness) {
    let running = submit_and_claim(h, crawl(1)).await;
    submit(h, crawl(1)).await;
    for _ in 0..4 {
        h.advance(MONTH).await;
        assert_eq!(h.store().renew(std::slice::from_ref(&running.lease), LEASE).await, Ok(vec![]));
        assert_eq!(h.store().expire(100).await, Ok(0));
    }
    assert_eq!(h.store().counts().await.map(|counts| (counts.queued, counts.running)), Ok((1, 1)));
}

pub async fn expire_removes_everything_and_frees_the_key(h: &impl Harness) {
    let mut job = crawl(1);
    job.idempotency = key("k", "f");
    let claim = submit_and_claim(h, job.clone()).await;
    h.store().record_pages(&claim.lease, vec![good_page(0)]).await.unwrap();
    let settled = h.store().settle(&claim.lease, SettleReason::WorkDone).await.unwrap();
    let version = settled.delivery.unwrap().version;
    let start = h.store().start_attempt(&job.id, version, &node("n"), TERMS).await;
    let Ok(AttemptStart::Started(attempt)) = start else { panic!("{start:?}") };
    let accepted = AttemptOutcome::Answered { status: 200, retry_after: None, excerpt: String::new() };
    h.store().finish_attempt(&attempt, &accepted, RetryDecision::Delivered).await.unwrap();
    h.advance(RETENTION.settled.unwrap() - Duration::from_secs(1)).await;
    assert_eq!(h.store().expire(100).await, Ok(0));
    h.advance(Duration::from_secs(1)).await;
    assert_eq!(h.store().expire(100).await, Ok(1));
    assert_eq!(h.store().job(&job.id, None).await, Ok(None));
    assert_eq!(h.store().pages(&job.id, 0, usize::MAX).await, Ok(vec![]));
    job.id = fresh_id();
    assert_eq!(h.store().submit(job).await, Ok(Submission::Admitted));
}

pub async fn expire_respects_its_limit(h: &impl Harness) {
    for _ in 0..3 {
        let mut job = crawl(4);
        job.spec.webhook = None;
        let id = job.id.clone();
        submit(h, job).await;
        h.store().cancel(&id, None).await.unwrap();
    }
    h.advance(RETENTION.settled.unwrap()).await;
    assert_eq!(h.store().expire(5).await, Ok(2));
    assert_eq!(h.store().expire(1).await, Ok(1));
    assert_eq!(h.store().expire(5).await, Ok(0));
}
