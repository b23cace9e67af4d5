//! What the guarantees share.

use std::time::Duration;

use crate::domain::id::Principal;
use crate::domain::retention::Retention;
use crate::kinds::CRAWL;
use crate::ports::{AttemptTerms, Claim, NewJob, Store, Submission};
use crate::testing::jobs::{crawl, node};

/// The length of every lease in the contract.
pub const LEASE: Duration = Duration::from_secs(30);
/// The terms of every delivery attempt in the contract. An interrupted attempt is repeated after its lease has expired.
pub const TERMS: AttemptTerms = AttemptTerms {
    lease_duration: LEASE,
    interruption_delay: Duration::from_secs(2 * LEASE.as_secs()),
    max_interruptions: 3,
};
/// The retention of every store in the contract.
pub const RETENTION: Retention =
    Retention { settled: Some(Duration::from_secs(3600)), exhausted: Some(Duration::from_secs(7 * 86_400)) };

/// A store under test with a controllable clock.
pub trait Harness: Sync {
    fn store(&self) -> &dyn Store;

    /// Advances the store's time.
    fn advance(&self, time: Duration) -> impl Future<Output = ()> + Send;
}

pub async fn submit(h: &impl Harness, job: NewJob) {
    assert_eq!(h.store().submit(job).await, Ok(Submission::Admitted));
}

/// Claims up to `limit` crawl jobs for the node `name`.
pub async fn claim(h: &impl Harness, name: &str, limit: usize) -> Vec<Claim> {
    h.store().claim(&node(name), CRAWL, limit, LEASE).await.unwrap()
}

/// Submits and claims a job.
pub async fn submit_and_claim(h: &impl Harness, job: NewJob) -> Claim {
    submit(h, job).await;
    claim(h, "first", 1).await.pop().unwrap()
}

/// A crawl of one page in one of the principal's queues.
pub fn crawl_of(principal: &str, interactive: bool) -> NewJob {
    let mut job = crawl(1);
    (job.principal, job.spec.interactive) = (Principal::new(principal), interactive);
    job
}
