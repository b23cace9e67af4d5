//! Whose turn it is: pages under way in all and at each host, and the gap between two starts at one host.

use std::collections::HashMap;
use std::sync::{Arc, Mutex as Lock, PoisonError};
use std::time::Duration;

use opilio_actors::domain::queue_key::QueueKey;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};

use crate::fair_semaphore::{FairSemaphore, Permit};

/// This many hosts are remembered before the idle ones are forgotten.
const HOSTS_BEFORE_SWEEP: usize = 1024;

/// Gives out turns. At each host, and among the hosts, the lines go in turn; in each the first page goes first.
#[derive(Debug)]
pub struct Turns {
    all: Arc<FairSemaphore>,
    per_host: usize,
    gap: Duration,
    hosts: Lock<Hosts>,
}

#[derive(Debug)]
struct Hosts {
    known: HashMap<String, Arc<Host>>,
    sweep_at: usize,
}

#[derive(Debug)]
struct Host {
    slots: Arc<FairSemaphore>,
    /// Held by whoever starts next, until he has started: so the gap holds however long he waits for his place.
    next_start: Mutex<Instant>,
}

/// The right to have one page under way at one host; dropping it ends it.
#[derive(Debug)]
pub struct Turn {
    _at_host: Permit,
    _in_all: Permit,
}

impl Turns {
    /// Zero pages, in all or per host, means no bound.
    pub fn new(in_all: usize, per_host: usize, gap: Duration) -> Self {
        let bound = |pages: usize| if pages == 0 { usize::MAX } else { pages };
        Self {
            all: FairSemaphore::new(bound(in_all)),
            per_host: bound(per_host),
            gap,
            hosts: Lock::new(Hosts { known: HashMap::new(), sweep_at: HOSTS_BEFORE_SWEEP }),
        }
    }

    /// Waits for a turn at `host`. Whoever waits for a host, or for its gap, holds no place that another host's page
    /// could use.
    pub async fn take(&self, host: &str, queue: &QueueKey) -> Turn {
        let host = self.host(host);
        let at_host = host.slots.take(queue).await;
        let mut next_start = host.next_start.lock().await;
        // Asked first, because even a time that has passed may cost the timer's whole millisecond.
        if *next_start > Instant::now() {
            sleep_until(*next_start).await;
        }
        let in_all = self.all.take(queue).await;
        *next_start = Instant::now() + self.gap;
        Turn { _at_host: at_host, _in_all: in_all }
    }

    fn host(&self, name: &str) -> Arc<Host> {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(host) = hosts.known.get(name) {
            return host.clone();
        }
        if hosts.known.len() >= hosts.sweep_at {
            let now = Instant::now();
            hosts.known.retain(|_, host| host.is_busy(self.per_host, now));
            hosts.known.shrink_to(HOSTS_BEFORE_SWEEP);
            hosts.sweep_at = HOSTS_BEFORE_SWEEP.max(2 * hosts.known.len());
        }
        let host = Host { slots: FairSemaphore::new(self.per_host), next_start: Mutex::new(Instant::now()) };
        hosts.known.entry(name.to_owned()).or_insert(Arc::new(host)).clone()
    }
}

impl Host {
    /// Whether it makes a difference that it is remembered.
    fn is_busy(self: &Arc<Self>, slots: usize, now: Instant) -> bool {
        Arc::strong_count(self) > 1
            || self.slots.free() < slots
            || self.next_start.try_lock().is_ok_and(|next| *next > now)
    }
}

#[cfg(test)]
mod tests {
    use opilio_actors::domain::id::Principal;

    use super::*;

    const GAP: Duration = Duration::from_millis(100);

    fn me() -> QueueKey {
        QueueKey::batch(Principal::anonymous())
    }

    /// Whether a turn is to be had within a time, which passes if not.
    async fn within(time: Duration, turns: &Turns, host: &str) -> Option<Turn> {
        tokio::time::timeout(time, turns.take(host, &me())).await.ok()
    }

    #[tokio::test(start_paused = true)]
    async fn a_host_has_no_more_pages_under_way_than_its_bound() {
        let turns = Turns::new(10, 2, Duration::ZERO);
        let first = turns.take("a", &me()).await;
        let _second = turns.take("a", &me()).await;
        assert!(within(GAP, &turns, "a").await.is_none());
        assert!(within(GAP, &turns, "b").await.is_some(), "another host is not concerned");
        drop(first);
        assert!(within(GAP, &turns, "a").await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_gap_a_free_turn_costs_no_time() {
        let turns = Turns::new(2, 2, Duration::ZERO);
        let start = Instant::now();
        for _ in 0..100 {
            drop(turns.take("a", &me()).await);
        }
        assert_eq!(start.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn all_hosts_together_have_no_more_pages_under_way_than_the_bound() {
        let turns = Turns::new(2, 2, Duration::ZERO);
        let _a = turns.take("a", &me()).await;
        let b = turns.take("b", &me()).await;
        assert!(within(GAP, &turns, "c").await.is_none());
        drop(b);
        assert!(within(GAP, &turns, "c").await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn starts_at_one_host_keep_their_gap_even_after_waiting_for_a_place() {
        let turns = Arc::new(Turns::new(1, 9, GAP));
        let blocking = turns.take("other", &me()).await;
        let start = Instant::now();
        let visits = (0..3).map(|_| {
            let turns = turns.clone();
            tokio::spawn(async move {
                let _turn = turns.take("a", &me()).await;
                Instant::now()
            })
        });
        let visits: Vec<_> = visits.collect();
        tokio::time::sleep(GAP * 10).await;
        drop(blocking);
        let mut starts = Vec::new();
        for visit in visits {
            starts.push(visit.await.expect("no panic") - start);
        }
        let gaps: Vec<_> = starts.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(starts[0] >= GAP * 10 && gaps.iter().all(|gap| *gap >= GAP), "{starts:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_waits_for_a_gap_takes_no_place_from_another_host() {
        let turns = Arc::new(Turns::new(1, 9, GAP * 100));
        drop(turns.take("a", &me()).await);
        let waiting = tokio::spawn({
            let turns = turns.clone();
            async move { drop(turns.take("a", &me()).await) }
        });
        tokio::task::yield_now().await;
        assert!(within(GAP, &turns, "b").await.is_some());
        waiting.await.expect("no panic");
    }

    #[tokio::test(start_paused = true)]
    async fn giving_up_while_waiting_leaves_nothing_behind() {
        let turns = Turns::new(1, 1, Duration::ZERO);
        let held = turns.take("a", &me()).await;
        assert!(within(GAP, &turns, "a").await.is_none());
        assert!(within(GAP, &turns, "b").await.is_none());
        drop(held);
        assert!(within(GAP, &turns, "a").await.is_some());
        assert!(within(GAP, &turns, "b").await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn hosts_that_are_idle_are_forgotten_and_busy_ones_are_not() {
        let turns = Turns::new(0, 1, GAP);
        let _held = turns.take("busy", &me()).await;
        for n in 0..HOSTS_BEFORE_SWEEP * 3 {
            drop(turns.take(&format!("host{n}"), &me()).await);
            tokio::time::sleep(GAP * 2).await;
        }
        let known = turns.hosts.lock().expect("not poisoned").known.len();
        assert!(known <= HOSTS_BEFORE_SWEEP, "{known}");
        assert!(within(GAP * 5, &turns, "busy").await.is_none());
    }
}
