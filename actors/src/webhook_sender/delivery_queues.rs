//! The order of due deliveries: round-robin over the principals, then over the origins of their receivers, then over the
//! receivers of an origin, within limits on what is in flight.
//!
//! Receivers that hang share a quarter of the slots, in total and at their origin. The other slots are for receivers that
//! responded in time, and for the first attempt at a new receiver. [`Slots`] keeps some free for each principal and receiver.

use std::collections::{HashMap, VecDeque};

use tokio::time::Instant;

use super::in_flight::{InFlight, InFlightLimits};
use super::policy::SenderPolicy;
use super::receiver_health::{Health, ReceiverHealth, SLOW};
use crate::domain::delivery::DueDelivery;
use crate::domain::id::{JobId, Principal};
use crate::domain::retry::DeliveryPolicy;
use crate::domain::webhook::Receiver;

/// The waiting deliveries of one receiver.
#[derive(Default)]
struct ReceiverQueue {
    waiting: VecDeque<DueDelivery>,
    in_flight: usize,
    /// The list that it is in.
    listed: Option<Health>,
}

/// Lists of receivers with a delivery that may be started, by health and origin.
#[derive(Default)]
struct PrincipalQueue {
    receivers: HashMap<Receiver, ReceiverQueue>,
    listed: HashMap<(Health, String), VecDeque<Receiver>>,
    /// The origins in `listed`, in the order in which they are served.
    origins: HashMap<Health, VecDeque<String>>,
    waiting: usize,
    /// The next new receiver is the newest one, in turn with the oldest: the newest one starts soon even if a flood of
    /// others waits.
    newest_first: bool,
}

/// All due deliveries in memory, waiting and in flight; one per job.
pub struct DeliveryQueues {
    principals: HashMap<Principal, PrincipalQueue>,
    /// Principals with waiting deliveries, in the order in which they are served.
    rotation: VecDeque<Principal>,
    /// `None`: the job's delivery waits.
    jobs: HashMap<JobId, Option<InFlight>>,
    waiting: usize,
    in_flight: usize,
    limits: InFlightLimits,
    health: ReceiverHealth,
    /// Deliveries that may have crashed the process, whatever their receivers: at most one is in flight.
    suspects: VecDeque<DueDelivery>,
    suspect_in_flight: bool,
    retry: DeliveryPolicy,
}

impl DeliveryQueues {
    pub fn new(policy: &SenderPolicy) -> Self {
        Self {
            principals: HashMap::new(),
            rotation: VecDeque::new(),
            jobs: HashMap::new(),
            waiting: 0,
            in_flight: 0,
            limits: InFlightLimits::new(policy.max_in_flight, policy.max_in_flight_per_receiver),
            health: ReceiverHealth::default(),
            suspects: VecDeque::new(),
            suspect_in_flight: false,
            retry: policy.retry.clone(),
        }
    }

    /// Appends a delivery to its receiver's queue, unless its job already has one here.
    pub fn push(&mut self, due: DueDelivery) {
        if self.jobs.contains_key(&due.job) {
            return;
        }
        self.jobs.insert(due.job.clone(), None);
        self.waiting += 1;
        if self.is_suspect(&due) {
            return self.suspects.push_back(due);
        }
        let queue = self.principals.entry(due.principal.clone()).or_default();
        if queue.waiting == 0 {
            self.rotation.push_back(due.principal.clone());
        }
        queue.waiting += 1;
        let health = self.health.of(&due.principal, &due.receiver);
        let receiver = due.receiver.clone();
        queue.receivers.entry(receiver.clone()).or_default().waiting.push_back(due);
        queue.list(&receiver, health);
    }

    /// Takes the next delivery whose limits permit it. It counts as in flight until [`finish`](Self::finish).
    pub fn start_next(&mut self) -> Option<DueDelivery> {
        let due = self.next_suspect().or_else(|| self.next_in_rotation())?;
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
        Some(due)
    }

