//! A bounded pool for CPU-bound work.

use std::sync::Arc;
use std::time::Duration;

use opilio_actors::domain::queue_key::QueueKey;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::fair_semaphore::FairSemaphore;

/// Runs a bounded number of tasks on blocking threads, fairly by principal. A principal that waits for long work of others
/// gets a thread beside them.
pub struct CpuPool {
    permits: Arc<FairSemaphore>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PoolError {
    Panicked,
    TimedOut,
}

impl CpuPool {
    pub fn new(threads: usize) -> Self {
        Self { permits: FairSemaphore::for_threads(threads.max(1)) }
    }

    /// Waits for a permit, then up to `limit` for the work. A thread cannot be stopped: work that takes longer, or whose
    /// caller is cancelled, keeps its permit until it ends, so it should have a limit of its own.
    pub async fn run<T: Send + 'static>(
        &self,
        queue: &QueueKey,
        limit: Duration,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, PoolError> {
        let permit = self.permits.acquire(queue).await;
        let running = spawn_blocking(move || {
            let _permit = permit;
            work()
        });
        match timeout(limit, running).await {
            Ok(ended) => ended.map_err(|_| PoolError::Panicked),
            Err(_) => Err(PoolError::TimedOut),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use futures_util::future::join_all;
    use opilio_actors::domain::id::Principal;

    use super::*;

    const LONG: Duration = Duration::from_secs(60);
    const BRIEF: Duration = Duration::from_millis(20);

    fn queue(interactive: bool) -> QueueKey {
        QueueKey { principal: Principal::anonymous(), interactive }
    }

    #[tokio::test]
    async fn interactive_page_waits_for_at_most_one_batch_page() {
        let pool = CpuPool::new(1);
        let held = pool.permits.acquire(&queue(false)).await;
        let (sender, receiver) = mpsc::channel();
        let work = |interactive: bool| {
            let sender = sender.clone();
            let (pool, queue) = (&pool, queue(interactive));
            async move { pool.run(&queue, LONG, move || sender.send(interactive).is_ok()).await }
        };
        let all = join_all([false, false, false, true].map(work));
        let release = async { drop(held) };
        tokio::join!(biased; all, release);
        assert_eq!(receiver.try_iter().collect::<Vec<_>>(), [false, true, false, false]);
    }

    #[tokio::test]
    async fn panic_is_an_error_and_releases_the_permit() {
        let pool = CpuPool::new(1);
        assert_eq!(pool.run(&queue(false), LONG, || panic!("on purpose")).await, Err::<(), _>(PoolError::Panicked));
        assert_eq!(pool.run(&queue(false), LONG, || 7).await, Ok(7));
    }

    #[tokio::test]
    async fn overdue_work_keeps_its_permit_until_it_ends() {
        let (pool, queue) = (CpuPool::new(1), queue(false));
        let (release, wait) = mpsc::channel::<()>();
        let stuck = pool.run(&queue, BRIEF, move || wait.recv().is_ok());
        assert_eq!(stuck.await, Err(PoolError::TimedOut));
        assert!(timeout(BRIEF, pool.run(&queue, LONG, || 7)).await.is_err());
        drop(release);
        assert_eq!(pool.run(&queue, LONG, || 7).await, Ok(7));
    }

    #[tokio::test]
    async fn cancelled_work_holds_its_permit_until_it_ends() {
        let (pool, queue) = (CpuPool::new(1), queue(false));
        let (release, wait) = mpsc::channel::<()>();
        let cancelled = timeout(BRIEF, pool.run(&queue, LONG, move || wait.recv().is_ok()));
        assert!(cancelled.await.is_err());
        assert!(timeout(BRIEF, pool.run(&queue, LONG, || 7)).await.is_err());
        drop(release);
        assert_eq!(pool.run(&queue, LONG, || 7).await, Ok(7));
    }
}
