//! Actors that crash repeatedly are replaced with back-off and counted.

use std::ops::RangeInclusive;
use std::time::Duration;

use tokio::time::Instant;

use super::scripted::{Fetch, ScriptedSite};
use super::system::{SECOND, Setup, crawl_of, with_paused_time};
use crate::testing::kill::{KillWorkers, Panic};

/// The delay doubles with each crash, up to five seconds.
const CRASHES_IN_TWENTY_SECONDS: RangeInclusive<u64> = 8..=20;

#[test]
fn crashing_workers_are_replaced_with_back_off() {
    with_paused_time(|| async {
        let mut system = Setup::new(ScriptedSite::new(|_| Fetch::Succeed)).start();
        tokio::time::sleep(Duration::from_millis(1)).await;
        assert_eq!((system.starts("crawl_worker", "start"), system.starts("llm_worker", "start")), (4, 2));
        for _ in 0..20_000 {
            system.actors.supervisor.notify(KillWorkers);
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let exits = system.exits("crawl_worker", "idle");
        assert!(CRASHES_IN_TWENTY_SECONDS.contains(&(exits / 4)), "{exits} crashes of 4 workers in 20 s");
        tokio::time::sleep(6 * SECOND).await;
        assert_eq!(system.starts("crawl_worker", "replaced"), exits);
        for _ in 0..4 {
            system.submit(crawl_of("a", 1)).await;
            assert_eq!(system.webhook().await["status"], "completed");
        }
    });
}

#[test]
fn crashing_supervisor_and_sender_are_replaced_and_find_their_work() {
    with_paused_time(|| async {
        let mut system = Setup::new(ScriptedSite::new(|_| Fetch::Succeed)).start();
        for _ in 0..20_000 {
            system.actors.supervisor.notify(Panic);
            system.actors.sender.notify(Panic);
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let job = crawl_of("a", 1);
        system.store.submit(job.clone()).await.expect("the job is admitted");
        for actor in ["job_supervisor", "webhook_sender"] {
            let exits = system.exits(actor, "panicked");
            assert!(CRASHES_IN_TWENTY_SECONDS.contains(&exits), "{exits} crashes of {actor} in 20 s");
            assert_eq!(system.starts(actor, "start"), 1);
        }
        assert_eq!(system.webhook().await["task_id"], job.id.as_str());
        for actor in ["job_supervisor", "webhook_sender"] {
            assert_eq!(system.starts(actor, "replaced"), system.exits(actor, "panicked"));
        }
        // An actor that has been stable is replaced without a long delay.
        tokio::time::sleep(120 * SECOND).await;
        let crashed = Instant::now();
        system.actors.supervisor.notify(Panic);
        let job = crawl_of("a", 1);
        system.store.submit(job.clone()).await.expect("the job is admitted");
        assert_eq!(system.webhook().await["task_id"], job.id.as_str());
        assert!(crashed.elapsed() < SECOND, "{:?}", crashed.elapsed());
    });
}
