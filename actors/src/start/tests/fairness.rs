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
    (job.principal, job.spec.attended) = (Principal::new("hangs"), true);
    no_more_than_those_under_way_go_before(job);
}

fn no_more_than_those_under_way_go_before(job: NewJob) {
    by_jumps(|| async {
        let hang = |url: &str| if url.contains("hangs") { Does::Hang(3600 * SECOND) } else { Does::Come };
        let plot = Plot::new(Site::new(hang));
        let (workers, side_by_side) = (plot.policy.jobs.crawl_workers, plot.policy.crawl.pages_per_job.get());
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
fn where_neither_line_of_a_caller_holds_most_of_the_workers_but_both_do_the_larger_ones_youngest_lets_others_go_first()
{
    by_jumps(|| async {
        let hang = |url: &str| if url.contains("hangs") { Does::Hang(3600 * SECOND) } else { Does::Come };
        let plot = Plot::new(Site::new(hang));
        let mut house = plot.build();
        for attended in [false, true, true, false] {
            let mut job = of("hangs", 1);
            job.spec.attended = attended;
            house.submit(job).await;
        }
        while house.site.under_way() < 4 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let id = house.submit(of("one", 1)).await;
        assert_eq!(house.webhook().await["task_id"], id.as_str());
    });
}

#[test]
fn a_job_that_lets_others_go_first_because_its_pages_hang_goes_on_afterwards_and_loses_no_attempt() {
    by_jumps(|| async {
        let hang = |url: &str| if url.contains("hangs") { Does::Hang(60 * SECOND) } else { Does::Hang(SECOND) };
        let plot = Plot::new(Site::new(hang));
        let workers = plot.policy.jobs.crawl_workers;
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
        plot.policy.crawl.slice = None;
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
