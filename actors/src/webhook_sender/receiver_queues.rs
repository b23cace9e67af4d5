//! Who is sent to next: a line for each receiver, turns among the receivers, bounds on what is in flight.

use std::collections::{HashMap, HashSet, VecDeque};

use crate::domain::delivery::DueDelivery;
use crate::domain::id::JobId;
use crate::domain::retry::DeliveryPolicy;
use crate::domain::webhook::Receiver;
use crate::webhook_sender::SenderPolicy;

#[derive(Default)]
struct QueueKey {
    waiting: VecDeque<DueDelivery>,
    in_flight: usize,
}

/// Every delivery in it is known by its job, whether it waits or is being sent.
pub struct ReceiverQueues {
    queues: HashMap<Receiver, QueueKey>,
    /// Receivers with somebody waiting, in order of their turns.
    turns: VecDeque<Receiver>,
    jobs: HashSet<JobId>,
    waiting: usize,
    in_flight: usize,
    most: usize,
    limit_per_receiver: usize,
    /// They wait for each other, whoever their receivers are: at most one of them is in flight.
    suspects: VecDeque<DueDelivery>,
    suspect_in_flight: bool,
    retry: DeliveryPolicy,
    /// Receivers that did not answer last time: they get one place, so that many of them do not hold all.
    silent: HashSet<Receiver>,
}

/// So many receivers are remembered as silent at most.
const SILENT: usize = 10_000;

impl ReceiverQueues {
    pub fn new(policy: &SenderPolicy) -> Self {
        Self {
            queues: HashMap::new(),
            turns: VecDeque::new(),
            jobs: HashSet::new(),
            waiting: 0,
            in_flight: 0,
            most: policy.in_flight,
            limit_per_receiver: policy.in_flight_per_receiver,
            suspects: VecDeque::new(),
            suspect_in_flight: false,
            retry: policy.retry.clone(),
            silent: HashSet::new(),
        }
    }

    /// Stands at the end of its receiver's line, unless its job is here already.
    pub fn join(&mut self, due: DueDelivery) {
        if !self.jobs.insert(due.job.clone()) {
            return;
        }
        self.waiting += 1;
        if self.is_suspect(&due) {
            return self.suspects.push_back(due);
        }
        let queue = self.queues.entry(due.receiver.clone()).or_default();
        if queue.waiting.is_empty() {
            self.turns.push_back(due.receiver.clone());
        }
        queue.waiting.push_back(due);
    }

    fn is_suspect(&self, due: &DueDelivery) -> bool {
        self.retry.is_suspect(due.interruptions)
    }

    /// The next to be sent now, counted as in flight until it leaves.
    pub fn next(&mut self) -> Option<DueDelivery> {
        if self.in_flight >= self.most {
            return None;
        }
        if !self.suspect_in_flight
            && let Some(due) = self.suspects.pop_front()
        {
            self.suspect_in_flight = true;
            self.queues.entry(due.receiver.clone()).or_default().in_flight += 1;
            self.waiting -= 1;
            self.in_flight += 1;
            return Some(due);
        }
        for _ in 0..self.turns.len() {
            let receiver = self.turns.pop_front()?;
            let Some(queue) = self.queues.get_mut(&receiver) else { continue };
            let room = if self.silent.contains(&receiver) { 1 } else { self.limit_per_receiver };
            if queue.in_flight >= room {
                self.turns.push_back(receiver);
                continue;
            }
            let Some(due) = queue.waiting.pop_front() else { continue };
            queue.in_flight += 1;
            if !queue.waiting.is_empty() {
                self.turns.push_back(receiver);
            }
            self.waiting -= 1;
            self.in_flight += 1;
            return Some(due);
        }
        None
    }

    /// It is no longer in flight, and its receiver `answered` or not.
    pub fn leave(&mut self, due: &DueDelivery, answered: bool) {
        if answered {
            self.silent.remove(&due.receiver);
        } else if self.silent.len() < SILENT {
            self.silent.insert(due.receiver.clone());
        }
        self.jobs.remove(&due.job);
        if self.is_suspect(due) {
            self.suspect_in_flight = false;
        }
        let Some(queue) = self.queues.get_mut(&due.receiver) else { return };
        queue.in_flight = queue.in_flight.saturating_sub(1);
        self.in_flight = self.in_flight.saturating_sub(1);
        if queue.in_flight == 0 && queue.waiting.is_empty() {
            self.queues.remove(&due.receiver);
        }
    }

