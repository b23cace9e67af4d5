//! Wakes requests that wait for changes of jobs.

use std::collections::HashMap;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

use crate::domain::id::JobId;

/// Notifications can be lost; a waiting request reads the store at least this often.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// Waits for changes of one job or of all jobs. What has changed is read from the store.
#[derive(Debug)]
pub struct JobWatch {
    changes: watch::Receiver<()>,
}

impl JobWatch {
    /// Returns when there may have been a change since the last call.
    pub async fn changed(&mut self) {
        if let Ok(Err(_)) = timeout(POLL_INTERVAL, self.changes.changed()).await {
            // The notifier no longer exists.
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }
}

/// The watches of this process.
#[derive(Debug, Default)]
pub struct JobNotifier {
    jobs: HashMap<JobId, watch::Sender<()>>,
    all: watch::Sender<()>,
    /// The number of watched jobs at which those without watches are removed.
    cleanup_at: usize,
}

impl JobNotifier {
    pub fn watch(&mut self, job: JobId) -> JobWatch {
        if self.jobs.len() >= self.cleanup_at {
            self.jobs.retain(|_, sender| !sender.is_closed());
            self.cleanup_at = (2 * self.jobs.len()).max(64);
        }
        let sender = self.jobs.entry(job).or_insert_with(|| watch::channel(()).0);
        JobWatch { changes: sender.subscribe() }
    }

    /// Watches every job.
    pub fn watch_all(&self) -> JobWatch {
        JobWatch { changes: self.all.subscribe() }
    }

    /// Wakes the watches of all jobs when it is sent to; for jobs that are just being submitted.
    pub fn new_jobs(&self) -> watch::Sender<()> {
        self.all.clone()
    }

    /// Wakes the watches of this job, and those of all jobs.
    pub fn notify(&mut self, job: &JobId) {
        self.all.send_replace(());
        if let Some(sender) = self.jobs.get(job)
            && sender.send(()).is_err()
        {
            self.jobs.remove(job);
        }
    }

    /// Wakes the watches of each single job.
    pub fn notify_each(&mut self) {
        self.jobs.retain(|_, sender| sender.send(()).is_ok());
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::kinds::CRAWL;

    fn job(random: u128) -> JobId {
        JobId::new(CRAWL, Timestamp::UNIX_EPOCH, random)
    }

    #[tokio::test(start_paused = true)]
    async fn notification_wakes_only_the_watches_of_its_job() {
        let mut notifier = JobNotifier::default();
        let (mut first, mut second) = (notifier.watch(job(1)), notifier.watch(job(1)));
        let (mut other, mut all) = (notifier.watch(job(2)), notifier.watch_all());
        notifier.notify(&job(1));
        let started = tokio::time::Instant::now();
        first.changed().await;
        second.changed().await;
        assert_eq!(started.elapsed(), Duration::ZERO);
        all.changed().await;
        assert_eq!(started.elapsed(), Duration::ZERO);
        other.changed().await;
        assert_eq!(started.elapsed(), POLL_INTERVAL, "without a notification the store is polled");
    }

    #[test]
    fn jobs_without_watches_are_removed() {
        let mut notifier = JobNotifier::default();
        for random in 0..1000 {
            drop(notifier.watch(job(random)));
        }
        assert!(notifier.jobs.len() <= 64);
        let watch = notifier.watch(job(5000));
        notifier.notify(&job(5000));
        drop(watch);
        notifier.notify(&job(5000));
        assert!(!notifier.jobs.contains_key(&job(5000)));
    }
}
