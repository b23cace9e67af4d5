//! A job is cancelled wherever it stands: its work is over within two seconds, it ends once, and is told of once.

use super::*;
use crate::domain::job::{JobState, Status};
use crate::ports::Claim;
use crate::testing::jobs::node;

const AN_HOUR: Duration = Duration::from_secs(3600);

/// The job ends as cancelled, stays so, and one webhook tells of it.
async fn ends_cancelled_once(house: &mut House, id: &JobId) {
    let job = house.cancel(id).await.expect("it is not settled");
    assert_eq!(job.state, JobState::Cancelled);
    tokio::time::sleep(2 * SECOND).await;
    assert_eq!(house.site.under_way(), 0, "work goes on");
    let begun = house.site.begun().len();
    tokio::time::sleep(AN_HOUR / 2).await;
    assert_eq!(house.site.begun().len(), begun, "work was begun again");
    let told = house.told();
    let of_it: Vec<_> = told.iter().filter(|told| told["task_id"] == id.as_str()).collect();
    assert_eq!(of_it.iter().map(|told| &told["status"]).collect::<Vec<_>>(), ["cancelled"]);
    assert!(matches!(house.cancel(id).await, Err(StoreError::Conflict(_))), "it is settled");
}

#[test]
fn while_its_pages_hang() {
    by_jumps(|| async {
        let mut house = Plot::new(Site::new(|_| Does::Hang(AN_HOUR))).build();
        let id = house.submit(of("a", 9)).await;
        while house.site.under_way() < 4 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        ends_cancelled_once(&mut house, &id).await;
        assert_eq!(house.died("crawl_worker", "in a job"), 0, "its worker lives");
    });
}

#[test]
fn while_it_waits_in_the_queue() {
    by_jumps(|| async {
        let mut plot = Plot::new(Site::new(|_| Does::Hang(AN_HOUR)));
        plot.policy.jobs.workers.insert(CRAWL, 1);
        let mut house = plot.build();
        let runs = house.submit(of("a", 1)).await;
        house.until(&runs, |job| matches!(job.state, JobState::Running { .. })).await;
        let waits = house.submit(of("a", 1)).await;
        house.cancel(&waits).await.expect("it is not settled");
        ends_cancelled_once(&mut house, &runs).await;
        assert_eq!(house.site.begun().len(), 1, "it was never begun");
        assert_eq!(house.job(&waits).await.state.status(), Status::Cancelled);
    });
}

#[test]
fn while_it_waits_for_its_next_attempt() {
    by_jumps(|| async {
        let mut plot = Plot::new(Site::new(|_| Does::Panic));
        plot.policy.jobs.backoff.initial = AN_HOUR / 4;
        plot.policy.jobs.backoff.max = AN_HOUR / 4;
        let mut house = plot.build();
        let id = house.submit(of("a", 1)).await;
        house.until(&id, |job| matches!(job.state, JobState::Queued { not_before: Some(_) })).await;
        ends_cancelled_once(&mut house, &id).await;
        assert_eq!(house.site.begun().len(), 1);
    });
}

#[test]
fn while_another_node_works_on_it() {
    by_jumps(|| async {
        let plot = Plot::new(Site::new(|_| Does::Come));
        plot.store.submit(of("a", 1)).await.expect("there is room");
        let claims = plot.store.claim(&node("another"), CRAWL, 1, AN_HOUR).await;
        let claims = claims.expect("the store is there");
        let [Claim { lease, .. }] = &claims[..] else { panic!("one was submitted") };
        let mut house = plot.build();
        ends_cancelled_once(&mut house, &lease.job).await;
        assert_eq!(house.store.renew(std::slice::from_ref(lease), AN_HOUR).await, Ok(vec![lease.clone()]));
    });
}

#[test]
fn while_it_comes_to_its_end_either_is_true_and_never_both() {
    by_jumps(|| async {
        let mut ends = std::collections::HashMap::<Status, u32>::new();
        for moment in 0..24 {
            // The page comes at about the moment at which somebody cancels.
            let mut house = Plot::new(Site::new(|_| Does::Hang(Duration::from_millis(100)))).build();
            let id = house.submit(of("a", 1)).await;
            tokio::time::sleep(Duration::from_millis(99)).await;
            for _ in 0..moment {
                tokio::task::yield_now().await;
            }
            tokio::time::sleep(Duration::from_millis(moment % 4)).await;
            let cancelled = house.cancel(&id).await;
            tokio::time::sleep(5 * SECOND).await;
            let status = house.job(&id).await.state.status();
            assert_eq!(cancelled.is_ok(), status == Status::Cancelled, "{cancelled:?}");
            let told: Vec<_> = house.told().iter().map(|told| told["status"].clone()).collect();
            assert_eq!(told, [status.as_str()]);
            *ends.entry(status).or_default() += 1;
        }
        assert_eq!(ends.len(), 2, "both ends were seen: {ends:?}");
    });
}
