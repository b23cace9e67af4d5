//! The crawl of one job: fetch, read and write down each missing page, a bounded number side by side.

use std::num::NonZeroUsize;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actix::Recipient;
use futures_util::FutureExt;
use futures_util::stream::{self, StreamExt};

use super::http_cache::Next;
use super::results::Results;
use super::{PageCrawled, http_cache};
use crate::domain::crawl::{CrawlSpec, Effort, Kept, KeptBy, PageRecord, PageResult};
use crate::domain::crawl_options::CrawlOptions;
use crate::domain::id::TaskType;
use crate::domain::job::{Job, Task};
use crate::domain::lease::Lease;
use crate::domain::queue_key::QueueKey;
use crate::domain::retry::Backoff;
use crate::faults;
use crate::heartbeat;
use crate::ports::{
    Claim, FetchError, FetchedPage, JobStore, PageCache, PageFetcher, PageReader, PageRequest, StoreError,
};
use crate::retry_store::retry_transient;
use crate::worker::{Outcome, panic_text};

/// The operator's choices, where the job makes none.
#[derive(Clone, Copy, Debug)]
pub struct CrawlPolicy {
    /// Pages of one job side by side; a job may ask for fewer.
    pub pages_per_job: NonZeroUsize,
    /// Further tries of a page after a transient failure.
    pub max_retries: u32,
    pub backoff: Backoff,
    /// Pages after which a job lets others go first, if any wait; `None`: never.
    pub slice: Option<NonZeroUsize>,
    /// Bytes of what is kept of one page; `None`: no bound.
    pub max_result: Option<NonZeroUsize>,
    /// Of all pages of a job; `None`: no bound.
    pub max_results: Option<NonZeroUsize>,
}

/// What every crawl worker works with.
pub struct Crawler {
    pub store: Arc<dyn JobStore>,
    pub fetcher: Arc<dyn PageFetcher>,
    pub cache: Arc<dyn PageCache>,
    pub reader: Arc<dyn PageReader>,
    pub policy: CrawlPolicy,
    pub listener: Recipient<PageCrawled>,
}

impl Crawler {
    /// Returns when every page has its record, when others are to go first, or when no more can be written. A page that
    /// panics stops no other; it is tried again by the next attempt.
    pub async fn run(&self, claim: Claim) -> Outcome {
        let (first, then) = in_order(&claim.job, claim.missing);
        let Claim { lease, job, .. } = claim;
        let queue = &job.queue_key();
        let results = &Results::of(&job, &*self.store, self.policy.max_results).await;
        let Task::Crawl(crawl) = job.spec.task else {
            return Outcome::Crashed { reason: "not a crawl".to_owned() };
        };
        let asked = crawl.options.concurrency.unwrap_or(self.policy.pages_per_job);
        let side_by_side = asked.min(self.policy.pages_per_job).get();
        let (lease, stop, all) = (&lease, &AtomicBool::new(false), first.len() + then.len());
        let CrawlSpec { urls, options, each } = &crawl;
        let common = Arc::new(options.clone());
        let work = |index: u32| {
            let place = usize::try_from(index).ok().filter(|_| !stop.load(Ordering::Relaxed))?;
            let url = urls.get(place)?;
            let options = each.get(place).map_or_else(|| Arc::clone(&common), |own| Arc::new(own.clone()));
            Some(self.write_page(lease, index, url, options, queue, results))
        };
        let one_by_one = stream::iter(first.into_iter().filter_map(&work)).buffer_unordered(1);
        let side_by_side = stream::iter(then.into_iter().filter_map(&work)).buffer_unordered(side_by_side);
        let mut written = one_by_one.chain(side_by_side);
        let (mut done, mut broke) = (0, None);
        while let Some(outcome) = written.next().await {
            match outcome {
                Err(panic) => broke = broke.or(Some(panic)),
                Ok(Err(StoreError::LeaseLost)) => return Outcome::LeaseLost,
                Ok(Err(other)) => return Outcome::Crashed { reason: other.to_string() },
                Ok(Ok(())) => done += 1,
            }
            if !stop.load(Ordering::Relaxed) && self.policy.slice.is_some_and(|slice| done % slice.get() == 0) {
                stop.store(self.store.should_yield(TaskType::Crawl, queue).await.unwrap_or(false), Ordering::Relaxed);
            }
        }
        match broke {
            Some(reason) => Outcome::Crashed { reason },
            None if done < all => Outcome::Yielded,
            None => Outcome::Done,
        }
    }

