//! An outside that does what a test tells it to.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::mpsc;

use crate::domain::crawl::{Effort, Exchange, PageRecord, PageResult};
use crate::domain::crawl_options::CrawlOptions;
use crate::domain::delivery::AttemptOutcome;
use crate::ports::{FetchError, FetchedPage, PageFetcher, PageReader, PageRequest, WebhookRequest, WebhookTransport};

/// Answers by a function, which may panic; `None`: never.
pub struct ScriptedFetcher<F>(pub F);

#[async_trait]
impl<F> PageFetcher for ScriptedFetcher<F>
where
    F: Fn(&str) -> Option<Result<FetchedPage, FetchError>> + Send + Sync + 'static,
{
    async fn fetch(&self, request: PageRequest) -> Result<FetchedPage, FetchError> {
        match (self.0)(&request.url) {
            Some(answer) => answer,
            None => std::future::pending().await,
        }
    }
}

/// A page that came with this status.
pub fn page(status: u16) -> FetchedPage {
    let exchange = Exchange { status: Some(status), ..Exchange::default() };
    FetchedPage { exchange, body: Bytes::from_static(b"<p>hello"), content_type: None, retry_after: None }
}

/// Takes every page with a status below 400 for a success, unread.
pub struct StatusReader;

#[async_trait]
impl PageReader for StatusReader {
    async fn read(&self, index: u32, url: &str, page: FetchedPage, _: Arc<CrawlOptions>, effort: Effort) -> PageRecord {
        let status = page.exchange.status.unwrap_or(200);
        let error = if status < 400 { String::new() } else { format!("HTTP {status}") };
        let mut result = PageResult::failed(url, page.exchange, Some(effort), error);
        result.success = status < 400;
        PageRecord::new(index, &result)
    }
}

/// Hands every webhook to the test, and answers with the statuses of a script; 200 when that is at its end.
pub struct ScriptedReceiver {
    pub script: std::sync::Mutex<Vec<u16>>,
    pub got: mpsc::UnboundedSender<WebhookRequest>,
}

#[async_trait]
impl WebhookTransport for ScriptedReceiver {
    async fn post(&self, request: WebhookRequest) -> AttemptOutcome {
        let status = {
            let mut script = self.script.lock().expect("no test panics while it holds it");
            if script.is_empty() { 200 } else { script.remove(0) }
        };
        // A test that has seen enough need not hear of more.
        let _ = self.got.send(request);
        AttemptOutcome::Answered { status, retry_after: None, excerpt: String::new() }
    }
}
