//! Fairness between principals: how many pages and deliveries of a large or hanging load precede another principal's job.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::scripted::{Fetch, ScriptedSite};
use super::system::{HOUR, SECOND, Setup, crawl_of, wait_until, with_paused_time};
use crate::domain::id::Principal;
use crate::kinds::CRAWL;
use crate::ports::NewJob;
use crate::testing::jobs::{fresh_id, target};

/// Pages of the hosts `hangs…` hang for this time.
fn hanging_for(time: Duration) -> ScriptedSite {
    ScriptedSite::new(move |url| if url.contains("hangs") { Fetch::Hang(time) } else { Fetch::Succeed })
}

#[test]
fn other_principal_waits_only_for_in_flight_pages() {
    waits_only_for_in_flight_pages(crawl_of("one", 1));
}

#[test]
fn interactive_page_waits_only_for_in_flight_pages() {
    let mut job = crawl_of("one", 1);
    (job.principal, job.spec.interactive) = (Principal::new("hangs"), true);
    waits_only_for_in_flight_pages(job);
}

fn waits_only_for_in_flight_pages(job: NewJob) {
    with_paused_time(|| async {
        let setup = Setup::new(hanging_for(HOUR));
        let (workers, pages) = (setup.policy.jobs.workers[&CRAWL], setup.policy.crawl.pages_per_job.get());
        let mut system = setup.start();
        for _ in 0..workers {
            system.submit(crawl_of("hangs", 250)).await;
        }
        wait_until(|| system.site.in_progress() == workers * pages).await;
        let id = system.submit(job).await;
        assert_eq!(system.webhook().await["task_id"], id.as_str());
        assert_eq!(system.site.started_before("one.example"), workers * pages, "only pages in flight");
        assert_eq!(system.exits("crawl_worker", "stalled"), 0);
    });
}

#[test]
fn youngest_batch_job_is_preempted_first() {
    assert_eq!(preempted(&[false, true, false, true]), [0, 0, 1, 0]);
}

#[test]
fn only_job_of_a_queue_is_not_preempted() {
    assert_eq!(preempted(&[true, false, true, true]), [0, 0, 0, 1]);
}

#[test]
fn job_is_preempted_if_each_queue_has_only_one() {
    assert_eq!(preempted(&[true, false]), [0, 1]);
    assert_eq!(preempted(&[false, true]), [0, 1]);
}

/// One principal's jobs, interactive or batch, hold all workers and hang. Returns how often each was preempted for
/// another principal's job.
fn preempted(interactive: &'static [bool]) -> Vec<usize> {
    let (sender, result) = std::sync::mpsc::channel();
    with_paused_time(|| async move {
        let mut setup = Setup::new(hanging_for(HOUR));
        setup.policy.jobs.workers.insert(CRAWL, interactive.len());
        let mut system = setup.start();
        for (at, interactive) in interactive.iter().enumerate() {
            let mut job = crawl_of(&format!("hangs-{at}"), 1);
            (job.principal, job.spec.interactive) = (Principal::new("hangs"), *interactive);
            system.submit(job).await;
            wait_until(|| system.site.in_progress() > at).await;
        }
        let id = system.submit(crawl_of("one", 1)).await;
        assert_eq!(system.webhook().await["task_id"], id.as_str());
        wait_until(|| system.site.in_progress() == interactive.len()).await;
        let started = system.site.started();
        let starts = |at: usize| started.iter().filter(|url| url.contains(&format!("hangs-{at}."))).count();
        sender.send((0..interactive.len()).map(|at| starts(at) - 1).collect()).expect("the test waits");
    });
    result.recv().expect("a result was sent")
}

#[test]
fn preempted_jobs_finish_and_lose_no_attempt() {
    with_paused_time(|| async {
        let fetch = |url: &str| Fetch::Hang(if url.contains("hangs") { 60 * SECOND } else { SECOND });
        let setup = Setup::new(ScriptedSite::new(fetch));
        let workers = setup.policy.jobs.workers[&CRAWL];
        let mut system = setup.start();
        let mut hanging = Vec::new();
        for _ in 0..workers {
            hanging.push(system.submit(crawl_of("hangs", 2)).await);
        }
        // Another principal always has jobs that wait.
        for _ in 0..500 {
            system.submit(crawl_of("many", 1)).await;
        }
        let mut remaining = hanging.clone();
        while !remaining.is_empty() {
            let webhook = system.webhook().await;
            remaining.retain(|id| webhook["task_id"] != id.as_str());
        }
        for id in &hanging {
            assert_eq!(system.job(id).await.attempt(), 1);
        }
    });
}

