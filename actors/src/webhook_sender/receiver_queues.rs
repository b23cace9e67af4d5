//! The order of due deliveries: one queue per receiver, round-robin over the receivers, limits on what is in flight.

use std::collections::{HashMap, HashSet, VecDeque};

use super::policy::SenderPolicy;
use crate::domain::delivery::DueDelivery;
use crate::domain::id::JobId;
use crate::domain::retry::DeliveryPolicy;
use crate::domain::webhook::Receiver;

/// The maximum number of receivers that are remembered as unresponsive.
const MAX_UNRESPONSIVE: usize = 10_000;

#[derive(Default)]
struct ReceiverQueue {
    waiting: VecDeque<DueDelivery>,
    in_flight: usize,
}

/// All due deliveries in memory, waiting and in flight; one per job.
pub struct ReceiverQueues {
    queues: HashMap<Receiver, ReceiverQueue>,
    /// Receivers with waiting deliveries, in the order in which they are served.
    ring: VecDeque<Receiver>,
    jobs: HashSet<JobId>,
    waiting: usize,
    in_flight: usize,
    max_in_flight: usize,
    max_in_flight_per_receiver: usize,
    /// Deliveries that may have crashed the process, whatever their receivers: at most one is in flight.
    suspects: VecDeque<DueDelivery>,
    suspect_in_flight: bool,
    retry: DeliveryPolicy,
    /// Receivers that did not respond last time. At most one delivery to each is in flight, so that many of them do not
    /// use up the limit.
    unresponsive: HashSet<Receiver>,
}

impl ReceiverQueues {
    pub fn new(policy: &SenderPolicy) -> Self {
        Self {
            queues: HashMap::new(),
            ring: VecDeque::new(),
            jobs: HashSet::new(),
            waiting: 0,
            in_flight: 0,
            max_in_flight: policy.max_in_flight,
            max_in_flight_per_receiver: policy.max_in_flight_per_receiver,
            suspects: VecDeque::new(),
            suspect_in_flight: false,
            retry: policy.retry.clone(),
            unresponsive: HashSet::new(),
        }
    }

    /// Appends a delivery to its receiver's queue, unless its job already has one here.
    pub fn push(&mut self, due: DueDelivery) {
        if !self.jobs.insert(due.job.clone()) {
            return;
        }
        self.waiting += 1;
        if self.is_suspect(&due) {
            return self.suspects.push_back(due);
        }
        let queue = self.queues.entry(due.receiver.clone()).or_default();
        if queue.waiting.is_empty() {
            self.ring.push_back(due.receiver.clone());
        }
        queue.waiting.push_back(due);
    }

    /// Takes the next delivery whose limits permit it. It counts as in flight until [`finish`](Self::finish).
    pub fn start_next(&mut self) -> Option<DueDelivery> {
        if self.in_flight >= self.max_in_flight {
            return None;
        }
        let due = self.next_suspect().or_else(|| self.next_in_ring())?;
        self.waiting -= 1;
        self.in_flight += 1;
        Some(due)
    }

    fn next_suspect(&mut self) -> Option<DueDelivery> {
        if self.suspect_in_flight {
            return None;
        }
        let due = self.suspects.pop_front()?;
        self.suspect_in_flight = true;
        self.queues.entry(due.receiver.clone()).or_default().in_flight += 1;
        Some(due)
    }

    fn next_in_ring(&mut self) -> Option<DueDelivery> {
        for _ in 0..self.ring.len() {
            let receiver = self.ring.pop_front()?;
            let Some(queue) = self.queues.get_mut(&receiver) else { continue };
            let limit = if self.unresponsive.contains(&receiver) { 1 } else { self.max_in_flight_per_receiver };
            if queue.in_flight >= limit {
                self.ring.push_back(receiver);
                continue;
            }
            let Some(due) = queue.waiting.pop_front() else { continue };
            queue.in_flight += 1;
            if !queue.waiting.is_empty() {
                self.ring.push_back(receiver);
            }
            return Some(due);
        }
        None
    }

    /// Ends a delivery that was in flight. `responded`: whether its receiver responded.
    pub fn finish(&mut self, due: &DueDelivery, responded: bool) {
        if responded {
            self.unresponsive.remove(&due.receiver);
        } else if self.unresponsive.len() < MAX_UNRESPONSIVE {
            self.unresponsive.insert(due.receiver.clone());
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

    pub fn contains(&self, job: &JobId) -> bool {
        self.jobs.contains(job)
    }

    pub fn waiting_for(&self, receiver: &Receiver) -> usize {
        self.queues.get(receiver).map_or(0, |queue| queue.waiting.len())
    }

    /// Receivers with at least `count` waiting deliveries.
    pub fn receivers_with(&self, count: usize) -> Vec<Receiver> {
        let queues = self.queues.iter().filter(|(_, queue)| queue.waiting.len() >= count);
        queues.map(|(receiver, _)| receiver.clone()).collect()
    }

    fn is_suspect(&self, due: &DueDelivery) -> bool {
        self.retry.is_suspect(due.interruptions)
    }
}

#[cfg(test)]
mod tests;
