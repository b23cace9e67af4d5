//! Claims: the order of jobs and fairness between principals.

use std::time::Duration;

use super::harness::{Harness, LEASE, claim, crawl_of, submit, submit_and_claim};
use crate::domain::id::Principal;
use crate::domain::job::Interruption;
use crate::domain::queue_key::QueueKey;
use crate::kinds::CRAWL;
use crate::ports::Release;
use crate::testing::jobs::{crawl, good_page};

const YIELDED: Release = Release { interruption: Interruption::Yielded, reason: None, delay: Duration::ZERO };

pub async fn claims_rotate_over_principals_oldest_first(h: &impl Harness) {
    let mut ids = Vec::new();
    for name in ["a", "a", "a", "b", "c"] {
        let job = crawl_of(name, false);
        ids.push(job.id.clone());
        submit(h, job).await;
    }
    let order: Vec<_> = claim(h, "n", 9).await.into_iter().map(|claim| claim.job.id).collect();
    let [a1, a2, a3, b, c] = &ids[..] else { unreachable!("five jobs were submitted") };
    assert_eq!(order, [a1, b, c, a2, a3].map(Clone::clone));
}

pub async fn second_claim_goes_to_another_principal(h: &impl Harness) {
    for _ in 0..100 {
        submit(h, crawl_of("many", false)).await;
    }
    let other = crawl_of("one", false);
    submit(h, other.clone()).await;
    let first = claim(h, "n", 1).await.pop().unwrap();
    let second = claim(h, "n", 1).await.pop().unwrap();
    assert!([first.job.id, second.job.id].contains(&other.id));
}

pub async fn yielded_job_is_claimed_after_other_principals_jobs(h: &impl Harness) {
    let long = submit_and_claim(h, crawl(2)).await;
    let other = crawl_of("another", false);
    submit(h, other.clone()).await;
    assert_eq!(h.store().should_yield(CRAWL, &long.job.queue_key()).await, Ok(true));
    assert_eq!(h.store().should_yield(CRAWL, &QueueKey::batch(other.principal)).await, Ok(false));
    h.store().record_pages(&long.lease, vec![good_page(0)]).await.unwrap();
    h.store().release(&long.lease, YIELDED).await.unwrap();
    let order: Vec<_> = claim(h, "n", 2).await.into_iter().map(|claim| (claim.job.id, claim.missing)).collect();
    assert_eq!(order, [(other.id, vec![0]), (long.job.id, vec![1])]);
}

pub async fn interactive_jobs_have_their_own_queue(h: &impl Harness) {
    let mut ids = Vec::new();
    for (name, interactive) in [("a", false), ("a", false), ("a", false), ("a", true), ("a", true), ("b", false)] {
        let job = crawl_of(name, interactive);
        ids.push(job.id.clone());
        submit(h, job).await;
    }
    let first = claim(h, "n", 1).await.pop().unwrap();
    let batch = first.job.queue_key();
    let (interactive, other) = (QueueKey { interactive: true, ..batch.clone() }, QueueKey::batch(Principal::new("b")));
    assert_eq!(h.store().should_yield(CRAWL, &batch).await, Ok(true));
    assert_eq!(h.store().should_yield(CRAWL, &interactive).await, Ok(true), "b has a ready job");
    // The released job keeps its position; its principal's interactive queue comes first.
    h.store().release(&first.lease, YIELDED).await.unwrap();
    let order: Vec<_> = claim(h, "n", 9).await.into_iter().map(|claim| claim.job.id).collect();
    let [a1, a2, a3, interactive1, interactive2, b] = &ids[..] else { unreachable!("six jobs were submitted") };
    assert_eq!(order, [interactive1, b, a1, interactive2, a2, a3].map(Clone::clone));
    for queue in [batch, interactive, other] {
        assert_eq!(h.store().should_yield(CRAWL, &queue).await, Ok(false), "{queue:?}");
    }
}

pub async fn interactive_job_yields_only_to_other_principals(h: &impl Harness) {
    // Names that sort before, between and after the names of `m`'s two queues.
    for (name, interactive) in [("a", false), ("m\u{1}", true), ("m a", false), ("z", true)] {
        let (own_interactive, own_batch) = (crawl_of("m", true), crawl_of("m", false));
        let other = crawl_of(name, interactive);
        submit(h, own_batch.clone()).await;
        assert_eq!(h.store().should_yield(CRAWL, &own_interactive.queue_key()).await, Ok(false), "{name}");
        submit(h, other.clone()).await;
        for queue in [own_interactive.queue_key(), own_batch.queue_key()] {
            assert_eq!(h.store().should_yield(CRAWL, &queue).await, Ok(true), "{name}");
        }
        for id in [own_batch.id, other.id] {
            h.store().cancel(&id, None).await.unwrap();
        }
    }
}

pub async fn interactive_job_keeps_its_queue_after_lease_expiry_and_cancellation(h: &impl Harness) {
    let expired = submit_and_claim(h, crawl_of("a", true)).await;
    let interactive = expired.job.queue_key();
    let batch = QueueKey::batch(interactive.principal.clone());
    h.advance(LEASE).await;
    h.store().requeue().await.unwrap();
    assert_eq!(h.store().should_yield(CRAWL, &batch).await, Ok(true));
    assert_eq!(h.store().should_yield(CRAWL, &interactive).await, Ok(false));
    let cancelled = h.store().cancel(&expired.job.id, None).await.unwrap();
    assert!(cancelled.spec.interactive);
    assert_eq!(h.store().should_yield(CRAWL, &batch).await, Ok(false));
    assert!(claim(h, "n", 1).await.is_empty());
}
