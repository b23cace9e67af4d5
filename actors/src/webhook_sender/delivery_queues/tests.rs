use std::num::NonZeroU32;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::advance;

use super::*;
use crate::domain::retry::Backoff;
use crate::kinds::CRAWL;

const TIMEOUT: Duration = Duration::from_secs(30);

fn due_of(principal: &str, receiver: &str, n: u128) -> DueDelivery {
    let job = JobId::new(CRAWL, Timestamp::UNIX_EPOCH, n);
    let (principal, receiver) = (Principal::new(principal), Receiver::new(receiver));
    DueDelivery { job, principal, receiver, version: 1, interruptions: 0, wait: Duration::ZERO }
}

fn due(receiver: &str, n: u128) -> DueDelivery {
    due_of("one", receiver, n)
}

fn queues(max_in_flight: usize, max_in_flight_per_receiver: usize) -> DeliveryQueues {
    let second = Duration::from_secs(1);
    let retry = DeliveryPolicy {
        max_attempts: NonZeroU32::MIN,
        backoff: Backoff { initial: second, max: second, jitter: 0.0 },
        retry_statuses: vec![],
        max_interruptions: 10,
    };
    DeliveryQueues::new(&SenderPolicy {
        retry,
        lease: second,
        max_in_flight,
        max_in_flight_per_receiver,
        horizon: second,
        max_in_memory: 100,
        sweep: second,
    })
}

fn start_all(queues: &mut DeliveryQueues) -> Vec<DueDelivery> {
    std::iter::from_fn(|| queues.start_next()).collect()
}

/// The receiver responds in time, so that it is healthy from now on.
fn respond(queues: &mut DeliveryQueues, due: DueDelivery) {
    queues.push(due.clone());
    assert_eq!(start_all(queues), std::slice::from_ref(&due));
    queues.finish(&due, Some(true));
}

#[test]
fn suspects_are_sent_one_at_a_time_and_delay_no_others() {
    let mut queues = queues(100, 100);
    let suspect = |n| DueDelivery { interruptions: 6, ..due("odd", n) };
    (0..2).for_each(|n| queues.push(suspect(n)));
    queues.push(DueDelivery { interruptions: 5, ..due("other", 7) });
    queues.push(due("a", 8));
    let started = start_all(&mut queues);
    assert_eq!(started, [suspect(0), DueDelivery { interruptions: 5, ..due("other", 7) }, due("a", 8)]);
    queues.finish(&started[1], Some(true));
    assert_eq!(queues.start_next(), None);
    queues.finish(&started[0], Some(true));
    assert_eq!((queues.start_next(), queues.waiting()), (Some(suspect(1)), 0));
}

#[test]
fn principals_and_their_receivers_take_turns() {
    let mut queues = queues(1000, 100);
    for (n, (principal, receiver)) in [("a", "x"), ("a", "y"), ("b", "x")].into_iter().enumerate() {
        respond(&mut queues, due_of(principal, receiver, 100 + n as u128));
    }
    for (n, (principal, receiver)) in [("a", "x"), ("a", "x"), ("a", "y"), ("b", "x")].into_iter().enumerate() {
        queues.push(due_of(principal, receiver, n as u128));
    }
    let order: Vec<_> = start_all(&mut queues)
        .into_iter()
        .map(|due| (due.principal.as_str().to_owned(), due.receiver.as_str().to_owned()))
        .collect();
    let expected = [("a", "x"), ("b", "x"), ("a", "y"), ("a", "x")];
    assert_eq!(order, expected.map(|(principal, receiver)| (principal.to_owned(), receiver.to_owned())));
}

#[test]
fn new_receiver_gets_one_attempt_until_it_responds() {
    let mut queues = queues(1000, 1000);
    (0..6).for_each(|n| queues.push(due("a", n)));
    let first = start_all(&mut queues);
    assert_eq!(first, [due("a", 0)]);
    queues.finish(&first[0], Some(true));
    assert_eq!(start_all(&mut queues).len(), 5, "it is healthy");
}

#[test]
fn hanging_receiver_has_one_attempt_in_flight() {
    let mut queues = queues(1000, 1000);
    (0..6).for_each(|n| queues.push(due("a", n)));
    for n in 0..5 {
        let started = start_all(&mut queues);
        assert_eq!(started, [due("a", n)]);
        queues.finish(&started[0], Some(false));
    }
    let last = start_all(&mut queues);
    queues.finish(&last[0], Some(true));
    (10..14).for_each(|n| queues.push(due("a", n)));
    assert_eq!(start_all(&mut queues).len(), 4, "it has responded");
}

