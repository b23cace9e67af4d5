//! One caller with very much to do, or with what never ends, and another one with a single job: how many claims, pages and
//! deliveries go before his. Counted, not timed.

use super::*;

#[test]
fn of_1_000_pages_that_hang_no_more_than_those_under_way_go_before_anothers() {
    no_more_than_those_under_way_go_before(of("one", 1));
}

#[test]
fn of_1_000_pages_that_hang_no_more_than_those_under_way_go_before_one_of_the_same_caller_who_waits_for_it() {
    let mut job = of("one", 1);
    (job.principal, job.spec.interactive) = (Principal::new("hangs"), true);
    no_more_than_those_under_way_go_before(job);
}

fn no_more_than_those_under_way_go_before(job: NewJob) {
    by_jumps(|| async {
        let hang = |url: &str| if url.contains("hangs") { Does::Hang(3600 * SECOND) } else { Does::Come };
        let plot = Plot::new(Site::new(hang));
        let (workers, side_by_side) = (plot.policy.jobs.workers[&CRAWL], plot.policy.crawl.pages_per_job.get());
        let mut house = plot.build();
        for _ in 0..workers {
            house.submit(of("hangs", 250)).await;
        }
        // Every worker is at it.
        while house.site.under_way() < workers * side_by_side {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let id = house.submit(job).await;
        assert_eq!(house.webhook().await["task_id"], id.as_str());
        let before = house.site.before("one.example");
        assert_eq!(before, workers * side_by_side, "only what was under way already");
        assert_eq!(house.died("crawl_worker", "hung"), 0);
    });
}

#[test]
fn where_both_lines_of_a_caller_hold_all_workers_his_youngest_that_nobody_waits_for_lets_others_go_first() {
    let handed_over = handed_over_by(&[false, true, false, true]);
    assert_eq!(handed_over, [0, 0, 1, 0]);
}

#[test]
fn the_only_one_of_a_line_goes_on_while_the_other_line_has_more() {
    assert_eq!(handed_over_by(&[true, false, true, true]), [0, 0, 0, 1]);
}

#[test]
fn where_each_line_of_a_caller_has_but_one_they_let_others_go_first_all_the_same() {
    assert_eq!(handed_over_by(&[true, false]), [0, 1]);
    assert_eq!(handed_over_by(&[false, true]), [0, 1]);
}

/// Of one caller's jobs that hold a worker each, and whose pages hang, how often each was begun anew because it had let
/// another caller's go first.
fn handed_over_by(interactive: &'static [bool]) -> Vec<usize> {
    let (tell, told) = std::sync::mpsc::channel();
    by_jumps(|| async move {
        let hang = |url: &str| if url.contains("hangs") { Does::Hang(3600 * SECOND) } else { Does::Come };
        let mut plot = Plot::new(Site::new(hang));
        plot.policy.jobs.workers.insert(CRAWL, interactive.len());
        let mut house = plot.build();
        for (at, interactive) in interactive.iter().enumerate() {
            let mut job = of(&format!("hangs-{at}"), 1);
            (job.principal, job.spec.interactive) = (Principal::new("hangs"), *interactive);
            house.submit(job).await;
            while house.site.under_way() <= at {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
        let id = house.submit(of("one", 1)).await;
        assert_eq!(house.webhook().await["task_id"], id.as_str());
        while house.site.under_way() < interactive.len() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let begun = house.site.begun();
        let times = |at: usize| begun.iter().filter(|url| url.contains(&format!("hangs-{at}."))).count();
        tell.send((0..interactive.len()).map(|at| times(at) - 1).collect()).expect("the test waits");
    });
    told.recv().expect("it is told")
}

#[test]
fn a_job_that_lets_others_go_first_because_its_pages_hang_goes_on_afterwards_and_loses_no_attempt() {
    by_jumps(|| async {
        let hang = |url: &str| if url.contains("hangs") { Does::Hang(60 * SECOND) } else { Does::Hang(SECOND) };
        let plot = Plot::new(Site::new(hang));
        let workers = plot.policy.jobs.workers[&CRAWL];
        let mut house = plot.build();
        let mut hanging = Vec::new();
        for _ in 0..workers {
            hanging.push(house.submit(of("hangs", 2)).await);
        }
        // One who has very much to do as well, so that somebody always waits.
        for _ in 0..500 {
            house.submit(of("many", 1)).await;
        }
        let mut left = hanging.clone();
        while !left.is_empty() {
            let told = house.webhook().await;
            left.retain(|id| told["task_id"] != id.as_str());
        }
        for id in &hanging {
            assert_eq!(house.job(id).await.attempt(), 1);
        }
    });
}

#[test]
fn where_no_job_is_to_hand_over_none_does() {
    by_jumps(|| async {
        let hang = |url: &str| if url.contains("hangs") { Does::Hang(100 * SECOND) } else { Does::Come };
        let mut plot = Plot::new(Site::new(hang));
        plot.policy.crawl.time_slice = None;
        let mut house = plot.build();
        for _ in 0..4 {
            house.submit(of("hangs", 4)).await;
        }
        while house.site.under_way() < 16 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let (id, began) = (house.submit(of("one", 1)).await, Instant::now());
        while house.webhook().await["task_id"] != id.as_str() {}
        assert!(began.elapsed() > 99 * SECOND, "{:?}", began.elapsed());
        assert_eq!(house.site.begun().len(), 17, "nothing was begun twice");
    });
}

#[test]
fn one_principals_jobs_are_left_alone_while_nobody_else_waits() {
    by_jumps(|| async {
        let house = Plot::new(Site::new(|_| Does::Hang(3600 * SECOND))).build();
        for _ in 0..9 {
            house.submit(of("a", 1)).await;
        }
        tokio::time::sleep(120 * SECOND).await;
        assert_eq!(house.site.begun().len(), 4, "nothing was begun twice");
    });
}

#[test]
fn of_1_000_receivers_that_hang_each_has_one_delivery_under_way_before_anothers() {
    by_jumps(|| async {
        let mut plot = Plot::new(Site::new(|_| Does::Come));
        plot.receivers = Arc::new(|host| match host.starts_with("hangs") {
            true => (SECOND, 0),
            false => (Duration::ZERO, 200),
        });
        for n in 0..1000 {
            for _ in 0..2 {
                let job = of(&format!("hangs-{n}"), 1);
                let id = job.id.clone();
                plot.store.submit(job).await.expect("there is room");
                plot.store.cancel(&id, None).await.expect("it is not settled");
            }
        }
        let in_flight = plot.policy.webhooks.in_flight;
        let mut house = plot.build();
        // All places are taken by who does not answer.
        for _ in 0..in_flight {
            house.webhook().await;
        }
        let id = house.submit(of("one", 1)).await;
        let mut before = in_flight;
        while house.webhook().await["task_id"] != id.as_str() {
            before += 1;
        }
        // Those under way when it came, one of each receiver, and those that begin beside it.
        assert!(before <= 1000 + 2 * in_flight, "{before} deliveries went first");
    });
}
