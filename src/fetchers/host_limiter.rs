//! Limits the pages in flight, in total and per host, and the delay between two starts at one host.

use std::collections::HashMap;
use std::sync::{Arc, Mutex as Lock, PoisonError};
use std::time::Duration;

use opilio_actors::domain::queue_key::QueueKey;

use crate::fair_semaphore::{FairSemaphore, Permit};

/// Idle hosts are removed when this many hosts are known.
const SWEEP_THRESHOLD: usize = 1024;

/// Grants permits for pages, each resource fairly by principal: the pages of a host in flight, its next start, and all
/// pages in flight.
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
    /// One permit: the next start. It is held for the delay after a start.
    starts: Arc<FairSemaphore>,
}

/// Allows one page in flight at one host. Released when dropped.
#[derive(Debug)]
pub struct HostPermit {
    host: Permit,
    total: Permit,
}

/// The permit was revoked, because others wait and its principal holds more than its share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Revoked;

impl HostPermit {
    /// Runs work that the permit is needed for, until the permit is revoked.
    pub async fn run<T>(&self, work: impl Future<Output = T>) -> Result<T, Revoked> {
        tokio::select! {
            biased;
            done = work => Ok(done),
            () = self.host.revoked() => Err(Revoked),
            () = self.total.revoked() => Err(Revoked),
        }
    }
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

    /// Waits for a permit at `host`. The next start there is at least `delay` later, and at least the limiter's gap.
    ///
    /// While it waits for its start, it holds no permit for a page. If the wait is cancelled, there is no delay.
    pub async fn acquire(&self, host: &str, queue: &QueueKey, delay: Duration) -> HostPermit {
        let (host, delay) = (self.host(host), delay.max(self.gap));
        if delay.is_zero() {
            return self.acquire_page(&host, queue).await;
        }
        loop {
            let start = host.starts.acquire(queue).await;
            tokio::select! {
                biased;
                permit = self.acquire_page(&host, queue) => {
                    start.release_after(delay);
                    return permit;
                }
                () = start.revoked() => {}
            }
        }
    }

    async fn acquire_page(&self, host: &Host, queue: &QueueKey) -> HostPermit {
        loop {
            let at_host = host.permits.acquire(queue).await;
            tokio::select! {
                biased;
                total = self.total.acquire(queue) => return HostPermit { host: at_host, total },
                () = at_host.revoked() => {}
            }
        }
    }

    fn host(&self, name: &str) -> Arc<Host> {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(host) = hosts.known.get(name) {
            return host.clone();
        }
        if hosts.known.len() >= hosts.sweep_at {
            hosts.known.retain(|_, host| host.is_in_use(self.max_per_host));
            hosts.known.shrink_to(SWEEP_THRESHOLD);
            hosts.sweep_at = SWEEP_THRESHOLD.max(2 * hosts.known.len());
        }
        let (permits, starts) = (FairSemaphore::new(self.max_per_host), FairSemaphore::for_waiting(1));
        hosts.known.entry(name.to_owned()).or_insert(Arc::new(Host { permits, starts })).clone()
    }
}

impl Host {
    /// Whether a page is in flight or waiting, or the delay has not passed.
    fn is_in_use(self: &Arc<Self>, max_pages: usize) -> bool {
        Arc::strong_count(self) > 1 || self.permits.available() < max_pages || self.starts.available() == 0
    }
}

#[cfg(test)]
mod tests {
    use opilio_actors::domain::id::Principal;
    use tokio::time::Instant;

    use super::*;

    const GAP: Duration = Duration::from_millis(100);

    fn queue() -> QueueKey {
        QueueKey::batch(Principal::anonymous())
    }

    async fn acquire_within(time: Duration, limiter: &HostLimiter, host: &str) -> Option<HostPermit> {
        tokio::time::timeout(time, limiter.acquire(host, &queue(), Duration::ZERO)).await.ok()
    }

