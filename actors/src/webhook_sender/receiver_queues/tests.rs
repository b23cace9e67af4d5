use std::num::NonZeroU32;
use std::time::Duration;

use jiff::Timestamp;

use super::*;
use crate::domain::retry::Backoff;
use crate::kinds::CRAWL;

fn due(receiver: &str, n: u128) -> DueDelivery {
    let job = JobId::new(CRAWL, Timestamp::UNIX_EPOCH, n);
    DueDelivery { job, receiver: Receiver::new(receiver), version: 1, interruptions: 0, wait: Duration::ZERO }
}

fn queues(max_in_flight: usize, max_in_flight_per_receiver: usize) -> ReceiverQueues {
    let second = Duration::from_secs(1);
    let retry = DeliveryPolicy {
        max_attempts: NonZeroU32::MIN,
        backoff: Backoff { initial: second, max: second, jitter: 0.0 },
        retry_statuses: vec![],
        max_interruptions: 10,
    };
    ReceiverQueues::new(&SenderPolicy {
        retry,
        lease: second,
        max_in_flight,
        max_in_flight_per_receiver,
        horizon: second,
        max_in_memory: 100,
        sweep: second,
    })
}

fn start_all(queues: &mut ReceiverQueues) -> Vec<DueDelivery> {
    std::iter::from_fn(|| queues.start_next()).collect()
}

#[test]
fn suspects_are_sent_one_at_a_time_and_delay_no_others() {
    let mut queues = queues(9, 9);
    let suspect = |n| DueDelivery { interruptions: 6, ..due("odd", n) };
    (0..2).for_each(|n| queues.push(suspect(n)));
    queues.push(DueDelivery { interruptions: 5, ..due("odd", 7) });
    queues.push(due("a", 8));
    let started = start_all(&mut queues);
    assert_eq!(started, [suspect(0), DueDelivery { interruptions: 5, ..due("odd", 7) }, due("a", 8)]);
    queues.finish(&started[1], true);
    assert_eq!(queues.start_next(), None);
    queues.finish(&started[0], true);
    assert_eq!((queues.start_next(), queues.waiting()), (Some(suspect(1)), 0));
}

#[test]
fn slow_receiver_delays_no_other() {
    let mut queues = queues(10, 2);
    (0..5).for_each(|n| queues.push(due("slow", n)));
    queues.push(due("quick", 9));
    let receivers: Vec<_> = start_all(&mut queues).iter().map(|due| due.receiver.as_str().to_owned()).collect();
    assert_eq!(receivers, ["slow", "quick", "slow"]);
}

#[test]
fn receiver_waits_for_at_most_one_delivery_of_each_other() {
    let mut queues = queues(10, 4);
    for hanging in 0..1000 {
        (0..3).for_each(|n| queues.push(due(&format!("hanging {hanging}"), hanging * 10 + n)));
    }
    queues.push(due("quick", 99_999));
    let mut earlier = 0;
    // Each delivery to a hanging receiver ends with a timeout.
    while let Some(started) = queues.start_next().filter(|started| started.receiver.as_str() != "quick") {
        earlier += 1;
        queues.finish(&started, false);
    }
    assert_eq!(earlier, 1000);
}

#[test]
fn finished_delivery_frees_its_slot() {
    let mut queues = queues(1, 1);
    queues.push(due("a", 1));
    queues.push(due("a", 2));
    let first = queues.start_next().expect("a slot is free");
    assert_eq!(queues.start_next(), None);
    queues.finish(&first, true);
    assert_eq!(queues.start_next(), Some(due("a", 2)));
}

#[test]
fn unresponsive_receiver_has_one_slot_until_it_responds() {
    let mut queues = queues(9, 2);
    (0..6).for_each(|n| queues.push(due("a", n)));
    let started = start_all(&mut queues);
    started.iter().for_each(|due| queues.finish(due, false));
    let single = start_all(&mut queues);
    assert_eq!((started.len(), single.len()), (2, 1));
    queues.finish(&single[0], true);
    assert_eq!(start_all(&mut queues).len(), 2);
}

#[test]
fn job_is_queued_once() {
    let mut queues = queues(9, 9);
    queues.push(due("a", 1));
    queues.push(due("a", 1));
    assert_eq!((queues.waiting(), start_all(&mut queues).len()), (1, 1));
}