    pub fn waiting(&self) -> usize {
        self.waiting
    }

    pub fn in_flight(&self) -> usize {
        self.in_flight
    }

    pub fn knows(&self, job: &JobId) -> bool {
        self.jobs.contains(job)
    }

    pub fn waiting_at(&self, receiver: &Receiver) -> usize {
        self.queues.get(receiver).map_or(0, |queue| queue.waiting.len())
    }

    /// Receivers with at least so many waiting.
    pub fn crowded(&self, at_least: usize) -> Vec<Receiver> {
        let crowded = self.queues.iter().filter(|(_, queue)| queue.waiting.len() >= at_least);
        crowded.map(|(receiver, _)| receiver.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
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

    fn queues(in_flight: usize, in_flight_per_receiver: usize) -> ReceiverQueues {
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
            in_flight,
            in_flight_per_receiver,
            horizon: second,
            held: 100,
            sweep: second,
        })
    }

    #[test]
    fn what_may_have_ended_the_process_is_sent_one_at_a_time_and_keeps_nobody_else_waiting() {
        let mut queues = queues(9, 9);
        let suspect = |n| DueDelivery { interruptions: 6, ..due("odd", n) };
        (0..2).for_each(|n| queues.join(suspect(n)));
        queues.join(DueDelivery { interruptions: 5, ..due("odd", 7) });
        queues.join(due("a", 8));
        let sent: Vec<_> = std::iter::from_fn(|| queues.next()).collect();
        assert_eq!(sent, [suspect(0), DueDelivery { interruptions: 5, ..due("odd", 7) }, due("a", 8)]);
        queues.leave(&sent[1], true);
        assert_eq!(queues.next(), None);
        queues.leave(&sent[0], true);
        assert_eq!((queues.next(), queues.waiting()), (Some(suspect(1)), 0));
    }

    #[test]
    fn a_receiver_that_takes_its_time_delays_nobody_else() {
        let mut queues = queues(10, 2);
        (0..5).for_each(|n| queues.join(due("slow", n)));
        queues.join(due("quick", 9));
        let sent: Vec<_> = std::iter::from_fn(|| queues.next()).map(|due| due.receiver.as_str().to_owned()).collect();
        assert_eq!(sent, ["slow", "quick", "slow"]);
    }

    #[test]
    fn a_receiver_waits_for_one_delivery_of_each_other_at_most() {
        let mut queues = queues(10, 4);
        for hanging in 0..1000 {
            (0..3).for_each(|n| queues.join(due(&format!("hanging {hanging}"), hanging * 10 + n)));
        }
        queues.join(due("quick", 99_999));
        let mut before = 0;
        // Whoever is sent to does not answer; his place is free again when the time-out is over.
        while let Some(sent) = queues.next().filter(|sent| sent.receiver.as_str() != "quick") {
            before += 1;
            queues.leave(&sent, false);
        }
        assert_eq!(before, 1000);
    }

    #[test]
    fn who_leaves_makes_room_for_the_next() {
        let mut queues = queues(1, 1);
        queues.join(due("a", 1));
        queues.join(due("a", 2));
        let first = queues.next().expect("there is room");
        assert_eq!(queues.next(), None);
        queues.leave(&first, true);
        assert_eq!(queues.next(), Some(due("a", 2)));
    }

    #[test]
    fn a_silent_receiver_gets_one_place_until_it_answers() {
        let mut queues = queues(9, 2);
        (0..6).for_each(|n| queues.join(due("a", n)));
        let sent: Vec<_> = std::iter::from_fn(|| queues.next()).collect();
        sent.iter().for_each(|due| queues.leave(due, false));
        let alone: Vec<_> = std::iter::from_fn(|| queues.next()).collect();
        assert_eq!((sent.len(), alone.len()), (2, 1));
        queues.leave(&alone[0], true);
        assert_eq!(std::iter::from_fn(|| queues.next()).count(), 2);
    }

    #[test]
    fn a_job_stands_in_line_once() {
        let mut queues = queues(9, 9);
        queues.join(due("a", 1));
        queues.join(due("a", 1));
        assert_eq!((queues.waiting(), std::iter::from_fn(|| queues.next()).count()), (1, 1));
    }
}
