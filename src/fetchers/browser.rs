//! Fetches one page in the browser, under the rules of the HTTP fetcher: robots.txt, limits per host, headers, cookies.

use std::sync::Arc;

use http::header::{ACCEPT_LANGUAGE, RETRY_AFTER, USER_AGENT};
use http::{HeaderMap, HeaderValue};
use opilio_actors::domain::engine::Engine;
use opilio_actors::heartbeat;
use opilio_actors::ports::{FetchError, FetchedPage, PageRequest};
use serde_json::Value;
use url::Url;

use super::host_limiter::Revoked;
use super::http::{HttpFetcher, MAX_REVOCATIONS};
use crate::browser::{BrowserError, Browsers, Completion, LoadedPage, PageToLoad};
use crate::egress::{AllowedUrl, Purpose, retry_after};

pub struct BrowserFetcher {
    http: Arc<HttpFetcher>,
    browsers: Arc<Browsers>,
}

impl BrowserFetcher {
    pub fn new(http: Arc<HttpFetcher>, browsers: Arc<Browsers>) -> Self {
        Self { http, browsers }
    }

    /// Fetches the page, and again if its permit is revoked meanwhile.
    pub async fn fetch(&self, request: PageRequest) -> Result<FetchedPage, FetchError> {
        for _ in 0..=MAX_REVOCATIONS {
            match self.fetch_once(&request).await? {
                Some(page) => return Ok(page),
                None => heartbeat::beat(),
            }
        }
        Err(FetchError::permanent("page took too long while others waited"))
    }

    /// `None`: the permit was revoked.
    async fn fetch_once(&self, request: &PageRequest) -> Result<Option<FetchedPage>, FetchError> {
        let options = &request.options.fetch;
        let url = Url::parse(&request.url).map_err(|error| FetchError::permanent(format!("Invalid URL: {error}")))?;
        let blocked = |blocked: crate::egress::Blocked| FetchError::permanent(blocked.to_string());
        let url = self.http.guard().check(&url, Purpose::Page).map_err(blocked)?;
        let agent = self.http.robots_agent(options);
        let delay = self.http.check_robots(&url, agent, request).await?;
        let permit = self.http.permit(&url, request, delay).await;
        let page = self.page_to_load(url.clone(), request);
        let loaded = match permit.run(self.browsers.load(&request.queue, page)).await {
            Ok(Err(BrowserError::Revoked)) | Err(Revoked) => return Ok(None),
            Ok(loaded) => loaded?,
        };
        drop(permit);
        self.check_final_robots(&url, &loaded, agent, request).await?;
        let retry_after = retry_after(&retry_after_header(&loaded), self.http.now());
        let LoadedPage { exchange, body, content_type, warnings } = loaded;
        Ok(Some(FetchedPage { exchange, body, content_type, retry_after, warnings }))
    }

    fn page_to_load(&self, url: AllowedUrl, request: &PageRequest) -> PageToLoad {
        let (options, settings) = (&request.options.fetch, self.http.settings());
        let is_browsers_own = |name: &str| name == USER_AGENT || name == ACCEPT_LANGUAGE;
        let headers = options.headers.iter().map(|(name, value)| (name.clone(), value.expose().to_owned()));
        let accept_language = options.headers.iter().find(|(name, _)| name == ACCEPT_LANGUAGE.as_str());
        PageToLoad {
            url,
            timeout: options.page_timeout.unwrap_or(settings.page_timeout),
            completion: match options.engine {
                Some(Engine::Browser) => Completion::DomContentLoaded,
                _ => Completion::Settled,
            },
            wait_for: request.options.page.required_selector.clone(),
            user_agent: options.user_agent.clone().or_else(|| settings.browser_user_agent.clone()),
            product: concat!("Opilio/", env!("CARGO_PKG_VERSION")).to_owned(),
            accept_language: accept_language.map(|(_, value)| value.expose().to_owned()),
            headers: headers.filter(|(name, _)| !is_browsers_own(name)).collect(),
            cookies: options.cookies.clone(),
            max_redirects: settings.max_redirects,
            max_bytes: settings.max_bytes,
        }
    }

    /// The browser follows redirects by itself: robots.txt of another target is checked before its content is used.
    async fn check_final_robots(
        &self,
        first: &AllowedUrl,
        page: &LoadedPage,
        agent: Option<&str>,
        request: &PageRequest,
    ) -> Result<(), FetchError> {
        let final_url = page.exchange.final_url.as_deref().and_then(|url| Url::parse(url).ok());
        let Some(final_url) = final_url.filter(|url| agent.is_some() && url != first.url()) else { return Ok(()) };
        match self.http.guard().check(&final_url, Purpose::Page) {
            Ok(url) => self.http.check_robots(&url, agent, request).await.map(drop),
            // The page has replaced itself by a document without an address, such as `about:blank`.
            Err(_) => Ok(()),
        }
    }
}

fn retry_after_header(page: &LoadedPage) -> HeaderMap {
    let value = page.exchange.headers.as_ref().and_then(|headers| headers.get(RETRY_AFTER.as_str()));
    let value = value.and_then(Value::as_str).and_then(|value| HeaderValue::from_str(value).ok());
    value.into_iter().map(|value| (RETRY_AFTER, value)).collect()
}
