//! The workers of one kind and their assignments.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use tokio::time::Instant;

use super::worker_shares::WorkerShares;
use crate::domain::id::JobId;
use crate::domain::kind::JobKind;
use crate::domain::lease::Lease;
use crate::domain::queue_key::QueueKey;
use crate::heartbeat::Heartbeat;
use crate::ports::Claim;
use crate::worker::{JobHandler, SlotId, StartWork, StopWork, Worker};

/// What a pool is created from.
#[derive(Clone)]
pub struct PoolSpec {
    pub kind: JobKind,
    pub handler: Arc<dyn JobHandler>,
    pub workers: usize,
}

/// A job that is assigned to a worker.
pub struct Assignment {
    pub lease: Lease,
    pub queue: QueueKey,
    pub started: Instant,
    /// 1 for the first.
    pub attempt: u32,
    pub heartbeat: Heartbeat,
    /// What the store says that the job waits for.
    pub noted_wait: Option<String>,
    /// The end of the job's time limit.
    pub deadline: Option<Instant>,
    /// No other job starts while this one runs.
    pub isolated: bool,
    /// The work may be aborted for other principals' jobs. Otherwise it is asked to yield.
    pub abortable: bool,
}

/// A slot and the worker in it.
#[derive(Default)]
pub struct Slot {
    pub generation: u64,
    pub worker: Option<Addr<Worker>>,
    pub assignment: Option<Assignment>,
    /// Consecutive crashes of workers in this slot.
    pub crashes: u32,
    /// It has no worker and gets none, until it is needed for one that was asked to yield.
    pub is_closed: bool,
}

/// A job that should release its worker.
pub struct PreemptionCandidate {
    pub queue: QueueKey,
    pub lease: Lease,
    pub abortable: bool,
}

impl Slot {
    fn is_idle(&self) -> bool {
        self.worker.is_some() && self.assignment.is_none()
    }

    fn stop_work(&mut self) {
        let stopped = self.assignment.take();
        if let Some(worker) = &self.worker {
            worker.do_send(StopWork);
        }
        if stopped.is_some_and(|work| work.heartbeat.is_yield_requested()) {
            self.close();
        }
    }

    /// Removes the worker: another slot was opened in place of this one when its work was asked to yield.
    fn close(&mut self) {
        self.worker = None;
        self.generation += 1;
        self.is_closed = true;
    }
}

/// All workers of one kind.
pub struct WorkerPool {
    pub kind: JobKind,
    pub handler: Arc<dyn JobHandler>,
    /// Jobs that run at the same time, without those that were asked to yield.
    pub workers: usize,
    pub slots: Vec<Slot>,
    /// A claim for the pool is in progress.
    pub claiming: bool,
    /// Another claim follows it.
    pub claim_again: bool,
    /// Jobs that were cancelled while the claim was in progress.
    pub cancelled: HashSet<JobId>,
}

/// Why work is aborted.
pub enum Overdue {
    /// It makes no progress.
    Stalled,
    /// The job's time limit is reached.
    DeadlineExceeded,
}

/// Aborted work. `slot` is empty and waits for a new worker.
pub struct RetiredWork {
    pub slot: SlotId,
    pub assignment: Assignment,
    pub overdue: Overdue,
}

impl WorkerPool {
    /// A pool whose slots are empty.
    pub fn new(PoolSpec { kind, handler, workers }: PoolSpec) -> Self {
        let slots = std::iter::repeat_with(Slot::default).take(workers).collect();
        Self { kind, handler, workers, slots, claiming: false, claim_again: false, cancelled: HashSet::new() }
    }

    pub fn idle_workers(&self) -> usize {
        self.slots.iter().filter(|slot| slot.is_idle()).count()
    }

    /// Assigns the job to an idle worker; `false` if there is none.
    pub fn assign(&mut self, claim: Claim, time_left: Option<Duration>, isolated: bool) -> bool {
        let idle = self.slots.iter_mut().find(|slot| slot.is_idle());
        let Some(Slot { worker: Some(worker), assignment, .. }) = idle else { return false };
        let (started, heartbeat) = (Instant::now(), Heartbeat::default());
        *assignment = Some(Assignment {
            lease: claim.lease.clone(),
            queue: claim.job.queue_key(),
            started,
            attempt: claim.job.attempt(),
            heartbeat: heartbeat.clone(),
            noted_wait: None,
            deadline: time_left.map(|time_left| started + time_left),
            isolated,
            abortable: claim.job.spec.task.is_abortable(),
        });
        worker.do_send(StartWork { claim, heartbeat });
        true
    }

    /// The slot, unless a later worker has it.
    pub fn slot(&mut self, id: SlotId) -> Option<&mut Slot> {
        self.slots.get_mut(id.index).filter(|slot| slot.generation == id.generation)
    }

    pub fn assignments(&self) -> impl Iterator<Item = &Assignment> {
        self.slots.iter().filter_map(|slot| slot.assignment.as_ref())
    }

    /// What jobs wait for, where it has changed since the last call.
    pub fn changed_waits(&mut self) -> Vec<(Lease, Option<String>)> {
        let assignments = self.slots.iter_mut().filter_map(|slot| slot.assignment.as_mut());
        let changed = assignments.filter_map(|assignment| {
            let wait = assignment.heartbeat.waits_for();
            if wait == assignment.noted_wait {
                return None;
            }
            assignment.noted_wait.clone_from(&wait);
            Some((assignment.lease.clone(), wait))
        });
        changed.collect()
    }

