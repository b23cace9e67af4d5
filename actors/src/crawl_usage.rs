//! The tokens that the extractions of a crawl used.

use serde::Deserialize;

use crate::domain::crawl::CrawlSpec;
use crate::domain::job::Job;
use crate::domain::usage::Usage;
use crate::ports::{JobStore, StoreError, read_chunk};

#[derive(Deserialize)]
struct UsageOfPage {
    usage: Option<Usage>,
}

/// The sum over all pages of a settled crawl; `None` if no language model is used.
pub async fn crawl_usage(store: &dyn JobStore, job: &Job) -> Result<Option<Usage>, StoreError> {
    if !job.spec.task.get::<CrawlSpec>().is_some_and(CrawlSpec::uses_models) {
        return Ok(None);
    }
    let (mut usage, mut from) = (Usage::default(), 0);
    while from < job.progress.total {
        let chunk = read_chunk(store, &job.id, from, job.progress.total).await?;
        for page in chunk.pages {
            if let Ok(UsageOfPage { usage: Some(of_page) }) = serde_json::from_slice(&page) {
                usage.add_page(of_page);
            }
        }
        from = chunk.next;
    }
    Ok(Some(usage))
}