    fn next_in_rotation(&mut self) -> Option<DueDelivery> {
        for _ in 0..self.rotation.len() {
            let principal = self.rotation.pop_front()?;
            let Some(queue) = self.principals.get_mut(&principal) else { continue };
            let started = queue.start_next(&principal, &self.limits);
            if queue.waiting > 0 {
                self.rotation.push_back(principal.clone());
            }
            let Some((due, health)) = started else { continue };
            let (receiver, since) = (due.receiver.clone(), Instant::now());
            let in_flight = InFlight { principal, receiver, health, is_overdue: false, since };
            self.limits.take(&in_flight);
            self.jobs.insert(due.job.clone(), Some(in_flight));
            return Some(due);
        }
        None
    }

    /// Ends a delivery that was in flight. `responded`: whether its receiver responded; `None`: no request was sent.
    pub fn finish(&mut self, due: &DueDelivery, responded: Option<bool>) {
        let Some(in_flight) = self.jobs.remove(&due.job) else { return };
        self.in_flight = self.in_flight.saturating_sub(1);
        if self.is_suspect(due) {
            self.suspect_in_flight = false;
        }
        let Some(in_flight) = in_flight else { return };
        self.limits.release(&in_flight);
        if let Some(responded) = responded {
            let in_time = responded && in_flight.since.elapsed() < SLOW;
            let health = if in_time { Health::Healthy } else { Health::Hanging };
            self.health.set(&due.principal, &due.receiver, health);
        }
        let health = self.health.of(&due.principal, &due.receiver);
        let Some(queue) = self.principals.get_mut(&due.principal) else { return };
        queue.finish(&due.receiver, health);
        if queue.receivers.is_empty() {
            self.principals.remove(&due.principal);
        }
    }

    /// Counts receivers that have not responded in time as hanging while their deliveries are still in flight.
    pub fn note_slow(&mut self) {
        let now = Instant::now();
        for in_flight in self.jobs.values_mut().flatten() {
            if in_flight.health == Health::Hanging || now - in_flight.since < in_flight.health.patience() {
                continue;
            }
            self.limits.release(in_flight);
            in_flight.health = Health::Hanging;
            in_flight.is_overdue = true;
            self.limits.take(in_flight);
            self.health.set(&in_flight.principal, &in_flight.receiver, Health::Hanging);
            if let Some(queue) = self.principals.get_mut(&in_flight.principal) {
                queue.list(&in_flight.receiver, Health::Hanging);
            }
        }
    }

    pub fn waiting(&self) -> usize {
        self.waiting
    }

    pub fn in_flight(&self) -> usize {
        self.in_flight
    }

    pub fn contains(&self, job: &JobId) -> bool {
        self.jobs.contains_key(job)
    }

    pub fn waiting_of(&self, principal: &Principal) -> usize {
        self.principals.get(principal).map_or(0, |queue| queue.waiting)
    }

    pub fn waiting_for(&self, principal: &Principal, receiver: &Receiver) -> usize {
        let queue = self.principals.get(principal).and_then(|queue| queue.receivers.get(receiver));
        queue.map_or(0, |queue| queue.waiting.len())
    }

    pub fn principals(&self) -> impl Iterator<Item = &Principal> {
        self.principals.keys()
    }

    /// Receivers with at least `count` waiting deliveries.
    pub fn receivers_with(&self, count: usize) -> Vec<(Principal, Receiver)> {
        let full = self.principals.iter().flat_map(|(principal, queue)| {
            let receivers = queue.receivers.iter().filter(|(_, queue)| queue.waiting.len() >= count);
            receivers.map(|(receiver, _)| (principal.clone(), receiver.clone()))
        });
        full.collect()
    }

    fn is_suspect(&self, due: &DueDelivery) -> bool {
        self.retry.is_suspect(due.interruptions)
    }
}

