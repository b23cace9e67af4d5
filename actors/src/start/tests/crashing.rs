//! Actors that die again and again come back more and more slowly, and are counted.

use super::*;
use crate::testing::kill::{KillWorkers, Panic};

/// Each death waits for one more doubling, up to five seconds.
const IN_TWENTY_SECONDS: std::ops::RangeInclusive<u64> = 8..=20;

#[test]
fn workers_that_die_at_once_again_and_again_are_replaced_more_and_more_slowly_until_one_does_its_job() {
    by_jumps(|| async {
        let mut house = Plot::new(Site::new(|_| Does::Come)).build();
        tokio::time::sleep(Duration::from_millis(1)).await;
        assert_eq!((house.started("crawl_worker", "start"), house.started("llm_worker", "start")), (4, 2));
        for _ in 0..20_000 {
            house.actors.supervisor.tell(KillWorkers);
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let died = house.died("crawl_worker", "between jobs");
        assert!(IN_TWENTY_SECONDS.contains(&(died / 4)), "{died} deaths of 4 workers in 20 s");
        tokio::time::sleep(6 * SECOND).await;
        assert_eq!(house.started("crawl_worker", "replaced"), died);
        for _ in 0..4 {
            house.submit(of("a", 1)).await;
            assert_eq!(house.webhook().await["status"], "completed");
        }
    });
}

#[test]
fn a_supervisor_and_a_sender_that_die_at_once_again_and_again_come_back_more_and_more_slowly_and_find_their_work() {
    by_jumps(|| async {
        let mut house = Plot::new(Site::new(|_| Does::Come)).build();
        for _ in 0..20_000 {
            house.actors.supervisor.tell(Panic);
            house.actors.sender.tell(Panic);
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let job = of("a", 1);
        house.store.submit(job.clone()).await.expect("there is room");
        for actor in ["job_supervisor", "webhook_sender"] {
            let died = house.died(actor, "panicked");
            assert!(IN_TWENTY_SECONDS.contains(&died), "{died} deaths of {actor} in 20 s");
            assert_eq!(house.started(actor, "start"), 1);
        }
        assert_eq!(house.webhook().await["task_id"], job.id.as_str());
        for actor in ["job_supervisor", "webhook_sender"] {
            assert_eq!(house.started(actor, "replaced"), house.died(actor, "panicked"));
        }
        // One that lived for long comes back at once.
        tokio::time::sleep(120 * SECOND).await;
        let began = Instant::now();
        house.actors.supervisor.tell(Panic);
        let job = of("a", 1);
        house.store.submit(job.clone()).await.expect("there is room");
        assert_eq!(house.webhook().await["task_id"], job.id.as_str());
        assert!(began.elapsed() < SECOND, "{:?}", began.elapsed());
    });
}
