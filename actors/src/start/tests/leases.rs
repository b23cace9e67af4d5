//! Leases are renewed during work, and expire when their node ends.

use tokio::time::Instant;

use super::scripted::{Fetch, ScriptedSite};
use super::system::{SECOND, Setup, crawl_of, with_paused_time};
use crate::domain::job::{JobState, Status};
use crate::kinds::CRAWL;
use crate::ports::StoreError;
use crate::testing::jobs::{good_page, node};

#[test]
fn lease_is_renewed_while_the_job_runs() {
    with_paused_time(|| async {
        let setup = Setup::new(ScriptedSite::new(|_| Fetch::Hang(300 * SECOND)));
        let lease = setup.policy.jobs.lease;
        let system = setup.start();
        let id = system.submit(crawl_of("a", 1)).await;
        system.wait_for(&id, |job| matches!(job.state, JobState::Running { .. })).await;
        for _ in 0..9 {
            tokio::time::sleep(lease).await;
            let claims = system.store.claim(&node("another"), CRAWL, 9, lease).await;
            assert!(claims.expect("the store is available").is_empty());
        }
        let job = system.wait_for(&id, |job| job.state.is_settled()).await;
        assert_eq!((job.attempt(), system.site.started().len()), (1, 1));
    });
}

#[test]
fn job_of_a_dead_node_continues_after_its_lease() {
    with_paused_time(|| async {
        let setup = Setup::new(ScriptedSite::new(|_| Fetch::Succeed));
        let lease = setup.policy.jobs.lease;
        setup.store.submit(crawl_of("a", 3)).await.expect("the job is admitted");
        let claims = setup.store.claim(&node("dead"), CRAWL, 1, lease).await.expect("the store is available");
        setup.store.record_pages(&claims[0].lease, vec![good_page(1)]).await.expect("the lease is valid");
        let (id, started) = (claims[0].job.id.clone(), Instant::now());
        let mut system = setup.start();
        assert_eq!(system.webhook().await["task_id"], id.as_str());
        assert!(started.elapsed() >= lease, "the job was claimed during the lease");
        assert!(started.elapsed() <= lease + 2 * SECOND, "{:?}", started.elapsed());
        assert_eq!(system.site.started(), ["https://a.example/0", "https://a.example/2"]);
        let late = system.store.record_pages(&claims[0].lease, vec![good_page(0)]).await;
        assert_eq!(late.err(), Some(StoreError::LeaseLost), "a stale lease cannot write");
        assert_eq!(system.job(&id).await.state.status(), Status::Completed);
    });
}