#[test]
fn short_jobs_start_within_five_seconds_beside_hanging_jobs() {
    with_paused_time(|| async {
        let mut system = Setup::new(hanging_for(HOUR)).start();
        for _ in 0..20 {
            system.submit(crawl_of("hangs", 4)).await;
        }
        wait_until(|| system.site.in_progress() == 16).await;
        for _ in 0..3 {
            let submitted = Instant::now();
            let mut short = Vec::new();
            for _ in 0..5 {
                short.push(system.submit(crawl_of("one", 1)).await);
            }
            while !short.is_empty() {
                let webhook = system.webhook().await;
                short.retain(|id| webhook["task_id"] != id.as_str());
            }
            assert!(submitted.elapsed() <= 5 * SECOND, "{:?}", submitted.elapsed());
            tokio::time::sleep(60 * SECOND).await;
        }
    });
}

#[test]
fn principal_keeps_half_of_the_workers() {
    with_paused_time(|| async {
        let system = Setup::new(hanging_for(HOUR)).start();
        for principal in ["hangs-a", "hangs-b"] {
            for _ in 0..8 {
                system.submit(crawl_of(principal, 1)).await;
            }
            tokio::time::sleep(60 * SECOND).await;
        }
        let started = system.site.started();
        let starts = |name: &str| started.iter().filter(|url| url.contains(name)).count();
        assert_eq!((starts("hangs-a"), starts("hangs-b")), (4, 2), "two jobs were preempted");
        assert_eq!(system.site.in_progress(), 4);
    });
}

#[test]
fn no_job_is_preempted_without_time_slices() {
    with_paused_time(|| async {
        let mut setup = Setup::new(hanging_for(100 * SECOND));
        setup.policy.crawl.time_slice = None;
        let mut system = setup.start();
        for _ in 0..4 {
            system.submit(crawl_of("hangs", 4)).await;
        }
        wait_until(|| system.site.in_progress() == 16).await;
        let (id, submitted) = (system.submit(crawl_of("one", 1)).await, Instant::now());
        while system.webhook().await["task_id"] != id.as_str() {}
        assert!(submitted.elapsed() > 99 * SECOND, "{:?}", submitted.elapsed());
        assert_eq!(system.site.started().len(), 17, "no page was started twice");
    });
}

#[test]
fn no_job_is_preempted_while_no_other_principal_waits() {
    with_paused_time(|| async {
        let system = Setup::new(ScriptedSite::new(|_| Fetch::Hang(HOUR))).start();
        for _ in 0..9 {
            system.submit(crawl_of("a", 1)).await;
        }
        tokio::time::sleep(120 * SECOND).await;
        assert_eq!(system.site.started().len(), 4, "no page was started twice");
    });
}

#[test]
fn deliveries_of_others_do_not_wait_for_hanging_receivers() {
    with_paused_time(|| async {
        let mut setup = Setup::new(ScriptedSite::new(|_| Fetch::Succeed));
        setup.receivers = Arc::new(|host| match host.starts_with("hangs") {
            true => (30 * SECOND, 0),
            false => (Duration::ZERO, 200),
        });
        // More than are kept in memory.
        setup.policy.webhooks.max_in_memory = 500;
        for n in 0..1000 {
            let mut job = crawl_of("many", 1);
            job.spec.webhook = Some(target(&format!("http://hangs-{n}.example/hook")));
            let id = job.id.clone();
            setup.store.submit(job).await.expect("the job is admitted");
            setup.store.cancel(&id, None).await.expect("the job is not settled");
        }
        let mut system = setup.start();
        // The same principal's receiver has responded before.
        let mut known = crawl_of("many", 1);
        known.spec.webhook = Some(target("http://known.example/hook"));
        system.submit(known.clone()).await;
        while system.webhook().await["task_id"] != known.id.as_str() {}
        for _ in 0..10 {
            tokio::time::sleep(10 * SECOND).await;
            let submitted = Instant::now();
            let again = NewJob { id: fresh_id(), ..known.clone() };
            let mut expected = vec![system.submit(again).await, system.submit(crawl_of("one", 1)).await];
            while !expected.is_empty() {
                let webhook = system.webhook().await;
                expected.retain(|id| webhook["task_id"] != id.as_str());
            }
            assert!(submitted.elapsed() <= 5 * SECOND, "{:?}", submitted.elapsed());
        }
    });
}
