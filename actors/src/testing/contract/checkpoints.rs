//! Steps of the work that outlive the attempt they were made in.

use std::time::Duration;

use bytes::Bytes;
use serde_json::json;

use super::{Harness, LEASE, claim, claimed, submit};
use crate::domain::extraction::{Usage, record};
use crate::domain::id::TaskType;
use crate::domain::job::{Interruption, JobState};
use crate::ports::{Release, SettleReason, StoreError};
use crate::testing::jobs::{crawl, extraction, node};

fn back() -> Release {
    Release { interruption: Interruption::Drained, reason: None, delay: Duration::ZERO }
}

fn value(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}

pub async fn a_checkpoint_is_there_for_the_next_attempt(h: &impl Harness) {
    let first = claimed(h, crawl(1)).await;
    h.store().checkpoint(&first.lease, "page", value("p")).await.expect("the lease is good");
    h.store().checkpoint(&first.lease, "answer", value("a")).await.expect("the lease is good");
    h.let_time_pass(LEASE).await;
    let second = claim(h, "second", 1).await.pop().expect("its lease ran out");
    assert_eq!(second.job.attempts_spent, 0, "a step is progress");
    let mut found = h.store().checkpoints(&second.job.id).await.expect("the store is there");
    found.sort();
    assert_eq!(found, [("answer".to_owned(), value("a")), ("page".to_owned(), value("p"))]);
}

pub async fn a_checkpoint_written_twice_keeps_its_first_value(h: &impl Harness) {
    let held = claimed(h, crawl(1)).await;
    for text in ["first", "second"] {
        h.store().checkpoint(&held.lease, "answer", value(text)).await.expect("the lease is good");
    }
    let found = h.store().checkpoints(&held.job.id).await;
    assert_eq!(found, Ok(vec![("answer".to_owned(), value("first"))]));
}

pub async fn a_stale_lease_can_write_no_checkpoint(h: &impl Harness) {
    let old = claimed(h, crawl(1)).await.lease;
    h.store().release(&old, back()).await.expect("the lease is good");
    assert_eq!(h.store().checkpoint(&old, "answer", value("a")).await, Err(StoreError::LeaseLost));
    assert_eq!(h.store().checkpoints(&old.job).await, Ok(vec![]));
}

pub async fn a_settled_job_keeps_no_checkpoints(h: &impl Harness) {
    let held = claimed(h, crawl(1)).await;
    h.store().checkpoint(&held.lease, "answer", value("a")).await.expect("the lease is good");
    h.store().cancel(&held.job.id, None).await.expect("it is not settled");
    assert_eq!(h.store().checkpoints(&held.job.id).await, Ok(vec![]));
}

pub async fn an_extraction_settles_by_its_one_record_and_is_claimed_apart_from_crawls(h: &impl Harness) {
    submit(h, extraction("the title")).await;
    assert!(claim(h, "crawls only", 9).await.is_empty());
    let claims = h.store().claim(&node("n"), TaskType::LlmExtraction, 9, LEASE).await.expect("the store is there");
    let [claim] = &claims[..] else { panic!("one was submitted: {claims:?}") };
    assert_eq!(claim.missing, [0]);
    let done = record(Ok(&json!({"title": "x"})), &Usage::default(), &[]);
    h.store().record_pages(&claim.lease, vec![done.clone()]).await.expect("the lease is good");
    let job = h.store().settle(&claim.lease, SettleReason::WorkDone).await.expect("its record is there");
    assert_eq!(job.state, JobState::Completed);
    assert_eq!(h.store().pages(&job.id, 0, usize::MAX).await, Ok(vec![(0, done.json)]));
}
