//! The crawl of one job: fetch, read and write down each missing page, a bounded number side by side.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use actix::Recipient;
use futures_util::stream::{self, StreamExt};

use super::PageCrawled;
use crate::domain::crawl::{CrawlSpec, Effort, PageRecord, PageResult};
use crate::domain::crawl_options::CrawlOptions;
use crate::domain::job::Task;
use crate::domain::lease::Lease;
use crate::domain::retry::Backoff;
use crate::faults;
use crate::persistence::persistently;
use crate::ports::{Claim, FetchError, FetchedPage, JobStore, PageFetcher, PageReader, PageRequest, StoreError};
use crate::worker::Outcome;

/// The operator's choices, where the job makes none.
#[derive(Clone, Copy, Debug)]
pub struct CrawlPolicy {
    /// Pages of one job side by side; a job may ask for fewer.
    pub pages_per_job: NonZeroUsize,
    /// Further tries of a page after a transient failure.
    pub max_retries: u32,
    pub backoff: Backoff,
}

/// What every crawl worker works with.
pub struct Crawler {
    pub store: Arc<dyn JobStore>,
    pub fetcher: Arc<dyn PageFetcher>,
    pub reader: Arc<dyn PageReader>,
    pub policy: CrawlPolicy,
    pub listener: Recipient<PageCrawled>,
}

impl Crawler {
    /// Returns when every page has its record, or when no more can be written.
    pub async fn run(&self, claim: Claim) -> Outcome {
        let Claim { lease, job, missing } = claim;
        let Task::Crawl(crawl) = job.spec.task else {
            return Outcome::Broke { reason: "not a crawl".to_owned() };
        };
        let CrawlSpec { urls, options, each } = &crawl;
        let common = Arc::new(options.clone());
        let asked = options.concurrency.unwrap_or(self.policy.pages_per_job);
        let side_by_side = asked.min(self.policy.pages_per_job).get();
        let lease = &lease;
        let pages = missing.into_iter().filter_map(|index| {
            let place = usize::try_from(index).ok()?;
            let url = urls.get(place)?;
            let options = each.get(place).map_or_else(|| Arc::clone(&common), |own| Arc::new(own.clone()));
            Some(async move {
                let record = self.page(index, url, options).await;
                self.write_down(lease, record).await
            })
        });
        let mut written = stream::iter(pages).buffer_unordered(side_by_side);
        while let Some(outcome) = written.next().await {
            match outcome {
                Ok(()) => {}
                Err(StoreError::LeaseLost) => return Outcome::LeaseLost,
                Err(other) => return Outcome::Broke { reason: other.to_string() },
            }
        }
        Outcome::Done
    }

    /// One page, fetched and read, with as many tries as it is worth.
    pub async fn page(&self, index: u32, url: &str, options: Arc<CrawlOptions>) -> PageRecord {
        let tries = 1 + options.fetch.max_retries.unwrap_or(self.policy.max_retries);
        let mut attempts = 1;
        loop {
            let request = PageRequest { url: url.to_owned(), options: Arc::clone(&options) };
            let fetched = self.fetcher.fetch(request).await;
            faults::point("page.fetched");
            if attempts < tries
                && let Some(asked) = worth_another_try(&fetched)
            {
                let wait = self.policy.backoff.wait(attempts, fastrand::f64());
                tokio::time::sleep(wait.max(asked.min(self.policy.backoff.max))).await;
                attempts += 1;
                continue;
            }
            let effort = Effort { attempts };
            return match fetched {
                Ok(page) => self.reader.read(index, url, page, options, effort).await,
                Err(error) => {
                    let reason = error.to_string();
                    PageRecord::new(index, &PageResult::failed(url, error.exchange, Some(effort), reason))
                }
            };
        }
    }

    /// A finished page is not thrown away because the store is away for a while.
    async fn write_down(&self, lease: &Lease, record: PageRecord) -> Result<(), StoreError> {
        persistently(|| self.store.record_pages(lease, vec![record.clone()])).await?;
        self.listener.do_send(PageCrawled { job: lease.job.clone() });
        Ok(())
    }
}

/// How long the server asks to wait at least, if another try may go better.
fn worth_another_try(fetched: &Result<FetchedPage, FetchError>) -> Option<Duration> {
    match fetched {
        Err(error) => error.transient.then_some(Duration::ZERO),
        Ok(page) => {
            let status = page.exchange.status.unwrap_or(200);
            (status == 429 || (500..=599).contains(&status)).then(|| page.retry_after.unwrap_or_default())
        }
    }
}
