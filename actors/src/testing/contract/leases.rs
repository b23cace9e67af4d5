//! Leases: expiry, renewal, release and fencing.

use std::time::Duration;

use super::harness::{Harness, LEASE, claim, submit, submit_and_claim};
use crate::domain::crash;
use crate::domain::job::{Interruption, Stage};
use crate::ports::{Claim, Release, SettleReason, StoreError};
use crate::testing::jobs::{crawl, good_page};

fn release(interruption: Interruption, delay: Duration) -> Release {
    Release { interruption, reason: Some("reason".to_owned()), delay }
}

pub async fn leased_job_is_not_claimed_again(h: &impl Harness) {
    submit_and_claim(h, crawl(1)).await;
    h.advance(LEASE / 2).await;
    assert!(claim(h, "second", 1).await.is_empty());
}

pub async fn expired_job_is_claimed_with_its_missing_pages_only(h: &impl Harness) {
    let first = submit_and_claim(h, crawl(3)).await;
    h.store().record_pages(&first.lease, vec![good_page(1)]).await.unwrap();
    h.advance(LEASE).await;
    let second = claim(h, "second", 1).await.pop().unwrap();
    assert_eq!(second.missing, [0, 2]);
    assert!(second.lease.token > first.lease.token);
}

pub async fn expired_lease_can_be_renewed_until_the_next_claim(h: &impl Harness) {
    let first = submit_and_claim(h, crawl(1)).await;
    h.advance(LEASE).await;
    assert_eq!(h.store().renew(std::slice::from_ref(&first.lease), LEASE).await, Ok(vec![]));
    assert!(claim(h, "second", 1).await.is_empty());
}

pub async fn wait_is_noted_until_the_next_claim(h: &impl Harness) {
    let first = submit_and_claim(h, crawl(1)).await;
    let waiting_for = async || h.store().job(&first.job.id, None).await.unwrap().unwrap().waiting_for;
    let note = [(first.lease.clone(), Some("a delay".to_owned()))];
    h.store().note_waits(&note).await.unwrap();
    assert_eq!(waiting_for().await.as_deref(), Some("a delay"));
    h.store().note_waits(&[(first.lease.clone(), None)]).await.unwrap();
    assert_eq!(waiting_for().await, None);
    h.store().note_waits(&note).await.unwrap();
    h.advance(LEASE).await;
    assert_eq!(claim(h, "m", 1).await.len(), 1);
    assert_eq!(waiting_for().await, None);
    h.store().note_waits(&note).await.unwrap();
    assert_eq!(waiting_for().await, None, "the lease is stale");
}

pub async fn stale_lease_cannot_write(h: &impl Harness) {
    let stale = submit_and_claim(h, crawl(1)).await.lease;
    let drained = release(Interruption::Drained, Duration::ZERO);
    h.store().release(&stale, drained.clone()).await.unwrap();
    claim(h, "first", 1).await.pop().unwrap();
    let store = h.store();
    assert_eq!(store.record_pages(&stale, vec![good_page(0)]).await, Err(StoreError::LeaseLost));
    assert_eq!(store.settle(&stale, SettleReason::WorkDone).await, Err(StoreError::LeaseLost));
    assert_eq!(store.renew(std::slice::from_ref(&stale), LEASE).await, Ok(vec![stale.clone()]));
    assert_eq!(store.release(&stale, drained).await, Err(StoreError::LeaseLost));
}

pub async fn drained_job_keeps_its_attempts_and_queue_position(h: &impl Harness) {
    let first = submit_and_claim(h, crawl(1)).await;
    submit(h, crawl(1)).await;
    h.store().release(&first.lease, release(Interruption::Drained, Duration::ZERO)).await.unwrap();
    let again = claim(h, "second", 1).await.pop().unwrap();
    assert_eq!((again.job.id, again.job.attempts_spent), (first.job.id, 0));
}

pub async fn crashed_job_is_delayed_and_costs_an_attempt(h: &impl Harness) {
    let first = submit_and_claim(h, crawl(1)).await;
    let delay = Duration::from_secs(5);
    h.store().release(&first.lease, release(Interruption::Crashed, delay)).await.unwrap();
    assert!(claim(h, "second", 1).await.is_empty());
    let job = h.store().job(&first.job.id, None).await.unwrap().unwrap();
    assert_eq!((job.stage(), job.attempt()), (Stage::Retrying, 2));
    h.advance(delay).await;
    assert_eq!(claim(h, "second", 1).await.len(), 1);
}

/// Claims the only job `times` times without releasing it. Returns the last claim.
async fn crash_repeatedly(h: &impl Harness, times: u32) -> Claim {
    for crashes in 1..=times {
        h.advance(LEASE).await;
        h.store().requeue().await.unwrap();
        let delay = crash::delay_after(crashes);
        if !delay.is_zero() {
            assert!(claim(h, "early", 1).await.is_empty(), "claimed before {delay:?} after crash {crashes}");
            h.advance(delay).await;
        }
        let claims = claim(h, "next", 1).await;
        let counts: Vec<_> = claims.iter().map(|claim| (claim.job.crashes, claim.job.attempts_spent)).collect();
        assert_eq!(counts, [(crashes, 0)]);
        if crashes == times {
            return claims.into_iter().next().unwrap();
        }
    }
    unreachable!("`times` is at least 1")
}

pub async fn crash_is_counted_and_delayed_and_costs_no_attempt(h: &impl Harness) {
    let first = submit_and_claim(h, crawl(2)).await;
    h.store().record_pages(&first.lease, vec![good_page(0)]).await.unwrap();
    let last = crash_repeatedly(h, 7).await;
    assert_eq!((last.missing, last.job.is_suspect()), (vec![1], true));
}

pub async fn drain_keeps_the_number_of_crashes(h: &impl Harness) {
    submit_and_claim(h, crawl(1)).await;
    let crashed = crash_repeatedly(h, 2).await;
    h.store().release(&crashed.lease, release(Interruption::Drained, Duration::ZERO)).await.unwrap();
    assert_eq!(claim(h, "next", 1).await[0].job.crashes, 2);
}

pub async fn attempt_that_ends_without_a_crash_clears_the_crashes(h: &impl Harness) {
    submit_and_claim(h, crawl(1)).await;
    let mut held = crash_repeatedly(h, 2).await;
    for interruption in [Interruption::Yielded, Interruption::Deferred, Interruption::Crashed, Interruption::Hung] {
        h.store().release(&held.lease, release(interruption, Duration::ZERO)).await.unwrap();
        held = claim(h, "next", 1).await.pop().unwrap();
        assert_eq!(held.job.crashes, 0, "{interruption:?}");
        let crash = release(Interruption::Vanished, Duration::ZERO);
        h.store().release(&held.lease, crash).await.unwrap();
        held = claim(h, "next", 1).await.pop().unwrap();
        assert_eq!(held.job.crashes, 1, "released as crashed");
    }
}

pub async fn cleared_crashes_are_counted_again_from_zero(h: &impl Harness) {
    submit_and_claim(h, crawl(1)).await;
    let crashed = crash_repeatedly(h, 3).await;
    h.store().clear_crashes(&crashed.lease).await.unwrap();
    crash_repeatedly(h, 2).await;
    let stale = h.store().clear_crashes(&crashed.lease).await;
    assert_eq!(stale, Err(StoreError::LeaseLost));
    assert_eq!(h.store().job(&crashed.job.id, None).await.unwrap().unwrap().crashes, 2);
}
