//! The workers of one kind, each in a place of its own, and what they are busy with.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use tokio::time::Instant;

use super::PoolSpec;
use crate::domain::id::JobId;
use crate::domain::kind::JobKind;
use crate::domain::lease::Lease;
use crate::domain::queue_key::QueueKey;
use crate::heartbeat::Heartbeat;
use crate::ports::Claim;
use crate::worker::{JobHandler, SlotId, StartWork, StopWork, Worker};

/// A job that a worker is at.
pub struct Busy {
    pub lease: Lease,
    pub queue: QueueKey,
    pub since: Instant,
    /// 1 for the first.
    pub attempt: u32,
    pub heartbeat: Heartbeat,
    /// When the job's time is over.
    pub ends: Option<Instant>,
    /// Its last attempts died with their process, and it has only this one left.
    pub suspect: bool,
}

/// A slot of the pool, and the worker in it.
#[derive(Default)]
pub struct Slot {
    pub generation: u64,
    pub worker: Option<Addr<Worker>>,
    pub busy: Option<Busy>,
    /// Consecutive crashes of its workers.
    pub crashes: u32,
}

impl Slot {
    fn is_idle(&self) -> bool {
        self.worker.is_some() && self.busy.is_none()
    }

    fn stop_work(&mut self) {
        self.busy = None;
        if let Some(worker) = &self.worker {
            worker.do_send(StopWork);
        }
    }
}

/// All workers of one kind.
pub struct WorkerPool {
    pub kind: JobKind,
    pub handler: Arc<dyn JobHandler>,
    pub slots: Vec<Slot>,
    /// A claim for them is under way.
    pub claiming: bool,
    /// Another one is to follow it.
    pub claim_again: bool,
    /// Jobs that were cancelled meanwhile.
    pub cancelled: HashSet<JobId>,
}

/// Work that goes on too long.
pub enum Overdue {
    /// Without any progress.
    Silent,
    /// The job's time is over.
    OutOfTime,
}

impl WorkerPool {
    /// A pool whose slots are empty.
    pub fn new(PoolSpec { kind, handler, workers }: PoolSpec) -> Self {
        let slots = std::iter::repeat_with(Slot::default).take(workers).collect();
        Self { kind, handler, slots, claiming: false, claim_again: false, cancelled: HashSet::new() }
    }

    pub fn idle(&self) -> usize {
        self.slots.iter().filter(|slot| slot.is_idle()).count()
    }

    /// Gives the job to an idle worker, for so long at most; `false` if there is none.
    pub fn assign(&mut self, claim: Claim, left: Option<Duration>, suspect: bool) -> bool {
        let idle = self.slots.iter_mut().find(|slot| slot.is_idle());
        let Some(Slot { worker: Some(worker), busy, .. }) = idle else { return false };
        let (lease, attempt, heartbeat) = (claim.lease.clone(), claim.job.attempt(), Heartbeat::default());
        let (queue, since) = (claim.job.queue_key(), Instant::now());
        let ends = left.map(|left| since + left);
        *busy = Some(Busy { lease, queue, since, attempt, heartbeat: heartbeat.clone(), ends, suspect });
        worker.do_send(StartWork { claim, heartbeat });
        true
    }

    /// The slot, unless a later worker has it.
    pub fn slot(&mut self, id: SlotId) -> Option<&mut Slot> {
        self.slots.get_mut(id.index).filter(|slot| slot.generation == id.generation)
    }

    pub fn busy(&self) -> impl Iterator<Item = &Busy> {
        self.slots.iter().filter_map(|slot| slot.busy.as_ref())
    }

    /// Where no worker has come free for so long, and one principal's jobs hold more than half of the workers: his youngest
    /// job, of those that nobody waits for if it can be. A line's only one goes on, or it might never come to its end, unless
    /// he has no others.
    pub fn youngest_of_most(&self, time: Duration) -> Option<(QueueKey, Lease)> {
        let youngest = self.busy().map(|busy| busy.since).max()?;
        if self.claiming || self.idle() > 0 || youngest.elapsed() < time {
            return None;
        }
        let (mut by_principal, mut by_line) = (HashMap::new(), HashMap::new());
        for Busy { queue, .. } in self.busy() {
            *by_principal.entry(&queue.principal).or_insert(0) += 1;
            *by_line.entry(queue).or_insert(0) += 1;
        }
        let too_many = |count: usize| count > 1 && 2 * count > self.slots.len();
        let (most, _) = by_principal.into_iter().find(|(_, count)| too_many(*count))?;
        let could_stop = self.busy().filter(|busy| busy.queue.principal == *most && !busy.suspect);
        let first = |busy: &&Busy| {
            let has_others = by_line[&busy.queue] > 1;
            (has_others, has_others && !busy.queue.interactive, busy.since)
        };
        could_stop.max_by_key(first).map(|busy| (busy.queue.clone(), busy.lease.clone()))
    }

    /// Stops the work that `condition` picks by its lease: another worker may have the same job by a newer one.
    pub fn stop_work(&mut self, condition: impl Fn(&Lease) -> bool) {
        for slot in &mut self.slots {
            if slot.busy.as_ref().is_some_and(|busy| condition(&busy.lease)) {
                slot.stop_work();
            }
        }
    }

    /// Stops work that is overdue and leaves its worker for good: who let it come so far is not to be trusted.
    pub fn abandon_overdue(&mut self, pool: usize, stall: Duration) -> Vec<(SlotId, Busy, Overdue)> {
        let now = Instant::now();
        let mut found = Vec::new();
        for (index, slot) in self.slots.iter_mut().enumerate() {
            let overdue = match &slot.busy {
                Some(busy) if busy.ends.is_some_and(|end| end <= now) => Overdue::OutOfTime,
                Some(busy) if busy.heartbeat.silent_for() >= stall => Overdue::Silent,
                _ => continue,
            };
            let Some(busy) = slot.busy.take() else { continue };
            slot.stop_work();
            slot.worker = None;
            slot.generation += 1;
            found.push((SlotId { pool, index, generation: slot.generation }, busy, overdue));
        }
        found
    }
}
