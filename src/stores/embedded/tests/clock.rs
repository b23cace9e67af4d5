//! Clock changes: leases, delays and due times follow monotonic time.

use opilio_actors::domain::delivery::{AttemptOutcome, RetryDecision};
use opilio_actors::domain::job::Interruption;
use opilio_actors::ports::{AttemptStart, DeliveryStore, DueQuery, Release};
use opilio_actors::testing::contract::TERMS;
use opilio_actors::testing::jobs::good_page;

use super::*;

const HOUR: Duration = Duration::from_secs(3600);
const DELAY: Duration = Duration::from_secs(5);
const DELAYED: Release = Release { interruption: Interruption::Crashed, reason: None, delay: DELAY };

fn due_now() -> DueQuery {
    DueQuery {
        horizon: Duration::ZERO,
        limit: 9,
        limit_per_receiver: 9,
        limit_per_principal: 100,
        excluded_principals: vec![],
        excluded_receivers: vec![],
        max_wait: Duration::from_secs(32),
    }
}

#[actix::test]
async fn clock_set_forward_expires_no_lease_and_advances_no_retry() {
    let Embedded { store, clock, directory: _directory } = Embedded::new();
    for job in [crawl(1), crawl(1)] {
        store.submit(job).await.unwrap();
    }
    let claims = store.claim(&node("n"), CRAWL, 2, LEASE).await.unwrap();
    let [running, cancelled] = &claims[..] else { panic!("two jobs were submitted") };
    store.cancel(&cancelled.job.id, None).await.unwrap();
    let [due] = &store.due(due_now()).await.unwrap()[..] else { panic!("one delivery is due") };
    let start = store.start_attempt(&due.job, due.version, &node("n"), TERMS).await;
    let Ok(AttemptStart::Started(attempt)) = start else { panic!("{start:?}") };

    clock.set_forward(HOUR);
    store.requeue().await.unwrap();
    assert!(store.claim(&node("m"), CRAWL, 2, LEASE).await.unwrap().is_empty());
    assert!(store.due(due_now()).await.unwrap().is_empty(), "the attempt is in progress");
    store.record_pages(&running.lease, vec![good_page(0)]).await.unwrap();
    let failed = AttemptOutcome::Failed { reason: "reset".to_owned() };
    let retry = RetryDecision::RetryIn(Duration::from_secs(4));
    store.finish_attempt(&attempt, &failed, retry).await.unwrap();
    clock.set_forward(HOUR);
    assert!(store.due(due_now()).await.unwrap().is_empty(), "the retry is not due yet");
}

#[actix::test]
async fn clock_set_back_delays_no_job_and_no_delivery() {
    let Embedded { store, clock, directory: _directory } = Embedded::new();
    store.submit(crawl(1)).await.unwrap();
    let first = store.claim(&node("n"), CRAWL, 1, LEASE).await.unwrap().remove(0);
    store.release(&first.lease, DELAYED).await.unwrap();
    clock.set_back(HOUR);
    clock.advance(DELAY);
    let again = store.claim(&node("n"), CRAWL, 1, LEASE).await.unwrap();
    assert_eq!(again.len(), 1);
    store.cancel(&first.job.id, None).await.unwrap();
    clock.set_back(HOUR);
    assert_eq!(store.due(due_now()).await.map(|due| due.len()), Ok(1));
}

#[actix::test]
async fn clock_set_back_before_restart_causes_only_a_bounded_delay() {
    let Embedded { store, clock, directory } = Embedded::new();
    for job in [crawl(1), crawl(1)] {
        store.submit(job).await.unwrap();
    }
    let claims = store.claim(&node("n"), CRAWL, 2, LEASE).await.unwrap();
    let [delayed, cancelled] = &claims[..] else { panic!("two jobs were submitted") };
    store.release(&delayed.lease, DELAYED).await.unwrap();
    store.cancel(&cancelled.job.id, None).await.unwrap();
    drop((store, clock));

    // Monotonic time starts from the wall clock of the new process.
    let clock = Arc::new(ManualClock::default());
    clock.set_back_before_start(24 * HOUR);
    let store = open(&directory, &clock).unwrap();
    let query = DueQuery { horizon: Duration::from_secs(60), ..due_now() };
    let due = store.due(query).await.unwrap();
    assert_eq!(due.iter().map(|due| due.wait).collect::<Vec<_>>(), [due_now().max_wait]);
    clock.advance(Duration::from_secs(600));
    let again = store.claim(&node("n"), CRAWL, 1, LEASE).await.unwrap();
    assert_eq!(again.len(), 1);
}
