//! The limit on the stored results of one job. A page that exceeds it is recorded as failed.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::domain::crawl::PageRecord;
use crate::domain::job::Job;
use crate::ports::JobStore;

/// Bytes of results read from the store at once.
const CHUNK: usize = 1 << 20;

/// The result bytes of one job that are used, and their limit.
pub struct ResultBudget {
    max: Option<NonZeroUsize>,
    used: AtomicUsize,
}

impl ResultBudget {
    /// Counts the results that earlier attempts recorded. If the store fails meanwhile, the count is too low; the job
    /// continues.
    pub async fn load(job: &Job, store: &dyn JobStore, max: Option<NonZeroUsize>) -> Self {
        let mut used = 0;
        let (mut from, has_results) = (0, job.progress.done + job.progress.failed > 0);
        while max.is_some()
            && has_results
            && let Ok(pages) = store.pages(&job.id, from, CHUNK).await
            && let Some((last, _)) = pages.last()
        {
            from = last + 1;
            used += pages.iter().map(|(_, page)| page.len()).sum::<usize>();
        }
        Self { max, used: AtomicUsize::new(used) }
    }

    /// `record` if it fits into the budget, else a failed record.
    pub fn admit(&self, record: PageRecord, url: &str) -> PageRecord {
        let Some(max) = self.max else { return record };
        let used = self.used.fetch_add(record.json.len(), Ordering::Relaxed);
        if used.saturating_add(record.json.len()) <= max.get() {
            return record;
        }
        self.used.fetch_sub(record.json.len(), Ordering::Relaxed);
        PageRecord::failed(record.index, url, format!("The job's results are larger than {max} bytes"))
    }
}
