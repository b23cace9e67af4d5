//! Cancellation in every state: work stops within two seconds, the job settles once, and one webhook is sent.

use std::collections::HashMap;
use std::time::Duration;

use super::scripted::{Fetch, ScriptedSite};
use super::system::{HOUR, SECOND, Setup, TestSystem, crawl_of, wait_until, with_paused_time};
use crate::domain::id::JobId;
use crate::domain::job::{JobState, Status};
use crate::kinds::CRAWL;
use crate::ports::{Claim, StoreError};
use crate::testing::jobs::node;

/// Cancels the job, and asserts that it remains cancelled and sends one webhook.
async fn cancels_once(system: &mut TestSystem, id: &JobId) {
    let job = system.cancel(id).await.expect("the job is not settled");
    assert_eq!(job.state, JobState::Cancelled);
    tokio::time::sleep(2 * SECOND).await;
    assert_eq!(system.site.in_progress(), 0, "work continues");
    let started = system.site.started().len();
    tokio::time::sleep(HOUR / 2).await;
    assert_eq!(system.site.started().len(), started, "work was started again");
    let webhooks = system.webhooks();
    let of_job = webhooks.iter().filter(|webhook| webhook["task_id"] == id.as_str());
    assert_eq!(of_job.map(|webhook| &webhook["status"]).collect::<Vec<_>>(), ["cancelled"]);
    assert!(matches!(system.cancel(id).await, Err(StoreError::Conflict(_))), "the job is settled");
}

#[test]
fn job_with_hanging_pages_is_cancelled() {
    with_paused_time(|| async {
        let mut system = Setup::new(ScriptedSite::new(|_| Fetch::Hang(HOUR))).start();
        let id = system.submit(crawl_of("a", 9)).await;
        wait_until(|| system.site.in_progress() == 4).await;
        cancels_once(&mut system, &id).await;
        assert_eq!(system.exits("crawl_worker", "working"), 0, "the worker continues");
    });
}

#[test]
fn queued_job_is_cancelled() {
    with_paused_time(|| async {
        let mut setup = Setup::new(ScriptedSite::new(|_| Fetch::Hang(HOUR)));
        setup.policy.jobs.workers.insert(CRAWL, 1);
        let mut system = setup.start();
        let running = system.submit(crawl_of("a", 1)).await;
        system.wait_for(&running, |job| matches!(job.state, JobState::Running { .. })).await;
        let queued = system.submit(crawl_of("a", 1)).await;
        system.cancel(&queued).await.expect("the job is not settled");
        cancels_once(&mut system, &running).await;
        assert_eq!(system.site.started().len(), 1, "the queued job was never started");
        assert_eq!(system.job(&queued).await.state.status(), Status::Cancelled);
    });
}

#[test]
fn job_is_cancelled_between_attempts() {
    with_paused_time(|| async {
        let mut setup = Setup::new(ScriptedSite::new(|_| Fetch::Panic));
        setup.policy.jobs.backoff.initial = HOUR / 4;
        setup.policy.jobs.backoff.max = HOUR / 4;
        let mut system = setup.start();
        let id = system.submit(crawl_of("a", 1)).await;
        system.wait_for(&id, |job| matches!(job.state, JobState::Queued { not_before: Some(_) })).await;
        cancels_once(&mut system, &id).await;
        assert_eq!(system.site.started().len(), 1);
    });
}

#[test]
fn job_of_another_node_is_cancelled() {
    with_paused_time(|| async {
        let setup = Setup::new(ScriptedSite::new(|_| Fetch::Succeed));
        setup.store.submit(crawl_of("a", 1)).await.expect("the job is admitted");
        let claims = setup.store.claim(&node("another"), CRAWL, 1, HOUR).await.expect("the store is available");
        let [Claim { lease, .. }] = &claims[..] else { panic!("one job was submitted") };
        let mut system = setup.start();
        cancels_once(&mut system, &lease.job).await;
        assert_eq!(system.store.renew(std::slice::from_ref(lease), HOUR).await, Ok(vec![lease.clone()]));
    });
}

#[test]
fn job_that_ends_while_it_is_cancelled_settles_once() {
    with_paused_time(|| async {
        let mut ends = HashMap::<Status, u32>::new();
        for moment in 0..24 {
            // The page is fetched at about the time of the cancellation.
            let mut system = Setup::new(ScriptedSite::new(|_| Fetch::Hang(Duration::from_millis(100)))).start();
            let id = system.submit(crawl_of("a", 1)).await;
            tokio::time::sleep(Duration::from_millis(99)).await;
            for _ in 0..moment {
                tokio::task::yield_now().await;
            }
            tokio::time::sleep(Duration::from_millis(moment % 4)).await;
            let cancelled = system.cancel(&id).await;
            tokio::time::sleep(5 * SECOND).await;
            let status = system.job(&id).await.state.status();
            assert_eq!(cancelled.is_ok(), status == Status::Cancelled, "{cancelled:?}");
            let webhooks: Vec<_> = system.webhooks().iter().map(|webhook| webhook["status"].clone()).collect();
            assert_eq!(webhooks, [status.as_str()]);
            *ends.entry(status).or_default() += 1;
        }
        assert_eq!(ends.len(), 2, "both orders occurred: {ends:?}");
    });
}