    /// The page's panic, if it panics: what it leaves behind is its own.
    async fn write_page(
        &self,
        lease: &Lease,
        index: u32,
        url: &str,
        options: Arc<CrawlOptions>,
        queue: &QueueKey,
        results: &Results,
    ) -> Result<Result<(), StoreError>, String> {
        let page = AssertUnwindSafe(self.page(index, url, options, queue));
        let record = page.catch_unwind().await.map_err(|panic| panic_text(&*panic))?;
        Ok(self.write_down(lease, results.fit(record, url)).await)
    }

    /// One page, read as it was fetched earlier, or now.
    pub async fn page(&self, index: u32, url: &str, options: Arc<CrawlOptions>, queue: &QueueKey) -> PageRecord {
        let request = PageRequest { url: url.to_owned(), options, queue: queue.clone() };
        let (fetched, effort) = self.come_by(&request).await;
        match fetched {
            Ok(page) => {
                let exchange = page.exchange.clone();
                let record = self.reader.read(index, &request, page, effort).await;
                match self.policy.max_result.filter(|most| record.json.len() > most.get()) {
                    None => record,
                    Some(most) => {
                        let reason = format!("Result larger than {most} bytes");
                        PageRecord::new(index, &PageResult::failed(url, exchange, Some(effort), reason))
                    }
                }
            }
            Err(error) => {
                let reason = error.to_string();
                PageRecord::new(index, &PageResult::failed(url, error.exchange, Some(effort), reason))
            }
        }
    }

    async fn come_by(&self, request: &PageRequest) -> (Result<FetchedPage, FetchError>, Effort) {
        let Some(kept) = http_cache::find(&*self.cache, request).await else {
            return self.fetch_and_keep(request).await;
        };
        let question = match http_cache::next(request, &kept) {
            Next::Take => {
                let because = Kept { at: kept.at, by: KeptBy::Choice };
                return (Ok(kept.page), Effort { attempts: 0, kept: Some(because) });
            }
            Next::Ask(question) => question,
            Next::Fetch => return self.fetch_and_keep(request).await,
        };
        let (asked, effort) = self.fetch(&question).await;
        let (page, kept) = http_cache::or_kept(kept, asked);
        if let Ok(page) = &page
            && kept.is_none_or(|kept| kept.by == KeptBy::Unchanged)
        {
            http_cache::keep(&*self.cache, request, page).await;
        }
        (page, Effort { kept, ..effort })
    }

    async fn fetch_and_keep(&self, request: &PageRequest) -> (Result<FetchedPage, FetchError>, Effort) {
        let (fetched, effort) = self.fetch(request).await;
        if let Ok(page) = &fetched {
            http_cache::keep(&*self.cache, request, page).await;
        }
        (fetched, effort)
    }

    /// With as many tries as the page is worth.
    async fn fetch(&self, request: &PageRequest) -> (Result<FetchedPage, FetchError>, Effort) {
        let tries = 1 + request.options.fetch.max_retries.unwrap_or(self.policy.max_retries);
        let mut attempts = 1;
        loop {
            heartbeat::beat();
            let fetched = self.fetcher.fetch(request.clone()).await;
            faults::point("page.fetched");
            let Some(asked) = worth_another_try(&fetched).filter(|_| attempts < tries) else {
                return (fetched, Effort { attempts, kept: None });
            };
            let wait = self.policy.backoff.wait(attempts, fastrand::f64());
            tokio::time::sleep(wait.max(asked.min(self.policy.backoff.max))).await;
            attempts += 1;
        }
    }

    /// A finished page is not thrown away because the store is away for a while.
    async fn write_down(&self, lease: &Lease, record: PageRecord) -> Result<(), StoreError> {
        retry_transient(|| self.store.record_pages(lease, vec![record.clone()])).await?;
        heartbeat::beat();
        self.listener.do_send(PageCrawled { job: lease.job.clone() });
        Ok(())
    }
}

/// Pages to do one by one first, and the others. Where an attempt died with its process before it got anywhere, one of its
/// pages may have been the reason: each attempt then starts with another one, and with a few of them alone, so that the
/// others are done before it is met again.
fn in_order(job: &Job, mut missing: Vec<u32>) -> (Vec<u32>, Vec<u32>) {
    const ALONE: usize = 16;
    if job.attempts_spent == 0 || job.error.is_some() || missing.is_empty() {
        return (vec![], missing);
    }
    let spent = usize::try_from(job.attempts_spent).unwrap_or(usize::MAX);
    let turn = spent % missing.len();
    missing.rotate_left(turn);
    let then = missing.split_off(missing.len().min(ALONE));
    (missing, then)
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