#[tokio::test(start_paused = true)]
async fn late_response_counts_as_hanging() {
    let mut queues = queues(1000, 1000);
    (0..6).for_each(|n| queues.push(due("a", n)));
    let first = start_all(&mut queues);
    advance(SLOW).await;
    queues.finish(&first[0], Some(true));
    assert_eq!(start_all(&mut queues).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn flood_of_hanging_receivers_delays_no_others() {
    let mut queues = queues(256, 64);
    for n in 0..20 {
        respond(&mut queues, due(&format!("known {n}"), 1_000_000 + n));
    }
    for n in 0..3000 {
        queues.push(due(&format!("http://hanging-{n} x"), n));
    }
    let hangs = |due: &DueDelivery| due.receiver.as_str().contains("hanging");
    let (mut in_flight, mut new) = (VecDeque::new(), Vec::new());
    for round in 0..60 {
        let n = 10_000 * (1 + round);
        // Another principal's new receiver, and receivers of the same principal that have responded before.
        let others = std::iter::once(due_of("two", &format!("new {round}"), n))
            .chain((0..20).map(|known| due(&format!("known {known}"), n + 1 + known)));
        let mut others: Vec<_> = others.collect();
        others.iter().for_each(|due| queues.push(due.clone()));
        // A new receiver of the same principal: it starts in this round or in the next one.
        let started_before = std::mem::replace(&mut new, vec![due(&format!("http://mine-{round} x"), n + 100)]);
        new.iter().for_each(|due| queues.push(due.clone()));
        let started = start_all(&mut queues);
        others.retain(|due| !started.contains(due));
        assert_eq!(others, [], "round {round}");
        assert!(started_before.iter().all(|due| started.contains(due) || !queues.contains(&due.job)), "round {round}");
        for due in started {
            if hangs(&due) {
                in_flight.push_back((Instant::now(), due));
            } else {
                queues.finish(&due, Some(true));
            }
        }
        advance(Duration::from_secs(3)).await;
        queues.note_slow();
        let is_over = |(since, _): &(Instant, DueDelivery)| since.elapsed() >= TIMEOUT;
        while in_flight.front().is_some_and(is_over)
            && let Some((_, due)) = in_flight.pop_front()
        {
            queues.finish(&due, Some(false));
        }
        assert!(queues.in_flight() <= 3 * 256, "{}", queues.in_flight());
    }
}

#[tokio::test(start_paused = true)]
async fn flood_of_new_receivers_delays_no_retry_to_hanging_receivers() {
    let mut queues = queues(256, 64);
    let hung = due_of("two", "http://hung x", 1);
    queues.push(hung.clone());
    start_all(&mut queues);
    queues.finish(&hung, Some(false));
    for n in 0..3000 {
        queues.push(due(&format!("http://hanging-{n} x"), 10 + n));
    }
    for round in 0..10 {
        start_all(&mut queues);
        advance(Duration::from_secs(3)).await;
        queues.note_slow();
        let retry = due_of("two", "http://hung x", 10_000 + round);
        queues.push(retry.clone());
        assert!(start_all(&mut queues).contains(&retry), "round {round}, {} in flight", queues.in_flight());
        queues.finish(&retry, Some(false));
    }
}

#[test]
fn hanging_paths_delay_no_path_of_their_origin() {
    let mut queues = queues(256, 64);
    respond(&mut queues, due("http://a healthy", 1000));
    (0..100).for_each(|n| queues.push(due(&format!("http://a {n}"), n)));
    // Each path is tried once, and hangs.
    for _ in 0..100 {
        let started = start_all(&mut queues);
        started.iter().for_each(|due| queues.finish(due, Some(false)));
        if started.is_empty() {
            break;
        }
    }
    (0..100).for_each(|n| queues.push(due(&format!("http://a {n}"), 100 + n)));
    let hanging = start_all(&mut queues).len();
    assert!((1..=16).contains(&hanging), "{hanging}");
    for expected in [due("http://a healthy", 2000), due("http://a new", 2001), due_of("two", "http://a 1", 2002)] {
        queues.push(expected.clone());
        assert_eq!(start_all(&mut queues), [expected]);
    }
}

#[tokio::test(start_paused = true)]
async fn receivers_that_stop_responding_free_their_slots_when_they_are_slow() {
    let mut queues = queues(16, 16);
    for n in 0..20 {
        respond(&mut queues, due(&format!("http://{n} x"), n));
    }
    (0..6).for_each(|n| queues.push(due(&format!("http://{n} x"), 100 + n)));
    let stuck = start_all(&mut queues).len();
    queues.push(due("http://19 x", 200));
    assert_eq!(start_all(&mut queues), [], "{stuck} deliveries are in flight");
    advance(SLOW).await;
    queues.note_slow();
    assert_eq!(start_all(&mut queues), [due("http://19 x", 200)]);
}

#[test]
fn attempt_without_request_leaves_the_health_unchanged() {
    let mut queues = queues(1000, 1000);
    (0..6).for_each(|n| queues.push(due("a", n)));
    for n in 0..3 {
        let started = start_all(&mut queues);
        assert_eq!(started, [due("a", n)]);
        queues.finish(&started[0], None);
    }
}

#[test]
fn job_is_queued_once() {
    let mut queues = queues(100, 100);
    queues.push(due("a", 1));
    queues.push(due("a", 1));
    assert_eq!((queues.waiting(), start_all(&mut queues).len()), (1, 1));
}
