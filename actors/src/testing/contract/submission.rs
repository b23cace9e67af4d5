//! Submission: idempotency keys and limits.

use std::collections::HashSet;

use super::harness::{Harness, claim, submit};
use crate::domain::id::Principal;
use crate::ports::{StoreError, Submission};
use crate::testing::jobs::{crawl, key};

pub async fn same_key_and_request_return_the_existing_job(h: &impl Harness) {
    let mut first = crawl(1);
    first.idempotency = key("k", "same");
    let mut second = crawl(1);
    second.idempotency = key("k", "same");
    submit(h, first.clone()).await;
    assert_eq!(h.store().submit(second.clone()).await, Ok(Submission::Duplicate(first.id)));
    second.principal = Principal::new("another");
    assert_eq!(h.store().submit(second).await, Ok(Submission::Admitted));
}

pub async fn reused_key_with_another_request_is_rejected(h: &impl Harness) {
    let mut first = crawl(1);
    first.idempotency = key("k", "one");
    let mut second = crawl(1);
    second.idempotency = key("k", "two");
    submit(h, first).await;
    assert_eq!(h.store().submit(second).await, Ok(Submission::KeyReused));
}

pub async fn concurrent_equal_submissions_admit_one_job(h: &impl Harness) {
    let submissions = (0..8).map(|_| {
        let mut job = crawl(1);
        job.idempotency = key("race", "same");
        h.store().submit(job)
    });
    let results = futures_util::future::join_all(submissions).await;
    let admitted = results.iter().filter(|result| **result == Ok(Submission::Admitted)).count();
    let duplicates: HashSet<_> = results
        .iter()
        .filter_map(|result| match result {
            Ok(Submission::Duplicate(id)) => Some(id),
            _ => None,
        })
        .collect();
    assert_eq!((admitted, duplicates.len()), (1, 1), "{results:?}");
}

pub async fn submission_over_the_principals_limit_is_rejected(h: &impl Harness) {
    let limited = |name: &str| {
        let mut job = crawl(1);
        (job.principal, job.max_open) = (Principal::new(name), Some(2));
        job
    };
    for _ in 0..2 {
        submit(h, limited("a")).await;
    }
    assert_eq!(h.store().submit(limited("a")).await, Err(StoreError::Full { principal: true }));
    submit(h, limited("b")).await;
    let running = claim(h, "n", 1).await.pop().unwrap();
    assert_eq!(h.store().submit(limited("a")).await, Err(StoreError::Full { principal: true }));
    h.store().cancel(&running.job.id, None).await.unwrap();
    submit(h, limited("a")).await;
}
