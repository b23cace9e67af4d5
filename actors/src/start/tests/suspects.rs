//! Jobs that may have caused crashes of the process run alone, one at a time, and fail if the crashes continue.

use std::num::NonZeroUsize;
use std::time::Duration;

use tokio::time::Instant;

use super::scripted::{Fetch, ScriptedSite};
use super::system::{SECOND, Setup, TestSystem, crawl_of, with_paused_time};
use crate::domain::crash;
use crate::domain::id::JobId;
use crate::domain::job::JobState;
use crate::kinds::CRAWL;
use crate::ports::NewJob;
use crate::testing::jobs::node;

/// Admits the jobs and crashes their node `times` times, before the actors start.
async fn crash_repeatedly(setup: &Setup, jobs: Vec<NewJob>, times: u32) -> Vec<JobId> {
    let ids = jobs.iter().map(|job| job.id.clone()).collect::<Vec<_>>();
    for job in jobs {
        setup.store.submit(job).await.expect("the job is admitted");
    }
    for crashes in 1..=times {
        let claims = setup.store.claim(&node("crashed"), CRAWL, ids.len(), Duration::ZERO).await;
        assert_eq!(claims.expect("the store is available").len(), ids.len());
        setup.store.requeue().await.expect("the store is available");
        tokio::time::sleep(crash::delay_after(crashes)).await;
    }
    ids
}

/// A site where pages of `brief` hosts take 5 s and those of `slow` hosts take 90 s.
fn slow_site() -> ScriptedSite {
    ScriptedSite::new(|url| match url {
        _ if url.contains("brief") => Fetch::Hang(5 * SECOND),
        _ if url.contains("slow") => Fetch::Hang(90 * SECOND),
        _ => Fetch::Succeed,
    })
}

async fn wait_until_running(system: &TestSystem, id: &JobId) {
    system.wait_for(id, |job| matches!(job.state, JobState::Running { .. })).await;
}

#[test]
fn suspects_run_one_at_a_time_while_no_other_job_starts() {
    with_paused_time(|| async {
        let setup = Setup::new(slow_site());
        let suspects = crash_repeatedly(&setup, vec![crawl_of("brief-1", 1), crawl_of("brief-2", 1)], 2).await;
        let mut system = setup.start();
        wait_until_running(&system, &suspects[0]).await;
        let started = Instant::now();
        let others = [system.submit(crawl_of("other", 1)).await, system.submit(crawl_of("another", 1)).await];
        let mut order = Vec::new();
        for _ in 0..4 {
            let webhook = system.webhook().await;
            order.push((webhook["task_id"].as_str().expect("an id").to_owned(), started.elapsed().as_secs()));
        }
        let at = |id: &JobId| order.iter().find(|(done, _)| done == id.as_str()).expect("it settled").1;
        assert!((4..6).contains(&at(&suspects[0])), "{order:?}");
        for id in &others {
            assert!((4..7).contains(&at(id)), "other jobs start when the suspect ends: {order:?}");
        }
        // Half of the time belongs to other jobs.
        assert!((14..17).contains(&at(&suspects[1])), "{order:?}");
    });
}

#[test]
fn suspect_without_a_crash_for_thirty_seconds_is_no_longer_one() {
    with_paused_time(|| async {
        let setup = Setup::new(slow_site());
        let suspects = crash_repeatedly(&setup, vec![crawl_of("a-slow", 1), crawl_of("second", 1)], 3).await;
        let mut system = setup.start();
        wait_until_running(&system, &suspects[0]).await;
        let started = Instant::now();
        let other = system.submit(crawl_of("other", 1)).await;
        assert_eq!(system.webhook().await["task_id"], other.as_str());
        assert!((29..33).contains(&started.elapsed().as_secs()), "{:?}", started.elapsed());
        let running = system.job(&suspects[0]).await;
        assert!(matches!(running.state, JobState::Running { .. }) && running.crashes == 0, "{running:?}");
        assert_eq!(system.webhook().await["task_id"], suspects[1].as_str(), "it runs beside the first one");
        assert!((59..64).contains(&started.elapsed().as_secs()), "{:?}", started.elapsed());
    });
}

#[test]
fn job_isolated_at_the_last_crash_fails_and_others_complete() {
    with_paused_time(|| async {
        let setup = Setup::new(slow_site());
        let max = setup.policy.jobs.max_crashes;
        let crashing = crash_repeatedly(&setup, vec![crawl_of("crashes", 2)], max).await.remove(0);
        let other = crawl_of("other", 1);
        setup.store.submit(other.clone()).await.expect("the job is admitted");
        let mut system = setup.start();
        let webhooks = [system.webhook().await, system.webhook().await];
        let failed = webhooks.iter().find(|webhook| webhook["task_id"] == crashing.as_str()).expect("a webhook");
        let reason = "Given up after 10 crashes of the server while the job ran";
        assert_eq!((failed["status"].as_str(), failed["error"].as_str()), (Some("failed"), Some(reason)));
        assert!(webhooks.iter().any(|webhook| webhook["task_id"] == other.id.as_str()), "{webhooks:?}");
        assert_eq!(system.site.started(), ["https://other.example/0"]);
        assert_eq!(system.job(&crashing).await.attempts_spent, 0);
    });
}

#[test]
fn many_suspects_all_complete() {
    with_paused_time(|| async {
        let setup = Setup::new(slow_site());
        let jobs = (0..20).map(|_| crawl_of("a", 3)).collect();
        let suspects = crash_repeatedly(&setup, jobs, 2).await;
        let mut system = setup.start();
        for _ in &suspects {
            assert_eq!(system.webhook().await["status"], "completed");
        }
    });
}

#[test]
fn suspect_that_yields_stays_a_suspect() {
    with_paused_time(|| async {
        let mut setup = Setup::new(slow_site());
        setup.policy.crawl.time_slice = Some(NonZeroUsize::MIN);
        let suspect = crash_repeatedly(&setup, vec![crawl_of("brief", 4)], 2).await.remove(0);
        let mut system = setup.start();
        wait_until_running(&system, &suspect).await;
        system.submit(crawl_of("other", 1)).await;
        let queued = system
            .wait_for(&suspect, |job| job.progress.done > 0 && matches!(job.state, JobState::Queued { .. }))
            .await;
        assert_eq!(queued.crashes, 2, "{queued:?}");
        let settled = [system.webhook().await, system.webhook().await];
        assert!(settled.iter().any(|webhook| webhook["task_id"] == suspect.as_str()), "{settled:?}");
    });
}
