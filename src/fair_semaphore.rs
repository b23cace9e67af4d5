//! A semaphore that is fair by principal.
//!
//! A released permit goes to the waiting principal that holds the fewest, and within a principal to the queue (interactive
//! or batch) that holds fewer. If no permit is released for a while, the permits of a principal that holds more than its
//! share are revoked one at a time: a holder that can stop (a page in flight) releases its permit, a thread continues without
//! one, and a request to a model keeps it until it ends. For a while afterwards a few released permits are kept for the
//! waiter's queue, so that its next work does not have to wait as long again.

mod state;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use opilio_actors::domain::queue_key::QueueKey;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use self::state::{Grant, Revocation, State};

/// The interval of checks while there are waiters.
const CHECK: Duration = Duration::from_millis(250);

#[derive(Debug)]
pub struct FairSemaphore(Mutex<State<Permit>>);

/// Released when dropped.
#[derive(Debug)]
pub struct Permit {
    semaphore: Arc<FairSemaphore>,
    id: u64,
    revoked: CancellationToken,
}

impl FairSemaphore {
    pub fn new(permits: usize) -> Arc<Self> {
        Arc::new(Self(Mutex::new(State::new(permits, Revocation::Stop))))
    }

    /// A semaphore whose holders only wait for something else: to revoke a permit loses no work, so that a principal can
    /// also lose its last one.
    pub fn for_waiting(permits: usize) -> Arc<Self> {
        Arc::new(Self(Mutex::new(State::new(permits, Revocation::StopWaiting))))
    }

    /// A semaphore whose holders are threads, which cannot be stopped: with its permit revoked, a thread continues beside
    /// the others. There are at most as many such threads as permits.
    pub fn for_threads(permits: usize) -> Arc<Self> {
        Arc::new(Self(Mutex::new(State::new(permits, Revocation::Detach))))
    }

    /// Waits for a permit. Cancel-safe.
    pub async fn acquire(self: &Arc<Self>, queue: &QueueKey) -> Permit {
        let (receiver, is_checked) = {
            let mut state = self.state();
            if let Some((id, revoked)) = state.take(queue) {
                return Permit { semaphore: Arc::clone(self), id, revoked };
            }
            (state.wait(queue), state.start_checking())
        };
        if !is_checked {
            tokio::spawn(check(Arc::clone(self)));
        }
        receiver.await.expect("the sender is kept until it has sent the permit")
    }

    /// Sends permits to waiters. That of a waiter that was cancelled meanwhile is released, outside the lock.
    fn send(self: &Arc<Self>, granted: Vec<Grant<Permit>>) {
        for (waiter, id, revoked) in granted {
            drop(waiter.send(Permit { semaphore: Arc::clone(self), id, revoked }));
        }
    }

    pub fn available(&self) -> usize {
        self.state().available()
    }

    fn state(&self) -> MutexGuard<'_, State<Permit>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Revokes permits for overdue waiters until there are no waiters.
async fn check(semaphore: Arc<FairSemaphore>) {
    loop {
        sleep(CHECK).await;
        let (granted, has_waiters) = semaphore.state().check(Instant::now());
        semaphore.send(granted);
        if !has_waiters {
            return;
        }
    }
}

impl Permit {
    /// Returns when the permit should be released, because others wait and its principal holds more than its share.
    pub async fn revoked(&self) {
        self.revoked.cancelled().await;
    }

    /// Releases the permit after `delay`.
    pub fn release_after(self, delay: Duration) {
        tokio::spawn(async move {
            sleep(delay).await;
            drop(self);
        });
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let granted = self.semaphore.state().release(self.id);
        self.semaphore.send(granted);
    }
}

#[cfg(test)]
mod tests;
