//! Leases are renewed while the work goes on, and run out when whoever held them is gone.

use super::*;
use crate::domain::job::{JobState, Status};
use crate::kinds::CRAWL;
use crate::testing::jobs::{good_page, node};

#[test]
fn a_lease_is_renewed_for_as_long_as_the_work_goes_on_and_nobody_else_gets_the_job() {
    by_jumps(|| async {
        let plot = Plot::new(Site::new(|_| Does::Hang(300 * SECOND)));
        let lease = plot.policy.jobs.lease;
        let house = plot.build();
        let id = house.submit(of("a", 1)).await;
        house.until(&id, |job| matches!(job.state, JobState::Running { .. })).await;
        for _ in 0..9 {
            tokio::time::sleep(lease).await;
            let claims = house.store.claim(&node("another"), CRAWL, 9, lease).await;
            assert!(claims.expect("the store is there").is_empty());
        }
        let job = house.until(&id, |job| job.state.is_settled()).await;
        assert_eq!((job.attempt(), house.site.begun().len()), (1, 1));
    });
}

#[test]
fn a_job_whose_node_is_gone_runs_here_when_its_lease_has_run_out_with_only_the_pages_that_are_missing() {
    by_jumps(|| async {
        let plot = Plot::new(Site::new(|_| Does::Come));
        let lease = plot.policy.jobs.lease;
        plot.store.submit(of("a", 3)).await.expect("there is room");
        let claims = plot.store.claim(&node("gone"), CRAWL, 1, lease).await.expect("the store is there");
        plot.store.record_pages(&claims[0].lease, vec![good_page(1)]).await.expect("the lease is good");
        let (id, began) = (claims[0].job.id.clone(), Instant::now());
        let mut house = plot.build();
        assert_eq!(house.webhook().await["task_id"], id.as_str());
        assert!(began.elapsed() >= lease, "it was taken from whoever still held it");
        assert!(began.elapsed() <= lease + 2 * SECOND, "{:?}", began.elapsed());
        assert_eq!(house.site.begun(), ["https://a.example/0", "https://a.example/2"]);
        let late = house.store.record_pages(&claims[0].lease, vec![good_page(0)]).await;
        assert_eq!(late.err(), Some(StoreError::LeaseLost), "whoever was gone can write nothing when he is back");
        assert_eq!(house.job(&id).await.state.status(), Status::Completed);
    });
}
