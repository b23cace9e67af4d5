//! Requests the pages that a page links to and adds their titles and descriptions to its links.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::stream::{self, StreamExt};
use serde_json::Value;
use tokio::sync::OnceCell;
use url::Url;

use crate::domain::crawl::PageRecord;
use crate::domain::crawl_options::{CrawlOptions, FetchOptions};
use crate::domain::link_preview::{LinkPreviews, Preview, add_to, head_data};
use crate::domain::queue_key::QueueKey;
use crate::heartbeat;
use crate::page_source::PageSource;
use crate::ports::LinkingPage;

/// Previews that one attempt keeps for other pages with the same links.
const MAX_CACHED: usize = 1000;

/// The URL, whether an internal page links to it, and whether it gets the job's headers.
type Key = (String, bool, bool);

/// The previews of one attempt at a crawl. A page to which several pages link is requested once.
pub struct PreviewSource {
    pages: Arc<PageSource>,
    queue: QueueKey,
    cache: Mutex<HashMap<Key, Arc<OnceCell<Preview>>>>,
}

impl PreviewSource {
    pub fn new(pages: Arc<PageSource>, queue: QueueKey) -> Self {
        Self { pages, queue, cache: Mutex::default() }
    }

    /// The record of the page at `url` with previews of at most `max` of its links, if the options ask for previews.
    pub async fn add_to(
        &self,
        record: PageRecord,
        url: &str,
        options: &CrawlOptions,
        linking: LinkingPage,
        max: usize,
    ) -> PageRecord {
        let Some(previews) = options.link_previews.as_ref().filter(|_| record.success && max > 0) else {
            return record;
        };
        let Ok(mut page) = serde_json::from_slice::<Value>(&record.json) else { return record };
        let urls = previews.select(&page["links"], max);
        if urls.is_empty() {
            return record;
        }
        // Not the final URL: a redirect to another site must not extend the headers to that site.
        let own = Url::parse(url).ok();
        let requests = urls.into_iter().map(|url| self.preview(url, own.as_ref(), options, previews, linking));
        let found = stream::iter(requests).buffer_unordered(previews.concurrency.get());
        let found: HashMap<String, Preview> = found.collect().await;
        add_to(&mut page["links"], |url| found.get(url).cloned());
        let json = serde_json::to_vec(&page).unwrap_or_default().into();
        PageRecord { json, ..record }
    }

    async fn preview(
        &self,
        url: String,
        own: Option<&Url>,
        options: &CrawlOptions,
        previews: &LinkPreviews,
        linking: LinkingPage,
    ) -> (String, Preview) {
        // Headers may contain credentials for the page's own server.
        let same_origin = own.is_some_and(|own| Url::parse(&url).is_ok_and(|url| url.origin() == own.origin()));
        let cell = self.cell((url.clone(), linking.internal, same_origin));
        let request = async {
            let options = preview_options(options, previews, same_origin);
            let metadata = self.pages.metadata(&url, Arc::new(options), &self.queue, linking).await;
            heartbeat::beat();
            metadata.map(|metadata| head_data(&metadata))
        };
        let preview = cell.get_or_init(|| request).await.clone();
        (url, preview)
    }

    fn cell(&self, key: Key) -> Arc<OnceCell<Preview>> {
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        match cache.get(&key) {
            Some(cell) => Arc::clone(cell),
            None if cache.len() >= MAX_CACHED => Arc::default(),
            None => Arc::clone(cache.entry(key).or_default()),
        }
    }
}

/// One request that obeys robots.txt. Cookies are sent to their own domains.
fn preview_options(options: &CrawlOptions, previews: &LinkPreviews, same_origin: bool) -> CrawlOptions {
    let fetch = FetchOptions {
        engine: None,
        headers: if same_origin { options.fetch.headers.clone() } else { vec![] },
        cookies: options.fetch.cookies.clone(),
        user_agent: options.fetch.user_agent.clone(),
        page_timeout: Some(previews.timeout),
        max_retries: Some(0),
        check_robots_txt: true,
        certificate: false,
    };
    CrawlOptions { fetch, ..CrawlOptions::default() }
}
