//! Settlement, cancellation and visibility.

use std::time::Duration;

use super::harness::{Harness, LEASE, claim, submit, submit_and_claim};
use crate::domain::delivery::DeliveryState;
use crate::domain::id::Principal;
use crate::domain::job::{Interruption, JobState, Progress};
use crate::ports::{Release, SettleReason, StoreError};
use crate::testing::jobs::{bad_page, crawl, good_page};

pub async fn page_keeps_its_first_result(h: &impl Harness) {
    let claim = submit_and_claim(h, crawl(2)).await;
    h.store().record_pages(&claim.lease, vec![good_page(0)]).await.unwrap();
    let again = h.store().record_pages(&claim.lease, vec![bad_page(0, "late")]).await;
    assert_eq!(again, Ok(Progress { done: 1, failed: 0, total: 2 }));
    let pages = h.store().pages(&claim.job.id, 0, usize::MAX).await.unwrap();
    assert_eq!(pages, [(0, good_page(0).json)]);
}

pub async fn job_with_missing_pages_cannot_settle(h: &impl Harness) {
    let claim = submit_and_claim(h, crawl(2)).await;
    h.store().record_pages(&claim.lease, vec![good_page(0)]).await.unwrap();
    let early = h.store().settle(&claim.lease, SettleReason::WorkDone).await;
    assert!(matches!(early, Err(StoreError::Conflict(_))));
}

pub async fn one_successful_page_completes_the_job_and_creates_the_delivery(h: &impl Harness) {
    let claim = submit_and_claim(h, crawl(2)).await;
    let pages = vec![bad_page(0, "HTTP 404 Not Found"), good_page(1)];
    h.store().record_pages(&claim.lease, pages).await.unwrap();
    let job = h.store().settle(&claim.lease, SettleReason::WorkDone).await.unwrap();
    assert_eq!((job.state, job.error), (JobState::Completed, None));
    let delivery = job.delivery.unwrap();
    assert!(matches!(delivery.state, DeliveryState::Pending { .. }));
    let again = h.store().settle(&claim.lease, SettleReason::WorkDone).await;
    assert_eq!(again, Err(StoreError::LeaseLost));
}

pub async fn crawl_without_successful_page_fails_with_the_first_error(h: &impl Harness) {
    let claim = submit_and_claim(h, crawl(2)).await;
    let pages = vec![bad_page(1, "second"), bad_page(0, "Connection timeout after 30s")];
    h.store().record_pages(&claim.lease, pages).await.unwrap();
    let job = h.store().settle(&claim.lease, SettleReason::WorkDone).await.unwrap();
    assert_eq!(job.state, JobState::Failed);
    assert_eq!(job.error.as_deref(), Some("Connection timeout after 30s"));
}

pub async fn settled_job_reports_its_last_attempt(h: &impl Harness) {
    let first = submit_and_claim(h, crawl(1)).await;
    let crashed = Release { interruption: Interruption::Crashed, reason: None, delay: Duration::ZERO };
    h.store().release(&first.lease, crashed).await.unwrap();
    let second = claim(h, "second", 1).await.pop().unwrap();
    assert_eq!(second.job.attempt(), 2);
    h.store().record_pages(&second.lease, vec![good_page(0)]).await.unwrap();
    let settled = h.store().settle(&second.lease, SettleReason::WorkDone).await.unwrap();
    assert_eq!(settled.attempt(), 2);
}

pub async fn cancelled_job_rejects_late_writes(h: &impl Harness) {
    let running = submit_and_claim(h, crawl(1)).await;
    let job = h.store().cancel(&running.job.id, None).await.unwrap();
    assert_eq!(job.state, JobState::Cancelled);
    assert!(job.delivery.is_some());
    let late = h.store().record_pages(&running.lease, vec![good_page(0)]).await;
    assert_eq!(late, Err(StoreError::LeaseLost));
    h.advance(LEASE).await;
    assert!(claim(h, "second", 1).await.is_empty());
}

pub async fn settled_job_cannot_be_cancelled(h: &impl Harness) {
    let claim = submit_and_claim(h, crawl(1)).await;
    h.store().record_pages(&claim.lease, vec![good_page(0)]).await.unwrap();
    h.store().settle(&claim.lease, SettleReason::WorkDone).await.unwrap();
    let late = h.store().cancel(&claim.job.id, None).await;
    assert!(matches!(late, Err(StoreError::Conflict(_))));
}

pub async fn concurrent_cancel_and_settle_agree(h: &impl Harness) {
    let running = submit_and_claim(h, crawl(1)).await;
    h.store().record_pages(&running.lease, vec![good_page(0)]).await.unwrap();
    let settle = h.store().settle(&running.lease, SettleReason::WorkDone);
    let (cancelled, settled) = futures_util::join!(h.store().cancel(&running.job.id, None), settle);
    assert!(cancelled.is_ok() != settled.is_ok(), "{cancelled:?} {settled:?}");
    let job = h.store().job(&running.job.id, None).await.unwrap().unwrap();
    let expected = cancelled.or(settled).unwrap();
    assert_eq!((job.state, job.delivery), (expected.state, expected.delivery));
}

pub async fn job_is_invisible_to_other_principals(h: &impl Harness) {
    let job = crawl(1);
    submit(h, job.clone()).await;
    let other = Principal::new("other");
    assert_eq!(h.store().job(&job.id, Some(&other)).await, Ok(None));
    assert_eq!(h.store().cancel(&job.id, Some(&other)).await, Err(StoreError::NotFound));
    assert_eq!(h.store().replay(&job.id, Some(&other)).await, Err(StoreError::NotFound));
    assert!(h.store().job(&job.id, Some(&job.principal)).await.unwrap().is_some());
}
