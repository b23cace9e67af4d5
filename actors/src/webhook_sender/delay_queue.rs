//! Deliveries that become due within the horizon, ordered by time; one entry per job.

use std::collections::{BTreeMap, HashMap};

use tokio::time::Instant;

use super::slots::decrement;
use crate::domain::delivery::DueDelivery;
use crate::domain::id::{JobId, Principal};
use crate::domain::webhook::Receiver;

#[derive(Default)]
pub struct DelayQueue {
    queue: BTreeMap<(Instant, JobId), DueDelivery>,
    times: HashMap<JobId, Instant>,
    per_receiver: HashMap<(Principal, Receiver), usize>,
    per_principal: HashMap<Principal, usize>,
}

impl DelayQueue {
    /// Inserts a delivery, in place of an earlier entry of the same job.
    pub fn insert(&mut self, at: Instant, due: DueDelivery) {
        self.remove(&due.job);
        self.times.insert(due.job.clone(), at);
        *self.per_receiver.entry((due.principal.clone(), due.receiver.clone())).or_default() += 1;
        *self.per_principal.entry(due.principal.clone()).or_default() += 1;
        self.queue.insert((at, due.job.clone()), due);
    }

    pub fn remove(&mut self, job: &JobId) {
        if let Some(at) = self.times.remove(job)
            && let Some(due) = self.queue.remove(&(at, job.clone()))
        {
            self.uncount(&due);
        }
    }

    /// Whether there is an entry of the job with this version.
    pub fn contains(&self, job: &JobId, version: u64) -> bool {
        let entry = self.times.get(job).and_then(|at| self.queue.get(&(*at, job.clone())));
        entry.is_some_and(|due| due.version == version)
    }

    pub fn waiting_of(&self, principal: &Principal) -> usize {
        self.per_principal.get(principal).copied().unwrap_or(0)
    }

    pub fn waiting_for(&self, principal: &Principal, receiver: &Receiver) -> usize {
        self.per_receiver.get(&(principal.clone(), receiver.clone())).copied().unwrap_or(0)
    }

    pub fn principals(&self) -> impl Iterator<Item = &Principal> {
        self.per_principal.keys()
    }

    pub fn len(&self) -> usize {
        self.queue.len()
    }

    pub fn earliest(&self) -> Option<Instant> {
        self.queue.first_key_value().map(|((at, _), _)| *at)
    }

    /// Removes the earliest delivery, if it is due.
    pub fn pop_due(&mut self, now: Instant) -> Option<DueDelivery> {
        let entry = self.queue.first_entry().filter(|entry| entry.key().0 <= now)?;
        let due = entry.remove();
        self.times.remove(&due.job);
        self.uncount(&due);
        Some(due)
    }

    fn uncount(&mut self, due: &DueDelivery) {
        decrement(&mut self.per_receiver, (due.principal.clone(), due.receiver.clone()));
        decrement(&mut self.per_principal, due.principal.clone());
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::Timestamp;

    use super::*;
    use crate::kinds::CRAWL;

    fn due(n: u128, version: u64) -> DueDelivery {
        let job = JobId::new(CRAWL, Timestamp::UNIX_EPOCH, n);
        let receiver = Receiver::new("http://a.example");
        let principal = Principal::anonymous();
        DueDelivery { job, principal, receiver, version, interruptions: 0, wait: Duration::ZERO }
    }

    #[test]
    fn deliveries_are_popped_in_order_when_due() {
        let (mut delayed, now) = (DelayQueue::default(), Instant::now());
        delayed.insert(now + Duration::from_secs(2), due(2, 1));
        delayed.insert(now + Duration::from_secs(1), due(1, 1));
        assert_eq!(delayed.pop_due(now), None);
        let later = now + Duration::from_secs(2);
        assert_eq!([delayed.pop_due(later), delayed.pop_due(later)], [Some(due(1, 1)), Some(due(2, 1))]);
        assert!(!delayed.contains(&due(1, 1).job, 1));
        assert_eq!(delayed.waiting_for(&due(1, 1).principal, &due(1, 1).receiver), 0);
        assert_eq!(delayed.waiting_of(&due(1, 1).principal), 0);
    }

    #[test]
    fn newer_entry_of_a_job_replaces_the_older_one() {
        let (mut delayed, now) = (DelayQueue::default(), Instant::now());
        delayed.insert(now, due(1, 1));
        delayed.insert(now + Duration::from_secs(1), due(1, 2));
        assert_eq!((delayed.len(), delayed.pop_due(now)), (1, None));
    }
}
