//! Crawls the missing pages of one job, up to a limit concurrently, and records each of them.

use std::num::NonZeroUsize;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use actix::prelude::*;
use async_trait::async_trait;
use futures_util::FutureExt;
use futures_util::stream::{self, StreamExt};

use super::link_previews::PreviewSource;
use super::result_budget::ResultBudget;
use crate::domain::crawl::{CrawlSpec, PageRecord};
use crate::domain::crawl_options::CrawlOptions;
use crate::domain::id::JobId;
use crate::domain::job::Job;
use crate::domain::lease::Lease;
use crate::domain::link_preview::share;
use crate::domain::queue_key::QueueKey;
use crate::domain::retry::Backoff;
use crate::heartbeat;
use crate::llm_worker::{CrawlExtraction, ModelExtractor};
use crate::page_source::PageSource;
use crate::ports::{Claim, JobStore, StoreError};
use crate::retry_store::retry_transient;
use crate::worker::{JobHandler, Outcome, panic_text};

/// Operator settings for crawls.
#[derive(Clone, Copy, Debug)]
pub struct CrawlPolicy {
    /// Concurrent pages per job; a job can request fewer.
    pub pages_per_job: NonZeroUsize,
    /// Retries of a page after a transient failure, unless the job sets its own number.
    pub max_retries: u32,
    /// The delay before a retry of a page.
    pub backoff: Backoff,
    /// Pages after which a job yields its worker if other jobs wait; `None`: never.
    pub time_slice: Option<NonZeroUsize>,
    /// Maximum size of one page's result; `None`: unlimited.
    pub max_result_bytes: Option<NonZeroUsize>,
    /// Maximum size of all results of a job; `None`: unlimited.
    pub max_job_bytes: Option<NonZeroUsize>,
    /// Previews of linked pages per job.
    pub max_previews: usize,
}

/// A page of a job was recorded. A hint: the store holds the record.
#[derive(Clone, Debug, Message)]
#[rtype(result = "()")]
pub struct PageCrawled {
    pub job: JobId,
}

/// What all crawl workers share.
pub struct Crawler {
    pub store: Arc<dyn JobStore>,
    pub pages: Arc<PageSource>,
    pub extractor: Arc<ModelExtractor>,
    pub policy: CrawlPolicy,
    pub listener: Recipient<PageCrawled>,
}

#[async_trait]
impl JobHandler for Crawler {
    /// Returns when every page has its record, when the job yields, or when nothing more can be recorded. A page that
    /// panics does not affect the others; the next attempt retries it.
    async fn run(&self, claim: Claim) -> Outcome {
        let Claim { lease, job, missing } = claim;
        let budget = ResultBudget::load(&job, &*self.store, self.policy.max_job_bytes).await;
        let Some(spec) = job.spec.task.get::<CrawlSpec>() else {
            return Outcome::Crashed { reason: "not a crawl".to_owned() };
        };
        let extraction = match spec.uses_models() {
            true => match CrawlExtraction::begin(Arc::clone(&self.extractor), &lease, &job, &missing).await {
                Ok(extraction) => Some(extraction),
                Err(error) => return error.into(),
            },
            false => None,
        };
        let (queue, (alone, concurrent)) = (job.queue_key(), in_order(&job, missing));
        let shared = |options: &CrawlOptions| Arc::new(options.clone());
        let options = shared(&spec.options);
        let variants = spec.variants.iter().map(shared).collect();
        let previews = PreviewSource::new(Arc::clone(&self.pages), queue.clone());
        let (yielding, done_before) = (AtomicBool::new(false), job.progress.done);
        let attempt = Attempt {
            crawler: self,
            lease,
            spec,
            options,
            variants,
            queue,
            budget,
            previews,
            extraction,
            done_before,
            yielding,
        };
        attempt.run(alone, concurrent).await
    }

    fn is_preemptible(&self) -> bool {
        self.policy.time_slice.is_some()
    }
}

/// One attempt at a job.
struct Attempt<'a> {
    crawler: &'a Crawler,
    lease: Lease,
    spec: &'a CrawlSpec,
    /// The options of pages that have no variant.
    options: Arc<CrawlOptions>,
    variants: Vec<Arc<CrawlOptions>>,
    queue: QueueKey,
    budget: ResultBudget,
    previews: PreviewSource,
    /// `None`: no language model reads a page.
    extraction: Option<CrawlExtraction>,
    /// Pages that earlier attempts recorded.
    done_before: u32,
    /// No more pages are started.
    yielding: AtomicBool,
}

