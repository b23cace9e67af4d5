//! A drain: how long it takes, and what it leaves to the next process.

use super::*;
use crate::domain::delivery::DeliveryState;
use crate::domain::job::JobState;
use crate::http_front::Drain;
use crate::ports::DueQuery;
use crate::testing::failing_store::FailingStore;

const GRACE: Duration = Duration::from_secs(8);

fn due_now() -> DueQuery {
    let max_wait = Duration::from_secs(32);
    DueQuery { horizon: Duration::ZERO, limit: 100, limit_per_receiver: 10, excluded_receivers: vec![], max_wait }
}

#[test]
fn what_does_not_end_in_the_grace_is_handed_back_in_time_and_has_lost_nothing() {
    by_jumps(|| async {
        let hang = |url: &str| if url.contains("hangs") { Does::Hang(600 * SECOND) } else { Does::Come };
        let mut plot = Plot::new(Site::new(hang));
        plot.receivers = Arc::new(|_| (25 * SECOND, 200));
        let mut house = plot.build();
        let (works, told) = (house.submit(of("hangs", 3)).await, house.submit(of("a", 1)).await);
        house.webhook().await;
        house.until(&works, |job| matches!(job.state, JobState::Running { .. })).await;
        let began = Instant::now();
        house.actors.front.send(Drain { grace: GRACE }).await.expect("the front is there");
        let took = began.elapsed();
        assert!((GRACE..GRACE + SECOND).contains(&took), "{took:?}: docker stop waits for ten seconds");
        let job = house.job(&works).await;
        assert_eq!((job.state, job.attempts_spent), (JobState::Queued { not_before: None }, 0));
        tokio::time::sleep(Duration::from_millis(1)).await;
        assert_eq!(house.site.under_way(), 0);

        let delivery = house.job(&told).await.delivery.expect("it is settled");
        assert!(matches!(delivery.state, DeliveryState::Pending { .. }), "{delivery:?}");
        assert_eq!(delivery.attempts, 0, "the schedule is as it was");
        let due = house.store.due(due_now()).await.expect("the store is there");
        assert_eq!(due.iter().map(|due| (&due.job, due.interruptions)).collect::<Vec<_>>(), [(&told, 0)]);
        let log = house.store.deliveries(&told, None).await.expect("the store is there").expect("it is kept");
        assert_eq!(log.attempts[0].error.as_deref(), Some("broken off: the server is shutting down"));
    });
}

#[test]
fn a_drain_is_over_as_soon_as_nothing_runs_and_lets_what_can_end_come_to_its_end() {
    by_jumps(|| async {
        let mut plot = Plot::new(Site::new(|_| Does::Hang(3 * SECOND)));
        plot.receivers = Arc::new(|_| (2 * SECOND, 200));
        let mut house = plot.build();
        let id = house.submit(of("a", 1)).await;
        house.until(&id, |job| matches!(job.state, JobState::Running { .. })).await;
        let began = Instant::now();
        house.actors.front.send(Drain { grace: GRACE }).await.expect("the front is there");
        assert!(began.elapsed() < 6 * SECOND, "{:?}", began.elapsed());
        assert_eq!(house.told().len(), 1);
        let delivery = house.job(&id).await.delivery.expect("it is settled");
        assert_eq!(delivery.state, DeliveryState::Delivered);
        let refused = house.actors.front.send(SubmitJob { job: of("a", 1) }).await.expect("the front is there");
        assert!(refused.is_err_and(|error| error.is_transient()), "no more jobs");
    });
}

#[test]
fn a_job_that_is_being_claimed_when_the_grace_is_over_loses_no_attempt() {
    by_jumps(|| async {
        let mut plot = Plot::new(Site::new(|_| Does::Hang(600 * SECOND)));
        let job = of("a", 1);
        plot.store.submit(job.clone()).await.expect("there is room");
        // The store has claimed it; its answer takes a while.
        let fails = |point| async move {
            if point == "claim.after" {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            Ok(())
        };
        plot.store = Arc::new(FailingStore { store: Arc::clone(&plot.store), fails });
        let house = plot.build();
        house.until(&job.id, |job| matches!(job.state, JobState::Running { .. })).await;
        house.actors.front.send(Drain { grace: Duration::from_millis(1) }).await.expect("the front is there");
        let job = house.job(&job.id).await;
        assert_eq!((job.state, job.attempts_spent), (JobState::Queued { not_before: None }, 0));
        assert!(house.site.begun().is_empty(), "nobody began it");
    });
}
