//! Who holds permits, who waits, and which permit is revoked for whom.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use opilio_actors::domain::id::Principal;
use opilio_actors::domain::queue_key::QueueKey;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// The time without a permit after which a waiter's principal gets another one's.
const PATIENCE: Duration = Duration::from_millis(500);

/// The time for which a permit is not revoked, so that short work finishes.
pub const MIN_HOLD: Duration = Duration::from_secs(1);

/// The time for which released permits are kept for a queue that a permit was revoked for: its next waiter does not have to
/// be overdue again.
const KEEP: Duration = Duration::from_secs(2);

/// At most this share of the permits is kept.
const KEPT_SHARE: usize = 8;

/// What a holder does when its permit is revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revocation {
    /// It stops and loses its work. No principal loses its last permit.
    Stop,
    /// It only waits for something else, and waits again.
    StopWaiting,
    /// It is a thread and continues without a permit.
    Detach,
}

/// `P` is what waiters get.
#[derive(Debug)]
pub struct State<P> {
    permits: usize,
    revocation: Revocation,
    /// Threads that continue without a permit.
    detached: HashSet<u64>,
    held: HashMap<u64, Holder>,
    next_id: u64,
    waiters: HashMap<QueueKey, VecDeque<Waiter<P>>>,
    /// The queues with waiters, the one that was served last at the end.
    rotation: VecDeque<QueueKey>,
    /// Queues that permits are kept for, each with the end of that time.
    kept_for: HashMap<QueueKey, Instant>,
    /// A task checks for overdue waiters.
    checking: bool,
}

#[derive(Debug)]
struct Holder {
    queue: QueueKey,
    since: Instant,
    revoked: CancellationToken,
    /// The queue that the permit was revoked for.
    revoked_for: Option<QueueKey>,
}

#[derive(Debug)]
struct Waiter<P> {
    sender: oneshot::Sender<P>,
    since: Instant,
}

/// A permit and the waiter that gets it.
pub type Grant<P> = (oneshot::Sender<P>, u64, CancellationToken);

impl<P> State<P> {
    pub fn new(permits: usize, revocation: Revocation) -> Self {
        Self {
            permits,
            revocation,
            detached: HashSet::new(),
            held: HashMap::new(),
            next_id: 0,
            waiters: HashMap::new(),
            rotation: VecDeque::new(),
            kept_for: HashMap::new(),
            checking: false,
        }
    }

    pub fn available(&self) -> usize {
        self.permits - self.held.len()
    }

    /// A permit for this queue; `None`: none is available.
    pub fn take(&mut self, queue: &QueueKey) -> Option<(u64, CancellationToken)> {
        (self.available() > 0 && !self.is_kept_from(queue)).then(|| self.hold(queue))
    }

    /// Whether the available permits are kept for others: the queue's principal holds its share, or it is a batch queue and
    /// they are kept for its principal's interactive queue.
    fn is_kept_from(&self, queue: &QueueKey) -> bool {
        let now = Instant::now();
        let mut kept_for = self.kept_for.iter().filter(|(_, until)| **until > now).map(|(queue, _)| queue);
        let is_few = self.available() <= (self.permits / KEPT_SHARE).max(1);
        is_few
            && kept_for.any(|other| match other.principal == queue.principal {
                true => other.interactive && !queue.interactive,
                false => self.held_by(&queue.principal) >= self.share(),
            })
    }

    /// The permits that each principal may hold while others wait.
    fn share(&self) -> usize {
        let held = self.held.values().filter(|holder| holder.revoked_for.is_none()).map(|holder| &holder.queue);
        let queues = held.chain(self.waiters.keys()).chain(self.kept_for.keys());
        let principals: HashSet<&Principal> = queues.map(|queue| &queue.principal).collect();
        let min_share = usize::from(self.revocation == Revocation::Stop);
        (self.permits / principals.len().max(1)).max(min_share)
    }

    fn hold(&mut self, queue: &QueueKey) -> (u64, CancellationToken) {
        let (id, revoked) = (self.next_id, CancellationToken::new());
        self.next_id += 1;
        let holder =
            Holder { queue: queue.clone(), since: Instant::now(), revoked: revoked.clone(), revoked_for: None };
        self.held.insert(id, holder);
        (id, revoked)
    }

    /// Adds a waiter at the end of this queue.
    pub fn wait(&mut self, queue: &QueueKey) -> oneshot::Receiver<P> {
        let (sender, receiver) = oneshot::channel();
        let waiters = self.waiters.entry(queue.clone()).or_default();
        if waiters.is_empty() {
            self.rotation.push_back(queue.clone());
        }
        waiters.push_back(Waiter { sender, since: Instant::now() });
        receiver
    }

    /// Notes that a task checks for overdue waiters. Returns whether one did already.
    pub fn start_checking(&mut self) -> bool {
        std::mem::replace(&mut self.checking, true)
    }

    /// Releases a permit, and grants the available ones to waiters.
    pub fn release(&mut self, id: u64) -> Vec<Grant<P>> {
        if !self.detached.remove(&id) {
            self.held.remove(&id);
        }
        self.grant()
    }

    fn grant(&mut self) -> Vec<Grant<P>> {
        let mut granted = Vec::new();
        while self.available() > 0
            && let Some((queue, waiter)) = self.next()
        {
            let (id, revoked) = self.hold(&queue);
            granted.push((waiter.sender, id, revoked));
        }
        granted
    }