impl Attempt<'_> {
    /// Crawls the pages in `alone` one after the other, then those in `concurrent`.
    async fn run(&self, alone: Vec<u32>, concurrent: Vec<u32>) -> Outcome {
        let policy = &self.crawler.policy;
        let concurrency = self.spec.options.concurrency.unwrap_or(policy.pages_per_job).min(policy.pages_per_job);
        let total = alone.len() + concurrent.len();
        let crawl = |index: u32| self.start(index);
        let alone = stream::iter(alone.into_iter().filter_map(crawl)).buffer_unordered(1);
        let concurrent = stream::iter(concurrent.into_iter().filter_map(crawl)).buffer_unordered(concurrency.get());
        let mut recorded = alone.chain(concurrent);
        let (mut done, mut panicked, mut deferred) = (0, None, None);
        while let Some(outcome) = recorded.next().await {
            match outcome {
                Err(panic) => panicked = panicked.or(Some(panic)),
                // The pages in progress are finished.
                Ok(Err(outcome @ Outcome::Deferred { .. })) => {
                    self.yielding.store(true, Ordering::Relaxed);
                    deferred = deferred.or(Some(outcome));
                }
                Ok(Err(Outcome::Yielded)) => self.yielding.store(true, Ordering::Relaxed),
                Ok(Err(outcome)) => return outcome,
                Ok(Ok(())) => done += 1,
            }
            if policy.time_slice.is_some_and(|pages| done % pages.get() == 0) {
                self.yield_if_others_wait().await;
            }
        }
        match (panicked, deferred) {
            (Some(reason), _) => Outcome::Crashed { reason },
            (None, Some(deferred)) => self.defer(deferred, done).await,
            (None, None) if done < total => Outcome::Yielded,
            (None, None) => Outcome::Done,
        }
    }

    async fn defer(&self, deferred: Outcome, done: usize) -> Outcome {
        let done = self.done_before.saturating_add(u32::try_from(done).unwrap_or(u32::MAX));
        match &self.extraction {
            Some(extraction) => extraction.defer(done).await.map_or_else(Outcome::from, |()| deferred),
            None => deferred,
        }
    }

    async fn yield_if_others_wait(&self) {
        if !self.yielding.load(Ordering::Relaxed) {
            let should_yield =
                self.crawler.store.should_yield(self.lease.job.kind(), &self.queue).await.unwrap_or(false);
            self.yielding.store(should_yield, Ordering::Relaxed);
        }
    }

    /// The work on the page with this index; `None` if the job yields.
    fn start(&self, index: u32) -> Option<impl Future<Output = Result<Result<(), Outcome>, String>>> {
        let is_yielding = self.yielding.load(Ordering::Relaxed) || heartbeat::is_yield_requested();
        let at = usize::try_from(index).ok().filter(|_| !is_yielding)?;
        let url = self.spec.urls.get(at)?;
        let options = self.spec.variant(at).and_then(|variant| self.variants.get(variant)).unwrap_or(&self.options);
        Some(self.page(index, url, Arc::clone(options)))
    }

    /// Crawls and records one page. The outer error is the text of a panic, the inner one ends the attempt.
    async fn page(&self, index: u32, url: &str, options: Arc<CrawlOptions>) -> Result<Result<(), Outcome>, String> {
        let page = AssertUnwindSafe(self.read(index, url, options));
        match page.catch_unwind().await.map_err(|panic| panic_text(&*panic))? {
            Ok(record) => Ok(self.record(self.budget.admit(record, url)).await.map_err(Outcome::from)),
            Err(outcome) => Ok(Err(outcome)),
        }
    }

    /// Fetches and parses one page, and passes it to the models that the job names.
    async fn read(&self, index: u32, url: &str, options: Arc<CrawlOptions>) -> Result<PageRecord, Outcome> {
        let (record, linking) = tokio::select! {
            page = self.crawler.pages.record(index, url, Arc::clone(&options), &self.queue) => page,
            () = heartbeat::yield_requested() => return Err(Outcome::Yielded),
        };
        let record = match &self.extraction {
            Some(crawl) => crawl.process(record, url, &options).await?,
            None => record,
        };
        let index = usize::try_from(index).unwrap_or(usize::MAX);
        let max = share(self.crawler.policy.max_previews, self.spec.urls.len(), index);
        tokio::select! {
            record = self.previews.add_to(record, url, &options, linking, max) => Ok(record),
            () = heartbeat::yield_requested() => Err(Outcome::Yielded),
        }
    }

    /// Repeats the write while the store is unavailable, so that a finished page is not lost.
    async fn record(&self, page: PageRecord) -> Result<(), StoreError> {
        let Crawler { store, listener, .. } = self.crawler;
        retry_transient(|| store.record_pages(&self.lease, vec![page.clone()])).await?;
        heartbeat::beat();
        listener.do_send(PageCrawled { job: self.lease.job.clone() });
        Ok(())
    }
}

/// Pages to crawl one at a time first, and the remaining ones.
///
/// A page of a suspect may be the cause of the crashes. Each of its attempts starts at another page and crawls a few pages
/// alone, so that the other pages are recorded before the cause is reached again.
fn in_order(job: &Job, mut missing: Vec<u32>) -> (Vec<u32>, Vec<u32>) {
    const ALONE: usize = 16;
    if !job.is_suspect() || missing.is_empty() {
        return (vec![], missing);
    }
    let first = usize::try_from(job.crashes).unwrap_or(usize::MAX) % missing.len();
    missing.rotate_left(first);
    let concurrent = missing.split_off(missing.len().min(ALONE));
    (missing, concurrent)
}