    #[tokio::test(start_paused = true)]
    async fn pages_per_host_are_limited() {
        let limiter = HostLimiter::new(10, 2, Duration::ZERO);
        let first = limiter.acquire("a", &queue(), Duration::ZERO).await;
        let _second = limiter.acquire("a", &queue(), Duration::ZERO).await;
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
            drop(limiter.acquire("a", &queue(), Duration::ZERO).await);
        }
        assert_eq!(start.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn total_pages_are_limited() {
        let limiter = HostLimiter::new(2, 2, Duration::ZERO);
        let _a = limiter.acquire("a", &queue(), Duration::ZERO).await;
        let b = limiter.acquire("b", &queue(), Duration::ZERO).await;
        assert!(acquire_within(GAP, &limiter, "c").await.is_none());
        drop(b);
        assert!(acquire_within(GAP, &limiter, "c").await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn gap_applies_after_waiting_for_total_permit() {
        let limiter = Arc::new(HostLimiter::new(1, 9, GAP));
        let blocking = limiter.acquire("other", &queue(), Duration::ZERO).await;
        let start = Instant::now();
        let pages = (0..3).map(|_| {
            let limiter = limiter.clone();
            tokio::spawn(async move {
                let _permit = limiter.acquire("a", &queue(), Duration::ZERO).await;
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
        drop(limiter.acquire("a", &queue(), Duration::ZERO).await);
        let waiting = tokio::spawn({
            let limiter = limiter.clone();
            async move { drop(limiter.acquire("a", &queue(), Duration::ZERO).await) }
        });
        tokio::task::yield_now().await;
        assert!(acquire_within(GAP, &limiter, "b").await.is_some());
        waiting.await.expect("no panic");
    }

    #[tokio::test(start_paused = true)]
    async fn cancelled_wait_loses_no_permit() {
        let limiter = HostLimiter::new(1, 1, Duration::ZERO);
        let held = limiter.acquire("a", &queue(), Duration::ZERO).await;
        assert!(acquire_within(GAP, &limiter, "a").await.is_none());
        assert!(acquire_within(GAP, &limiter, "b").await.is_none());
        drop(held);
        assert!(acquire_within(GAP, &limiter, "a").await.is_some());
        assert!(acquire_within(GAP, &limiter, "b").await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn idle_hosts_are_removed_and_busy_hosts_kept() {
        let limiter = HostLimiter::new(0, 1, GAP);
        let _held = limiter.acquire("busy", &queue(), Duration::ZERO).await;
        for n in 0..SWEEP_THRESHOLD * 3 {
            drop(limiter.acquire(&format!("host{n}"), &queue(), Duration::ZERO).await);
            tokio::time::sleep(GAP * 2).await;
        }
        let known = limiter.hosts.lock().expect("not poisoned").known.len();
        assert!(known <= SWEEP_THRESHOLD, "{known}");
        assert!(acquire_within(GAP * 5, &limiter, "busy").await.is_none());
    }

    fn of(principal: &str) -> QueueKey {
        QueueKey::batch(Principal::new(principal))
    }

    #[tokio::test(start_paused = true)]
    async fn hanging_pages_are_revoked_for_another_principal() {
        let limiter = HostLimiter::new(4, 9, Duration::ZERO);
        let mut hanging = Vec::new();
        for n in 0..4 {
            hanging.push(limiter.acquire(&format!("host{n}"), &of("many"), Duration::ZERO).await);
        }
        let hang = |permit: HostPermit| async move { permit.run(std::future::pending::<()>()).await };
        let hanging: Vec<_> = hanging.into_iter().map(|permit| tokio::spawn(hang(permit))).collect();
        let (start, mut permits) = (Instant::now(), Vec::new());
        for _ in 0..2 {
            permits.push(limiter.acquire("b", &of("one"), Duration::ZERO).await);
        }
        assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
        let revoked = hanging.iter().filter(|page| page.is_finished()).count();
        assert_eq!(revoked, 2, "both principals hold half");
    }

    #[tokio::test(start_paused = true)]
    async fn cancelled_waits_for_a_delay_reserve_nothing() {
        const DELAY: Duration = Duration::from_secs(60);
        let limiter = HostLimiter::new(0, 0, Duration::ZERO);
        drop(limiter.acquire("a", &of("first"), DELAY).await);
        let start = Instant::now();
        let many = of("many");
        let waiting: Vec<_> = (0..80).map(|_| Box::pin(limiter.acquire("a", &many, DELAY))).collect();
        let cancelled = tokio::time::timeout(GAP, futures_util::future::join_all(waiting)).await;
        assert!(cancelled.is_err(), "the delay has not passed");
        limiter.acquire("a", &of("one"), DELAY).await;
        assert_eq!(start.elapsed().as_secs(), 60);
    }

    #[tokio::test(start_paused = true)]
    async fn starts_at_a_host_alternate_between_principals() {
        const DELAY: Duration = Duration::from_secs(60);
        let limiter = Arc::new(HostLimiter::new(0, 0, Duration::ZERO));
        drop(limiter.acquire("a", &of("many"), DELAY).await);
        let start = Instant::now();
        let wait = |principal: &'static str| {
            let limiter = Arc::clone(&limiter);
            tokio::spawn(async move {
                drop(limiter.acquire("a", &of(principal), DELAY).await);
                start.elapsed().as_secs()
            })
        };
        let many: Vec<_> = (0..80).map(|_| wait("many")).collect();
        tokio::task::yield_now().await;
        let one = wait("one").await.expect("no panic");
        assert!(one <= 120, "it started after {one} s");
        many.iter().for_each(tokio::task::JoinHandle::abort);
    }
}
