//! A few places for work that keeps a processor busy.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use opilio_actors::domain::queue_key::QueueKey;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::fair_semaphore::{self, FairSemaphore};

/// Runs work on threads of its own, so many pieces at a time. The lines go in turn; in each the first goes first.
pub struct CpuPool {
    places: Arc<FairSemaphore>,
}

/// Work that came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    Panicked,
    Overran,
}

/// Held while the work goes on, also when nobody waits for it any more; given back early when it overruns.
#[derive(Clone)]
struct Permit(Arc<Mutex<Option<fair_semaphore::Permit>>>);

impl Permit {
    fn give_back(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

impl CpuPool {
    pub fn new(places: usize) -> Self {
        Self { places: FairSemaphore::new(places.max(1)) }
    }

    /// Waits for a place, then at most `limit` for the work. A thread cannot be stopped: work that overruns goes on
    /// without a place until it ends by itself, so it should know a limit of its own.
    pub async fn run<T: Send + 'static>(
        &self,
        queue: &QueueKey,
        limit: Duration,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Broken> {
        let place = Permit(Arc::new(Mutex::new(Some(self.places.take(queue).await))));
        let held = place.clone();
        let running = spawn_blocking(move || {
            let _back = GiveBack(held);
            work()
        });
        match timeout(limit, running).await {
            Ok(ended) => ended.map_err(|_| Broken::Panicked),
            Err(_) => {
                place.give_back();
                Err(Broken::Overran)
            }
        }
    }
}

/// Gives the place back when the work ends, by a panic too.
struct GiveBack(Permit);

impl Drop for GiveBack {
    fn drop(&mut self) {
        self.0.give_back();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use futures_util::future::join_all;
    use opilio_actors::domain::id::Principal;

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    fn queue(interactive: bool) -> QueueKey {
        QueueKey { principal: Principal::anonymous(), interactive }
    }

    #[tokio::test]
    async fn a_page_that_somebody_waits_for_goes_before_all_but_one_of_those_that_wait() {
        let pool = CpuPool::new(1);
        let held = pool.places.take(&queue(false)).await;
        let (tell, told) = mpsc::channel();
        let work = |interactive: bool| {
            let tell = tell.clone();
            let (pool, queue) = (&pool, queue(interactive));
            async move { pool.run(&queue, LONG, move || tell.send(interactive).is_ok()).await }
        };
        let all = join_all([false, false, false, true].map(work));
        let release = async { drop(held) };
        tokio::join!(biased; all, release);
        assert_eq!(told.try_iter().collect::<Vec<_>>(), [false, true, false, false]);
    }

    #[tokio::test]
    async fn a_panic_is_an_outcome_and_frees_the_place() {
        let pool = CpuPool::new(1);
        assert_eq!(pool.run(&queue(false), LONG, || panic!("on purpose")).await, Err::<(), _>(Broken::Panicked));
        assert_eq!(pool.run(&queue(false), LONG, || 7).await, Ok(7));
    }

    #[tokio::test]
    async fn work_that_overruns_gives_its_place_back_while_it_still_runs() {
        let (pool, queue) = (CpuPool::new(1), queue(false));
        let (release, wait) = mpsc::channel::<()>();
        let stuck = pool.run(&queue, Duration::from_millis(20), move || wait.recv().is_ok());
        assert_eq!(stuck.await, Err(Broken::Overran));
        assert_eq!(pool.run(&queue, LONG, || 7).await, Ok(7));
        drop(release);
    }

    #[tokio::test]
    async fn work_that_nobody_waits_for_keeps_its_place_until_it_ends() {
        let (pool, queue) = (CpuPool::new(1), queue(false));
        let (release, wait) = mpsc::channel::<()>();
        let abandoned = timeout(Duration::from_millis(20), pool.run(&queue, LONG, move || wait.recv().is_ok()));
        assert!(abandoned.await.is_err());
        assert!(timeout(Duration::from_millis(20), pool.run(&queue, LONG, || 7)).await.is_err());
        drop(release);
        assert_eq!(pool.run(&queue, LONG, || 7).await, Ok(7));
    }
}
