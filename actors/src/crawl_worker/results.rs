//! How much is kept of one job's pages. A page that does not fit any more is kept as one that failed.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::domain::crawl::PageRecord;
use crate::domain::job::Job;
use crate::ports::JobStore;

/// Read from the store at once.
const CHUNK: usize = 1 << 20;

/// What a job's results take, of what they may.
pub struct Results {
    most: Option<NonZeroUsize>,
    taken: AtomicUsize,
}

impl Results {
    /// With what earlier attempts have written down.
    pub async fn of(job: &Job, store: &dyn JobStore, most: Option<NonZeroUsize>) -> Self {
        let mut taken = 0;
        let (mut from, begun) = (0, job.progress.done + job.progress.failed > 0);
        // What the store does not tell now is not counted: the job goes on.
        while most.is_some()
            && begun
            && let Ok(pages) = store.pages(&job.id, from, CHUNK).await
            && let Some((last, _)) = pages.last()
        {
            from = last + 1;
            taken += pages.iter().map(|(_, page)| page.len()).sum::<usize>();
        }
        Self { most, taken: AtomicUsize::new(taken) }
    }

    pub fn fit(&self, record: PageRecord, url: &str) -> PageRecord {
        let Some(most) = self.most else { return record };
        let taken = self.taken.fetch_add(record.json.len(), Ordering::Relaxed);
        if taken.saturating_add(record.json.len()) <= most.get() {
            return record;
        }
        self.taken.fetch_sub(record.json.len(), Ordering::Relaxed);
        PageRecord::failed(record.index, url, format!("The job's results are larger than {most} bytes"))
    }
}
