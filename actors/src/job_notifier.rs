//! Who waits for news of which job.

use std::collections::HashMap;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

use crate::domain::id::JobId;

/// News may be lost, or be another process's: whoever waits looks into the store this often all the same.
const LOOK: Duration = Duration::from_secs(1);

/// Wakes whoever waits for one job. What has changed, the store knows.
#[derive(Debug)]
pub struct JobWatch {
    news: watch::Receiver<()>,
}

impl JobWatch {
    /// Returns when the job may have changed since the last call.
    pub async fn changed(&mut self) {
        if let Ok(Err(_)) = timeout(LOOK, self.news.changed()).await {
            // Who told the news is gone.
            tokio::time::sleep(LOOK).await;
        }
    }
}

/// Everybody who waits, by job.
#[derive(Debug, Default)]
pub struct JobNotifier {
    jobs: HashMap<JobId, watch::Sender<()>>,
    /// Of those who follow all jobs.
    any: watch::Sender<()>,
    /// When as many jobs are watched, those that nobody watches any more are forgotten.
    crowded: usize,
}

impl JobNotifier {
    pub fn watch(&mut self, job: JobId) -> JobWatch {
        if self.jobs.len() >= self.crowded {
            self.jobs.retain(|_, told| !told.is_closed());
            self.crowded = (2 * self.jobs.len()).max(64);
        }
        let told = self.jobs.entry(job).or_insert_with(|| watch::channel(()).0);
        JobWatch { news: told.subscribe() }
    }

    /// Wakes whoever waits for any job.
    pub fn watch_all(&self) -> JobWatch {
        JobWatch { news: self.any.subscribe() }
    }

    /// To be told when there is a job that nobody knows yet.
    pub fn any(&self) -> watch::Sender<()> {
        self.any.clone()
    }

    pub fn tell(&mut self, job: &JobId) {
        self.any.send_replace(());
        if let Some(told) = self.jobs.get(job)
            && told.send(()).is_err()
        {
            self.jobs.remove(job);
        }
    }

    /// News of who knows which job.
    pub fn tell_all(&mut self) {
        self.jobs.retain(|_, told| told.send(()).is_ok());
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
    async fn news_of_a_job_wake_those_who_wait_for_it_and_nobody_else() {
        let mut notifier = JobNotifier::default();
        let (mut first, mut second) = (notifier.watch(job(1)), notifier.watch(job(1)));
        let (mut other, mut any) = (notifier.watch(job(2)), notifier.watch_all());
        notifier.tell(&job(1));
        let began = tokio::time::Instant::now();
        first.changed().await;
        second.changed().await;
        assert_eq!(began.elapsed(), Duration::ZERO);
        any.changed().await;
        assert_eq!(began.elapsed(), Duration::ZERO);
        other.changed().await;
        assert_eq!(began.elapsed(), LOOK, "without news the store is looked into");
    }

    #[test]
    fn a_job_that_nobody_waits_for_any_more_is_forgotten() {
        let mut notifier = JobNotifier::default();
        for random in 0..1000 {
            drop(notifier.watch(job(random)));
        }
        assert!(notifier.jobs.len() <= 64);
        let kept = notifier.watch(job(5000));
        notifier.tell(&job(5000));
        drop(kept);
        notifier.tell(&job(5000));
        assert!(!notifier.jobs.contains_key(&job(5000)));
    }
}
