//! Panics, hangs and crashes of actors, and work that is no longer wanted.

use std::time::Duration;

use opilio_actors::domain::job::JobState;
use opilio_actors::ports::{JobStore, Submission};
use opilio_actors::testing::fakes::page;
use opilio_actors::testing::jobs::crawl;
use opilio_actors::testing::kill::Panic;
use opilio_actors::testing::until::{DEADLINE, expect, until};

use crate::app::{FetchLog, TestApp, block_on, gate_at, gated, one_page, pages};

/// Long enough for a page without delay on a loaded machine.
const STALL_TIMEOUT: Duration = Duration::from_secs(1);
/// A lease that cannot expire during a test.
const ONE_DAY: Duration = Duration::from_secs(86_400);

#[actix::test]
async fn page_that_panics_does_not_repeat_other_pages() {
    let fetches = FetchLog::default();
    let log = fetches.clone();
    let mut app = TestApp::new(&[], move |url| {
        log.add(url);
        assert!(!url.ends_with("/0"), "the first page panics");
        Some(Ok(page(200)))
    });
    let id = app.submit(pages("a", 6)).await;
    assert_eq!(app.next_webhook().await["status"], "completed");
    let counts: Vec<_> = (0..6).map(|page| fetches.count(&format!("https://a.example/{page}"))).collect();
    assert_eq!(counts, [3, 1, 1, 1, 1, 1]);
    assert_eq!(app.job(&id).await.progress.failed, 1);
}

#[actix::test]
async fn stalled_attempt_is_aborted_and_its_worker_replaced() {
    let fetches = FetchLog::default();
    let mut app = TestApp::customized(
        &[],
        move |url| (fetches.add(url) > 1).then(|| Ok(page(200))),
        |_, policy| policy.jobs.stall_timeout = STALL_TIMEOUT,
    );
    let id = app.submit(crawl(1)).await;
    assert_eq!(app.next_webhook().await["status"], "completed");
    assert_eq!(app.job(&id).await.attempt(), 2);
    assert_eq!(app.died("crawl_worker", "stalled"), 1);
}

#[actix::test]
async fn page_that_always_hangs_fails_alone() {
    let mut app = TestApp::customized(
        &[],
        |url| (!url.ends_with("/1")).then(|| Ok(page(200))),
        |_, policy| policy.jobs.stall_timeout = STALL_TIMEOUT,
    );
    let id = app.submit(crawl(3)).await;
    assert_eq!(app.next_webhook().await["status"], "completed");
    assert_eq!(app.page_error(&id, 1).await, "Given up after 3 attempts: no progress within 1s");
    assert_eq!(app.job(&id).await.progress.failed, 1);
}

#[actix::test]
async fn wall_clock_limit_fails_unfinished_pages_only() {
    let mut app = TestApp::customized(
        &[],
        |url| (!url.ends_with("/1")).then(|| Ok(page(200))),
        |_, policy| policy.jobs.wall_clock = Some(Duration::from_secs(2)),
    );
    let id = app.submit(crawl(2)).await;
    assert_eq!(app.next_webhook().await["status"], "completed");
    assert_eq!(app.page_error(&id, 1).await, "Not finished within the job's time limit of 2s");
    let second = app.submit(pages("b", 2)).await;
    assert_eq!(app.next_webhook().await["status"], "completed");
    assert_eq!(app.job(&second).await.progress.failed, 1);
}

#[actix::test]
async fn crashed_supervisor_jobs_pass_to_its_successor_immediately() {
    let fetches = FetchLog::default();
    let log = fetches.clone();
    let mut app = TestApp::customized(
        &[],
        move |url| (log.add(url) > 1).then(|| Ok(page(200))),
        |_, policy| policy.jobs.lease = ONE_DAY,
    );
    let id = app.submit(one_page("a")).await;
    // The first fetch hangs.
    until(async || expect(fetches.count("https://a.example/0") == 1, fetches.urls()), DEADLINE).await;
    app.actors.supervisor.notify(Panic);
    assert_eq!(app.next_webhook().await["task_id"], id.as_str());
    assert_eq!(app.died("job_supervisor", "panicked"), 1);
}

#[actix::test]
async fn claim_that_reaches_a_crashed_supervisor_is_released() {
    let (mut gate, job) = (None, crawl(1));
    let id = job.id.clone();
    let mut app = TestApp::customized(
        &[],
        |_| Some(Ok(page(200))),
        |dependencies, policy| {
            // Submitted before the start, so that the first claim, which is held, returns it.
            assert_eq!(block_on(dependencies.store.submit(job)), Ok(Submission::Admitted));
            gate = Some(gate_at("claim.after", dependencies));
            policy.jobs.lease = ONE_DAY;
        },
    );
    app.job_until(&id, |job| matches!(job.state, JobState::Running { .. })).await;
    // The claim arrives in the mailbox behind the message that panics.
    gate.expect("it was created").send_replace(true);
    app.actors.supervisor.notify(Panic);
    assert_eq!(app.next_webhook().await["task_id"], id.as_str());
    assert_eq!(app.died("job_supervisor", "panicked"), 1);
}

#[actix::test]
async fn work_on_a_job_settled_elsewhere_is_stopped() {
    let mut app = TestApp::customized(
        &[],
        |url| (!url.contains("hangs")).then(|| Ok(page(200))),
        |_, policy| policy.jobs.lease = Duration::from_secs(1),
    );
    // Both workers hang.
    for _ in 0..2 {
        let id = app.submit(one_page("hangs")).await;
        app.job_until(&id, |job| matches!(job.state, JobState::Running { .. })).await;
        app.store.cancel(&id, None).await.expect("the job is not settled");
        app.next_webhook().await;
    }
    let id = app.submit(one_page("good")).await;
    assert_eq!(app.next_webhook().await["task_id"], id.as_str());
}

#[actix::test]
async fn job_cancelled_during_its_claim_is_not_started() {
    // The result of a claim is delayed.
    let (mut app, fetches, gate) = gated("claim.after", |_| {});
    // The first claim, at the start, may return nothing; a second one follows.
    let id = app.submit(one_page("cancelled")).await;
    app.cancel(&id).await;
    assert_eq!(app.next_webhook().await["status"], "cancelled");
    gate.send_replace(true);
    app.submit(one_page("good")).await;
    assert_eq!(app.next_webhook().await["status"], "completed");
    assert_eq!(fetches.count("https://cancelled.example/0"), 0);
}
