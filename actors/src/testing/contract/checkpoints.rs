//! Checkpoints and LLM jobs.

use std::time::Duration;

use bytes::Bytes;
use serde_json::json;

use super::harness::{Harness, LEASE, claim, submit, submit_and_claim};
use crate::domain::extraction::record;
use crate::domain::job::{Interruption, JobState};
use crate::domain::usage::Usage;
use crate::kinds::LLM_EXTRACTION;
use crate::ports::{Release, SettleReason, StoreError};
use crate::testing::jobs::{crawl, extraction, node};

fn value(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}

pub async fn next_attempt_reads_checkpoints(h: &impl Harness) {
    let first = submit_and_claim(h, crawl(1)).await;
    h.store().checkpoint(&first.lease, "page", value("p")).await.unwrap();
    h.store().checkpoint(&first.lease, "answer", value("a")).await.unwrap();
    h.advance(LEASE).await;
    let second = claim(h, "second", 1).await.pop().unwrap();
    let mut stored = h.store().checkpoints(&second.job.id).await.unwrap();
    stored.sort();
    assert_eq!(stored, [("answer".to_owned(), value("a")), ("page".to_owned(), value("p"))]);
}

pub async fn checkpoint_keeps_its_first_value(h: &impl Harness) {
    let claimed = submit_and_claim(h, crawl(1)).await;
    for text in ["first", "second"] {
        h.store().checkpoint(&claimed.lease, "answer", value(text)).await.unwrap();
    }
    let stored = h.store().checkpoints(&claimed.job.id).await;
    assert_eq!(stored, Ok(vec![("answer".to_owned(), value("first"))]));
}

pub async fn stale_lease_cannot_write_checkpoint(h: &impl Harness) {
    let stale = submit_and_claim(h, crawl(1)).await.lease;
    let drained = Release { interruption: Interruption::Drained, reason: None, delay: Duration::ZERO };
    h.store().release(&stale, drained).await.unwrap();
    assert_eq!(h.store().checkpoint(&stale, "answer", value("a")).await, Err(StoreError::LeaseLost));
    assert_eq!(h.store().checkpoints(&stale.job).await, Ok(vec![]));
}

pub async fn settled_job_has_no_checkpoints(h: &impl Harness) {
    let claimed = submit_and_claim(h, crawl(1)).await;
    h.store().checkpoint(&claimed.lease, "answer", value("a")).await.unwrap();
    h.store().cancel(&claimed.job.id, None).await.unwrap();
    assert_eq!(h.store().checkpoints(&claimed.job.id).await, Ok(vec![]));
}

pub async fn extraction_is_claimed_by_task_and_settles_with_one_record(h: &impl Harness) {
    submit(h, extraction("the title")).await;
    assert!(claim(h, "crawls", 9).await.is_empty());
    let claims = h.store().claim(&node("n"), LLM_EXTRACTION, 9, LEASE).await.unwrap();
    let [claim] = &claims[..] else { panic!("one job was submitted: {claims:?}") };
    assert_eq!(claim.missing, [0]);
    let done = record(Ok(&json!({"title": "x"})), &Usage::default(), &[]);
    h.store().record_pages(&claim.lease, vec![done.clone()]).await.unwrap();
    let job = h.store().settle(&claim.lease, SettleReason::WorkDone).await.unwrap();
    assert_eq!(job.state, JobState::Completed);
    assert_eq!(h.store().pages(&job.id, 0, usize::MAX).await, Ok(vec![(0, done.json)]));
}