impl PrincipalQueue {
    /// Lists the receiver if its next delivery may be started: always for a healthy receiver, and otherwise only if none is
    /// in flight.
    fn list(&mut self, receiver: &Receiver, health: Health) {
        let Some(queue) = self.receivers.get_mut(receiver) else { return };
        let may_start = !queue.waiting.is_empty() && (health == Health::Healthy || queue.in_flight == 0);
        let wanted = may_start.then_some(health);
        let listed = std::mem::replace(&mut queue.listed, wanted);
        if listed == wanted {
            return;
        }
        if let Some(listed) = listed {
            self.unlist(receiver, listed);
        }
        if let Some(health) = wanted {
            let list = self.listed.entry((health, receiver.origin().to_owned())).or_default();
            if list.is_empty() {
                self.origins.entry(health).or_default().push_back(receiver.origin().to_owned());
            }
            list.push_back(receiver.clone());
        }
    }

    fn unlist(&mut self, receiver: &Receiver, health: Health) {
        let key = (health, receiver.origin().to_owned());
        let Some(list) = self.listed.get_mut(&key) else { return };
        remove(list, receiver);
        if list.is_empty() {
            self.listed.remove(&key);
            if let Some(origins) = self.origins.get_mut(&health) {
                remove(origins, &key.1);
            }
        }
    }

    fn start_next(&mut self, principal: &Principal, limits: &InFlightLimits) -> Option<(DueDelivery, Health)> {
        let next = |health| Some((self.startable(principal, health, limits)?, health));
        let (receiver, health) = Health::ALL.into_iter().find_map(next)?;
        self.newest_first ^= health == Health::New;
        let queue = self.receivers.get_mut(&receiver)?;
        let due = queue.waiting.pop_front()?;
        queue.in_flight += 1;
        self.waiting -= 1;
        self.list(&receiver, health);
        self.rotate(&receiver, health);
        Some((due, health))
    }

    /// The first listed receiver that the limits permit a delivery to.
    fn startable(&self, principal: &Principal, health: Health, limits: &InFlightLimits) -> Option<Receiver> {
        if !limits.allow_principal(principal, health) {
            return None;
        }
        let newest_first = health == Health::New && self.newest_first;
        let receiver = |origin: &String| {
            if !limits.allow_origin(principal, health, origin) {
                return None;
            }
            let allowed = |receiver: &&Receiver| limits.allow_receiver(principal, health, receiver);
            let mut listed = self.listed.get(&(health, origin.clone()))?.iter();
            if newest_first { listed.rev().find(allowed) } else { listed.find(allowed) }.cloned()
        };
        let mut origins = self.origins.get(&health)?.iter();
        if newest_first { origins.rev().find_map(receiver) } else { origins.find_map(receiver) }
    }

    /// Moves the receiver and its origin to the end of their lists.
    fn rotate(&mut self, receiver: &Receiver, health: Health) {
        if let Some(list) = self.listed.get_mut(&(health, receiver.origin().to_owned()))
            && list.front() == Some(receiver)
        {
            list.rotate_left(1);
        }
        if let Some(origins) = self.origins.get_mut(&health)
            && let Some(at) = origins.iter().position(|origin| origin == receiver.origin())
            && let Some(origin) = origins.remove(at)
        {
            origins.push_back(origin);
        }
    }

    fn finish(&mut self, receiver: &Receiver, health: Health) {
        let Some(queue) = self.receivers.get_mut(receiver) else { return };
        queue.in_flight = queue.in_flight.saturating_sub(1);
        if queue.in_flight == 0 && queue.waiting.is_empty() {
            self.receivers.remove(receiver);
        } else {
            self.list(receiver, health);
        }
    }
}

/// Removes the entry, which usually is the first.
fn remove<T: PartialEq>(list: &mut VecDeque<T>, entry: &T) {
    if let Some(at) = list.iter().position(|other| other == entry) {
        list.remove(at);
    }
}

#[cfg(test)]
mod tests;
