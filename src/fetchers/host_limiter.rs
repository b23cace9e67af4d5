//! Limits the pages in flight, in total and per host, and the delay between two starts at one host.

use std::collections::HashMap;
use std::sync::{Arc, Mutex as Lock, PoisonError};
use std::time::Duration;

use opilio_actors::domain::queue_key::QueueKey;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};

use crate::fair_semaphore::{FairSemaphore, Permit};

/// Idle hosts are removed when this many hosts are known.
const SWEEP_THRESHOLD: usize = 1024;

/// Grants permits for pages. Per host and in total, the queues are served in rotation, each in order.
#[derive(Debug)]
pub struct HostLimiter {
    total: Arc<FairSemaphore>,
    max_per_host: usize,
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
    permits: Arc<FairSemaphore>,
    /// Locked by the next page until it starts, so that the gap also applies after a wait for a total permit.
    next_start: Mutex<Instant>,
}

/// Allows one page in flight at one host. Released when dropped.
#[derive(Debug)]
pub struct HostPermit {
    _host: Permit,
    _total: Permit,
}

impl HostLimiter {
    /// 0 pages, in total or per host: unlimited.
    pub fn new(max_total: usize, max_per_host: usize, gap: Duration) -> Self {
        let limit = |pages: usize| if pages == 0 { usize::MAX } else { pages };
        Self {
            total: FairSemaphore::new(limit(max_total)),
            max_per_host: limit(max_per_host),
            gap,
            hosts: Lock::new(Hosts { known: HashMap::new(), sweep_at: SWEEP_THRESHOLD }),
        }
    }

    /// Waits for a permit at `host`. While it waits for the host or for the gap, it holds no total permit.
    pub async fn acquire(&self, host: &str, queue: &QueueKey) -> HostPermit {
        let host = self.host(host);
        let at_host = host.permits.acquire(queue).await;
        let mut next_start = host.next_start.lock().await;
        // Without this check the timer rounds a past instant up to a millisecond.
        if *next_start > Instant::now() {
            sleep_until(*next_start).await;
        }
        let total = self.total.acquire(queue).await;
        *next_start = Instant::now() + self.gap;
        HostPermit { _host: at_host, _total: total }
    }

    fn host(&self, name: &str) -> Arc<Host> {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(host) = hosts.known.get(name) {
            return host.clone();
        }
        if hosts.known.len() >= hosts.sweep_at {
            let now = Instant::now();
            hosts.known.retain(|_, host| host.is_in_use(self.max_per_host, now));
            hosts.known.shrink_to(SWEEP_THRESHOLD);
            hosts.sweep_at = SWEEP_THRESHOLD.max(2 * hosts.known.len());
        }
        let host = Host { permits: FairSemaphore::new(self.max_per_host), next_start: Mutex::new(Instant::now()) };
        hosts.known.entry(name.to_owned()).or_insert(Arc::new(host)).clone()
    }
}

impl Host {
    /// Whether a page is in flight or waiting, or the gap has not passed.
    fn is_in_use(self: &Arc<Self>, max_pages: usize, now: Instant) -> bool {
        Arc::strong_count(self) > 1
            || self.permits.available() < max_pages
            || self.next_start.try_lock().is_ok_and(|next| *next > now)
    }
}

#[cfg(test)]
mod tests {
    use opilio_actors::domain::id::Principal;

    use super::*;

    const GAP: Duration = Duration::from_millis(100);

    fn queue() -> QueueKey {
        QueueKey::batch(Principal::anonymous())
    }

    async fn acquire_within(time: Duration, limiter: &HostLimiter, host: &str) -> Option<HostPermit> {
        tokio::time::timeout(time, limiter.acquire(host, &queue())).await.ok()
    }

    #[tokio::test(start_paused = true)]
    async fn pages_per_host_are_limited() {
        let limiter = HostLimiter::new(10, 2, Duration::ZERO);
        let first = limiter.acquire("a", &queue()).await;
        let _second = limiter.acquire("a", &queue()).await;
        assert!(acquire_within(GAP, &limiter, "a").await.is_none());
        assert!(acquire_within(GAP, &limiter, "b").await.is_some(), "another host");
        drop(first);
        assert!(acquire_within(GAP, &limiter, "a").await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn available_permit_is_granted_immediately_without_gap() {
        let limiter = HostLimiter::new(2, 2, Duration::ZERO);
        let start = Instant::now();
        for _ in 0..100 {
            drop(limiter.acquire("a", &queue()).await);
        }
        assert_eq!(start.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn total_pages_are_limited() {
        let limiter = HostLimiter::new(2, 2, Duration::ZERO);
        let _a = limiter.acquire("a", &queue()).await;
        let b = limiter.acquire("b", &queue()).await;
        assert!(acquire_within(GAP, &limiter, "c").await.is_none());
        drop(b);
        assert!(acquire_within(GAP, &limiter, "c").await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn gap_applies_after_waiting_for_total_permit() {
        let limiter = Arc::new(HostLimiter::new(1, 9, GAP));
        let blocking = limiter.acquire("other", &queue()).await;
        let start = Instant::now();
        let pages = (0..3).map(|_| {
            let limiter = limiter.clone();
            tokio::spawn(async move {
                let _permit = limiter.acquire("a", &queue()).await;
                Instant::now()
            })
        });
        let pages: Vec<_> = pages.collect();
        tokio::time::sleep(GAP * 10).await;
        drop(blocking);
        let mut starts = Vec::new();
        for page in pages {
            starts.push(page.await.expect("no panic") - start);
        }
        let gaps: Vec<_> = starts.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(starts[0] >= GAP * 10 && gaps.iter().all(|gap| *gap >= GAP), "{starts:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn page_that_waits_for_gap_holds_no_total_permit() {
        let limiter = Arc::new(HostLimiter::new(1, 9, GAP * 100));
        drop(limiter.acquire("a", &queue()).await);
        let waiting = tokio::spawn({
            let limiter = limiter.clone();
            async move { drop(limiter.acquire("a", &queue()).await) }
        });
        tokio::task::yield_now().await;
        assert!(acquire_within(GAP, &limiter, "b").await.is_some());
        waiting.await.expect("no panic");
    }

    #[tokio::test(start_paused = true)]
    async fn cancelled_wait_loses_no_permit() {
        let limiter = HostLimiter::new(1, 1, Duration::ZERO);
        let held = limiter.acquire("a", &queue()).await;
        assert!(acquire_within(GAP, &limiter, "a").await.is_none());
        assert!(acquire_within(GAP, &limiter, "b").await.is_none());
        drop(held);
        assert!(acquire_within(GAP, &limiter, "a").await.is_some());
        assert!(acquire_within(GAP, &limiter, "b").await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn idle_hosts_are_removed_and_busy_hosts_kept() {
        let limiter = HostLimiter::new(0, 1, GAP);
        let _held = limiter.acquire("busy", &queue()).await;
        for n in 0..SWEEP_THRESHOLD * 3 {
            drop(limiter.acquire(&format!("host{n}"), &queue()).await);
            tokio::time::sleep(GAP * 2).await;
        }
        let known = limiter.hosts.lock().expect("not poisoned").known.len();
        assert!(known <= SWEEP_THRESHOLD, "{known}");
        assert!(acquire_within(GAP * 5, &limiter, "busy").await.is_none());
    }
}
