//! Drains: their duration, and the state that they leave in the store.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::scripted::{Fetch, ScriptedSite};
use super::system::{SECOND, Setup, crawl_of, with_paused_time};
use crate::domain::delivery::DeliveryState;
use crate::domain::job::JobState;
use crate::http_front::Drain;
use crate::job_supervisor::SubmitJob;
use crate::ports::DueQuery;
use crate::testing::failing_store::FailingStore;

const GRACE: Duration = Duration::from_secs(8);

fn due_now() -> DueQuery {
    DueQuery {
        horizon: Duration::ZERO,
        limit: 100,
        limit_per_principal: 100,
        limit_per_receiver: 10,
        excluded_principals: vec![],
        excluded_receivers: vec![],
        max_wait: Duration::from_secs(32),
    }
}

#[test]
fn work_is_released_after_the_grace_period_at_no_cost() {
    with_paused_time(|| async {
        let fetch = |url: &str| if url.contains("hangs") { Fetch::Hang(600 * SECOND) } else { Fetch::Succeed };
        let mut setup = Setup::new(ScriptedSite::new(fetch));
        setup.receivers = Arc::new(|_| (25 * SECOND, 200));
        let mut system = setup.start();
        let (running, settled) = (system.submit(crawl_of("hangs", 3)).await, system.submit(crawl_of("a", 1)).await);
        system.webhook().await;
        system.wait_for(&running, |job| matches!(job.state, JobState::Running { .. })).await;
        let started = Instant::now();
        system.actors.front.send(Drain { grace: GRACE }).await.expect("the front runs");
        let took = started.elapsed();
        assert!((GRACE..GRACE + SECOND).contains(&took), "{took:?}: docker stop waits for ten seconds");
        let job = system.job(&running).await;
        assert_eq!((job.state, job.attempts_spent), (JobState::Queued { not_before: None }, 0));
        tokio::time::sleep(Duration::from_millis(1)).await;
        assert_eq!(system.site.in_progress(), 0);

        let delivery = system.job(&settled).await.delivery.expect("the job is settled");
        assert!(matches!(delivery.state, DeliveryState::Pending { .. }), "{delivery:?}");
        assert_eq!(delivery.attempts, 0, "the retry schedule is unchanged");
        let due = system.store.due(due_now()).await.expect("the store is available");
        assert_eq!(due.iter().map(|due| (&due.job, due.interruptions)).collect::<Vec<_>>(), [(&settled, 0)]);
        let log = system.store.deliveries(&settled, None).await.expect("the store is available");
        let error = log.expect("the job exists").attempts[0].error.clone();
        assert_eq!(error.as_deref(), Some("aborted: the server is shutting down"));
    });
}

#[test]
fn drain_ends_when_jobs_and_webhooks_end() {
    with_paused_time(|| async {
        let mut setup = Setup::new(ScriptedSite::new(|_| Fetch::Hang(3 * SECOND)));
        setup.receivers = Arc::new(|_| (2 * SECOND, 200));
        let mut system = setup.start();
        let id = system.submit(crawl_of("a", 1)).await;
        system.wait_for(&id, |job| matches!(job.state, JobState::Running { .. })).await;
        let started = Instant::now();
        system.actors.front.send(Drain { grace: GRACE }).await.expect("the front runs");
        assert!(started.elapsed() < 6 * SECOND, "{:?}", started.elapsed());
        assert_eq!(system.webhooks().len(), 1);
        let delivery = system.job(&id).await.delivery.expect("the job is settled");
        assert_eq!(delivery.state, DeliveryState::Delivered);
        let refused = system.actors.front.send(SubmitJob { job: crawl_of("a", 1) }).await.expect("the front runs");
        assert!(refused.is_err_and(|error| error.is_transient()), "no jobs are admitted");
    });
}

#[test]
fn job_claimed_at_the_end_of_the_grace_period_loses_no_attempt() {
    with_paused_time(|| async {
        let mut setup = Setup::new(ScriptedSite::new(|_| Fetch::Hang(600 * SECOND)));
        let job = crawl_of("a", 1);
        setup.store.submit(job.clone()).await.expect("the job is admitted");
        // The job is claimed; the reply is delayed.
        let fails = |point| async move {
            if point == "claim.after" {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            Ok(())
        };
        setup.store = Arc::new(FailingStore { store: Arc::clone(&setup.store), fails });
        let system = setup.start();
        system.wait_for(&job.id, |job| matches!(job.state, JobState::Running { .. })).await;
        system.actors.front.send(Drain { grace: Duration::from_millis(1) }).await.expect("the front runs");
        let job = system.job(&job.id).await;
        assert_eq!((job.state, job.attempts_spent), (JobState::Queued { not_before: None }, 0));
        assert!(system.site.started().is_empty(), "the job was not started");
    });
}