    /// The jobs that hold a worker, without those that were asked to yield.
    fn holders(&self) -> impl Iterator<Item = &Assignment> {
        self.assignments().filter(|assignment| !assignment.heartbeat.is_yield_requested())
    }

    pub fn shares(&self) -> WorkerShares {
        let mut shares = WorkerShares::new(self.workers);
        self.holders().for_each(|assignment| shares.add(&assignment.queue));
        shares
    }

    pub fn assignments_mut(&mut self) -> impl Iterator<Item = &mut Assignment> {
        self.slots.iter_mut().filter_map(|slot| slot.assignment.as_mut())
    }

    /// The job to preempt, if no worker has become free for `min_wait` and one principal's jobs hold more than half of the
    /// workers: its youngest job, preferably a batch job. The only job of a queue is not preempted, so that it finishes,
    /// unless the principal has no other jobs.
    pub fn preemption_candidate(&self, min_wait: Duration) -> Option<PreemptionCandidate> {
        let last_start = self.assignments().map(|assignment| assignment.started).max()?;
        if self.claiming || self.idle_workers() > 0 || last_start.elapsed() < min_wait {
            return None;
        }
        let shares = self.shares();
        let (principal, _) = shares.by_principal.iter().find(|(_, count)| **count > 1 && 2 * **count > self.workers)?;
        let candidates = self.holders().filter(|it| it.queue.principal == *principal && !it.isolated);
        let preference = |assignment: &&Assignment| {
            let has_others = shares.held_in(&assignment.queue) > 1;
            (has_others, has_others && !assignment.queue.interactive, assignment.started)
        };
        candidates.max_by_key(preference).map(|it| PreemptionCandidate {
            queue: it.queue.clone(),
            lease: it.lease.clone(),
            abortable: it.abortable,
        })
    }

    /// Asks the work with this lease to yield, and returns the slot for a worker in its place, which must be started. At most
    /// as many jobs as the pool has workers are asked at the same time.
    pub fn request_yield(&mut self, pool: usize, lease: &Lease) -> Option<SlotId> {
        if self.assignments().filter(|other| other.heartbeat.is_yield_requested()).count() >= self.workers {
            return None;
        }
        let assignment = self.assignments().find(|assignment| assignment.lease == *lease)?;
        assignment.heartbeat.request_yield();
        let index = self.slots.iter().position(|slot| slot.is_closed).unwrap_or_else(|| {
            self.slots.push(Slot::default());
            self.slots.len() - 1
        });
        self.slots[index].is_closed = false;
        Some(SlotId { pool, index, generation: self.slots[index].generation })
    }

    /// Closes the slot of work that has ended, if the work was asked to yield.
    pub fn close_yielded(&mut self, slot: SlotId, ended: &Assignment) {
        if let Some(slot) = self.slot(slot).filter(|_| ended.heartbeat.is_yield_requested()) {
            slot.close();
        }
    }

    /// Stops the work whose lease meets the condition. Another worker may hold the same job by a newer lease.
    pub fn stop_work(&mut self, condition: impl Fn(&Lease) -> bool) {
        for slot in &mut self.slots {
            if slot.assignment.as_ref().is_some_and(|assignment| condition(&assignment.lease)) {
                slot.stop_work();
            }
        }
    }

    /// Aborts overdue work and retires its workers: they did not stop by themselves. `pool` is this pool's index.
    pub fn retire_overdue(&mut self, pool: usize, stall_timeout: Duration) -> Vec<RetiredWork> {
        let now = Instant::now();
        let mut retired = Vec::new();
        for (index, slot) in self.slots.iter_mut().enumerate() {
            let overdue = match &slot.assignment {
                Some(work) if work.deadline.is_some_and(|deadline| deadline <= now) => Overdue::DeadlineExceeded,
                Some(work) if work.heartbeat.silent_for() >= stall_timeout => Overdue::Stalled,
                _ => continue,
            };
            let Some(assignment) = slot.assignment.take() else { continue };
            slot.stop_work();
            slot.worker = None;
            slot.generation += 1;
            let slot = SlotId { pool, index, generation: slot.generation };
            retired.push(RetiredWork { slot, assignment, overdue });
        }
        retired
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::domain::id::{NodeId, Principal};
    use crate::kinds::CRAWL;
    use crate::worker::Outcome;

    struct Idle;

    #[async_trait::async_trait]
    impl JobHandler for Idle {
        async fn run(&self, _: Claim) -> Outcome {
            Outcome::Done
        }
    }

    #[tokio::test]
    async fn cancelled_job_that_was_asked_to_yield_leaves_no_slot() {
        let mut pool = WorkerPool::new(PoolSpec { kind: CRAWL, handler: Arc::new(Idle), workers: 1 });
        for n in 0..10 {
            let job = JobId::new(CRAWL, Timestamp::UNIX_EPOCH, n);
            let lease = Lease { job, node: NodeId::new("node"), token: 1 };
            let slot = pool.slots.iter_mut().find(|slot| !slot.is_closed).expect("an open slot");
            slot.assignment = Some(Assignment {
                lease: lease.clone(),
                queue: QueueKey { principal: Principal::new("one"), interactive: false },
                started: Instant::now(),
                attempt: 1,
                heartbeat: Heartbeat::default(),
                noted_wait: None,
                deadline: None,
                isolated: false,
                abortable: false,
            });
            assert!(pool.request_yield(0, &lease).is_some());
            pool.stop_work(|stopped| *stopped == lease);
            let open = pool.slots.iter().filter(|slot| !slot.is_closed).count();
            assert_eq!((open, pool.slots.len()), (1, 2), "job {n}");
        }
    }
}