    /// Removes the next waiter.
    fn next(&mut self) -> Option<(QueueKey, Waiter<P>)> {
        self.remove_cancelled();
        let held = |queue: &QueueKey| (self.held_by(&queue.principal), self.held_in(queue));
        let candidates = (0..self.rotation.len()).filter(|at| !self.is_kept_from(&self.rotation[*at]));
        let position = candidates.min_by_key(|at| held(&self.rotation[*at]))?;
        let queue = self.rotation.remove(position)?;
        // The principal's other queue is served before this one, and both after all other principals.
        if let Some(other) = self.rotation.iter().position(|other| other.principal == queue.principal)
            && let Some(other) = self.rotation.remove(other)
        {
            self.rotation.push_back(other);
        }
        let waiters = self.waiters.get_mut(&queue)?;
        let waiter = waiters.pop_front()?;
        if waiters.is_empty() {
            self.waiters.remove(&queue);
        } else {
            self.rotation.push_back(queue.clone());
        }
        Some((queue, waiter))
    }

    fn remove_cancelled(&mut self) {
        // All waiters of a queue are examined only by the periodic check.
        for waiters in self.waiters.values_mut() {
            while waiters.front().is_some_and(|waiter| waiter.sender.is_closed()) {
                waiters.pop_front();
            }
        }
        self.remove_empty();
    }

    fn remove_empty(&mut self) {
        self.waiters.retain(|_, waiters| !waiters.is_empty());
        self.rotation.retain(|queue| self.waiters.contains_key(queue));
    }

    /// Revokes a permit for each queue with an overdue waiter. Returns the permits that are available at once, and whether
    /// there are waiters; if not, checking ends.
    pub fn check(&mut self, now: Instant) -> (Vec<Grant<P>>, bool) {
        self.waiters.values_mut().for_each(|waiters| waiters.retain(|waiter| !waiter.sender.is_closed()));
        self.remove_empty();
        self.kept_for.retain(|_, until| *until > now);
        let is_overdue = |waiters: &VecDeque<Waiter<P>>| waiters.front().is_some_and(|it| now - it.since >= PATIENCE);
        let overdue: Vec<_> =
            self.rotation.iter().filter(|queue| self.waiters.get(*queue).is_some_and(is_overdue)).cloned().collect();
        for queue in overdue {
            self.revoke_for(queue, now);
        }
        let granted = self.grant();
        self.checking = !self.waiters.is_empty();
        (granted, self.checking)
    }

    /// Revokes the oldest permit of the principal that holds most beyond its share, or, for an interactive waiter, of its
    /// own principal's batch queue. At most one permit at a time is revoked for a queue.
    fn revoke_for(&mut self, queue: QueueKey, now: Instant) {
        let is_pending = self.held.values().any(|holder| holder.revoked_for.as_ref() == Some(&queue));
        if is_pending || self.detached.len() >= self.permits {
            return;
        }
        let Some(id) = self.oldest_beyond_share(&queue, now).or_else(|| self.oldest_of_own_batch(&queue, now)) else {
            return;
        };
        self.kept_for.insert(queue.clone(), now + KEEP);
        if let Some(holder) = self.held.get_mut(&id) {
            holder.revoked_for = Some(queue);
            holder.revoked.cancel();
        }
        if self.revocation == Revocation::Detach {
            self.held.remove(&id);
            self.detached.insert(id);
        }
    }

    fn oldest_beyond_share(&self, waiting: &QueueKey, now: Instant) -> Option<u64> {
        let mut held = HashMap::<&Principal, usize>::new();
        for holder in self.held.values().filter(|holder| holder.revoked_for.is_none()) {
            *held.entry(&holder.queue.principal).or_default() += 1;
        }
        let share = self.share();
        let own = held.get(&waiting.principal).copied().unwrap_or(0);
        let (principal, most) = held.into_iter().max_by_key(|(_, count)| *count)?;
        let is_beyond_share = most > share && most > own && *principal != waiting.principal;
        let principal = principal.clone();
        if is_beyond_share { self.oldest(now, |queue| queue.principal == principal) } else { None }
    }

    fn oldest_of_own_batch(&self, waiting: &QueueKey, now: Instant) -> Option<u64> {
        let batch = QueueKey::batch(waiting.principal.clone());
        let is_smaller = waiting.interactive && self.held_in(waiting) < self.held_in(&batch);
        if is_smaller { self.oldest(now, |queue| *queue == batch) } else { None }
    }

    fn oldest(&self, now: Instant, condition: impl Fn(&QueueKey) -> bool) -> Option<u64> {
        let candidates = self.held.iter().filter(|(_, holder)| {
            holder.revoked_for.is_none() && now - holder.since >= MIN_HOLD && condition(&holder.queue)
        });
        candidates.min_by_key(|(_, holder)| holder.since).map(|(id, _)| *id)
    }

    fn held_by(&self, principal: &Principal) -> usize {
        self.held.values().filter(|holder| holder.queue.principal == *principal).count()
    }

    fn held_in(&self, queue: &QueueKey) -> usize {
        self.held.values().filter(|holder| holder.queue == *queue).count()
    }
}
