//! Passes each request to its engine.

use std::sync::Arc;

use async_trait::async_trait;
use opilio_actors::domain::engine::FetchEngine;
use opilio_actors::ports::{FetchError, FetchedPage, PageFetcher, PageRequest};

use super::browser::BrowserFetcher;
use super::http::HttpFetcher;
use crate::browser::Browsers;

/// Fetches pages over HTTP and, if there is one, in the browser.
pub struct EngineFetcher {
    http: Arc<HttpFetcher>,
    browser: Option<BrowserFetcher>,
}

impl EngineFetcher {
    pub fn new(http: HttpFetcher, browsers: Option<Arc<Browsers>>) -> Self {
        let http = Arc::new(http);
        let browser = browsers.map(|browsers| BrowserFetcher::new(Arc::clone(&http), browsers));
        Self { http, browser }
    }
}

#[async_trait]
impl PageFetcher for EngineFetcher {
    async fn fetch(&self, request: PageRequest) -> Result<FetchedPage, FetchError> {
        match (request.engine, &self.browser) {
            (FetchEngine::Http, _) => self.http.fetch(request).await,
            (FetchEngine::Browser, Some(browser)) => browser.fetch(request).await,
            (FetchEngine::Browser, None) => Err(FetchError::permanent(
                "The page needs a browser, which this server does not have; install chromium-headless-shell",
            )),
        }
    }
}
