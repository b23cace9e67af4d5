//! Scripted implementations of the ports.

use async_trait::async_trait;
use bytes::Bytes;
use opilio_page::Markdown;
use tokio::sync::mpsc;

use crate::domain::crawl::{Exchange, FetchStats, PageRecord, PageResult};
use crate::domain::delivery::AttemptOutcome;
use crate::ports::{
    CachedPage, FetchError, FetchedPage, LanguageModel, ModelError, ModelName, ModelRequest, ModelResponse, PageCache,
    PageFetcher, PageReader, PageReading, PageRequest, PageText, ResolvedModel, StoreError, WebhookRequest,
    WebhookTransport,
};

/// Responds with the result of a function, which may panic; `None`: never responds.
pub struct ScriptedFetcher<F>(pub F);

#[async_trait]
impl<F> PageFetcher for ScriptedFetcher<F>
where
    F: Fn(&str) -> Option<Result<FetchedPage, FetchError>> + Send + Sync + 'static,
{
    async fn fetch(&self, request: PageRequest) -> Result<FetchedPage, FetchError> {
        match (self.0)(&request.url) {
            Some(response) => response,
            None => std::future::pending().await,
        }
    }
}

/// A cache that stores nothing.
pub struct NoCache;

#[async_trait]
impl PageCache for NoCache {
    async fn find(&self, _: &PageRequest) -> Option<CachedPage> {
        None
    }

    async fn store(&self, _: &PageRequest, _: &FetchedPage) {}
}

/// A page with this status.
pub fn page(status: u16) -> FetchedPage {
    let exchange = Exchange { status: Some(status), ..Exchange::default() };
    FetchedPage {
        exchange,
        body: Bytes::from_static(b"<p>hello"),
        content_type: None,
        retry_after: None,
        warnings: vec![],
    }
}

/// A page with a status below 400 is successful; its Markdown is its body.
pub struct StatusReader;

#[async_trait]
impl PageReader for StatusReader {
    async fn read(
        &self,
        index: u32,
        request: &PageRequest,
        page: FetchedPage,
        stats: FetchStats,
    ) -> PageReading<PageRecord> {
        let status = page.exchange.status.unwrap_or(200);
        let error = if status < 400 { String::new() } else { format!("HTTP {status}") };
        let text = String::from_utf8_lossy(&page.body).into_owned();
        let mut result = PageResult::failed(&request.url, page.exchange, Some(stats), error);
        result.success = status < 400;
        result.markdown.raw_markdown = text;
        PageReading { content: PageRecord::new(index, &result), needs_browser: None }
    }

    async fn read_text(&self, _: &PageRequest, page: FetchedPage) -> PageReading<Result<PageText, String>> {
        let status = page.exchange.status.unwrap_or(200);
        let raw_markdown = String::from_utf8_lossy(&page.body).into_owned();
        let text = PageText { title: String::new(), markdown: Markdown { raw_markdown, ..Markdown::default() } };
        let content = if status < 400 { Ok(text) } else { Err(format!("HTTP {status}")) };
        PageReading { content, needs_browser: None }
    }
}

/// Sends every webhook to the test and responds with the statuses of a script, then with 200.
pub struct ScriptedReceiver {
    pub script: std::sync::Mutex<Vec<u16>>,
    pub received: mpsc::UnboundedSender<WebhookRequest>,
}

#[async_trait]
impl WebhookTransport for ScriptedReceiver {
    async fn post(&self, request: WebhookRequest) -> Result<AttemptOutcome, StoreError> {
        let status = {
            let mut script = self.script.lock().expect("the lock is not poisoned");
            if script.is_empty() { 200 } else { script.remove(0) }
        };
        // The test may have dropped its end.
        let _ = self.received.send(request);
        Ok(AttemptOutcome::Answered { status, retry_after: None, excerpt: String::new() })
    }
}

/// A model with a context of `context_tokens` that responds with the result of a function, which may panic; `None`: never
/// responds. Only the providers `openai` and `second` are known; `openai/second` falls back to `second/any`.
pub struct ScriptedModel<F> {
    pub context_tokens: usize,
    pub script: F,
}

#[async_trait]
impl<F> LanguageModel for ScriptedModel<F>
where
    F: Fn(&ModelRequest) -> Option<Result<ModelResponse, ModelError>> + Send + Sync + 'static,
{
    fn resolve(&self, name: Option<&str>) -> Result<ResolvedModel, ModelError> {
        let given = name.unwrap_or("openai/default");
        let name = ModelName::parse(given).ok_or_else(|| ModelError::InvalidName { given: given.to_owned() })?;
        if !["openai", "second"].contains(&name.family.as_str()) {
            return Err(ModelError::UnknownProvider { family: name.family });
        }
        let fallback = (given == "openai/second").then(|| ModelName::parse("second/any")).flatten();
        let context_tokens = self.context_tokens;
        Ok(ResolvedModel { name, context_tokens, max_output_tokens: 100, temperature: None, fallback })
    }

    async fn complete(&self, request: ModelRequest) -> Result<ModelResponse, ModelError> {
        match (self.script)(&request) {
            Some(response) => response,
            None => std::future::pending().await,
        }
    }
}

/// A response of 10 tokens to a prompt of 100.
pub fn says(text: &str) -> Option<Result<ModelResponse, ModelError>> {
    let text = text.to_owned();
    Some(Ok(ModelResponse { text, model: "test-1".to_owned(), prompt_tokens: 100, completion_tokens: 10 }))
}
