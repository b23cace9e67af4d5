//! Fetches one page over HTTP, following its redirects.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, header};
use jiff::Timestamp;
use opilio_actors::domain::crawl::Exchange;
use opilio_actors::domain::crawl_options::FetchOptions;
use opilio_actors::heartbeat::{self, while_waiting, while_waiting_for};
use opilio_actors::ports::{Clock, FetchError, FetchedPage, PageFetcher, PageRequest};
use tokio::time::{Instant, timeout};
use url::Url;

use super::body::{self, BodyLimits};
use super::certificate;
use super::cookies::Cookies;
use super::headers::{RequestHeaders, to_json};
use super::host_limiter::{HostLimiter, HostPermit, Revoked};
use super::meta_refresh;
use super::raw;
use super::robots::{Forbidden, Robots};
use crate::egress::{
    AllowedUrl, Egress, EgressError, Guard, Purpose, Response, format_duration, parse_web_url, redirect_target,
    retry_after,
};

/// How often a page returns to the queue because its permit was revoked, before it fails.
pub(super) const MAX_REVOCATIONS: u32 = 3;

#[derive(Clone, Debug)]
pub struct HttpFetcherSettings {
    /// Pages in flight; 0: unlimited.
    pub max_pages: usize,
    /// Pages of one host in flight; 0: unlimited.
    pub max_pages_per_host: usize,
    /// Minimum delay between the starts of two pages of one host.
    pub host_gap: Duration,
    /// Time for a page including redirects, without the wait for its permit, unless the job sets one.
    pub page_timeout: Duration,
    /// Time without data: until the response headers arrive, and between two chunks of the body.
    pub read_timeout: Duration,
    /// Of the body, after decompression.
    pub max_bytes: usize,
    /// Bytes of the body per second, on average over each `read_timeout`; 0: no minimum.
    pub min_rate: u32,
    pub max_redirects: usize,
    pub user_agent: String,
    /// Replaces the user agent of the browser, unless the job has one.
    pub browser_user_agent: Option<String>,
    /// Obey robots.txt for all jobs.
    pub respect_robots: bool,
    /// Sent with every page, unless the job has a header of the same name.
    pub headers: Vec<(String, String)>,
}

impl Default for HttpFetcherSettings {
    fn default() -> Self {
        Self {
            max_pages: 64,
            max_pages_per_host: 8,
            host_gap: Duration::ZERO,
            page_timeout: Duration::from_secs(60),
            read_timeout: Duration::from_secs(30),
            max_bytes: 20 * 1024 * 1024,
            min_rate: 100,
            max_redirects: 10,
            user_agent: own_user_agent(None),
            browser_user_agent: None,
            respect_robots: false,
            headers: Vec::new(),
        }
    }
}

/// Bytes of a linked page that are read: its title and description are at its beginning.
const BEGINNING: usize = 64 * 1024;

/// Identifies Opilio and, for site owners, its operator.
pub fn own_user_agent(contact: Option<&Url>) -> String {
    let contact = contact.map(|url| format!("; +{url}")).unwrap_or_default();
    format!("Mozilla/5.0 (compatible; Opilio/{}{contact})", env!("CARGO_PKG_VERSION"))
}

/// Fetches pages over HTTP/1.1 and HTTP/2, and takes the content of `raw:` URLs.
pub struct HttpFetcher {
    egress: Egress,
    settings: HttpFetcherSettings,
    limiter: HostLimiter,
    robots: Robots,
    clock: Arc<dyn Clock>,
}

impl HttpFetcher {
    pub fn new(egress: Egress, settings: HttpFetcherSettings, clock: Arc<dyn Clock>) -> Self {
        let limiter = HostLimiter::new(settings.max_pages, settings.max_pages_per_host, settings.host_gap);
        let robots = Robots::new(egress.clone(), settings.read_timeout, settings.min_rate);
        Self { egress, settings, limiter, robots, clock }
    }
}

#[async_trait]
impl PageFetcher for HttpFetcher {
    async fn fetch(&self, request: PageRequest) -> Result<FetchedPage, FetchError> {
        let Some(page) = raw::page(&request.url) else { return self.fetch_http(&request).await };
        let mut page = page?;
        let base = request.options.base_url.as_ref();
        page.exchange.internal = base.is_some_and(|base| self.egress.guard().base_is_internal(base));
        if page.body.len() > self.settings.max_bytes {
            return Err(fetch_error(&body::too_large(self.settings.max_bytes), page.exchange));
        }
        Ok(page)
    }
}

/// Why a page was not fetched.
enum Interruption {
    Failed(Box<FetchError>),
    Revoked,
}

impl From<FetchError> for Interruption {
    fn from(error: FetchError) -> Self {
        Self::Failed(Box::new(error))
    }
}

impl From<Revoked> for Interruption {
    fn from(_: Revoked) -> Self {
        Self::Revoked
    }
}

impl HttpFetcher {
    /// Fetches the page, and again from its first URL if its permit is revoked meanwhile.
    async fn fetch_http(&self, request: &PageRequest) -> Result<FetchedPage, FetchError> {
        for _ in 0..=MAX_REVOCATIONS {
            match self.fetch_once(request).await {
                Ok(page) => return Ok(page),
                Err(Interruption::Failed(error)) => return Err(*error),
                Err(Interruption::Revoked) => heartbeat::beat(),
            }
        }
        Err(FetchError::permanent("page took too long while others waited"))
    }

    async fn fetch_once(&self, request: &PageRequest) -> Result<FetchedPage, Interruption> {
        let options = &request.options.fetch;
        let first = parse_web_url(&request.url).map_err(|invalid| FetchError::permanent(invalid.to_string()))?;
        let guard = self.egress.guard();
        let allowed = match request.linked_from {
            Some(page) => guard.check_linked(&first, Purpose::Page, page.internal),
            None => guard.check(&first, Purpose::Page),
        };
        let mut url = allowed.map_err(|blocked| without_response(&blocked.into()))?;
        let headers = RequestHeaders::new(&first, &self.settings.user_agent, &self.settings.headers, options)
            .map_err(|invalid| FetchError::permanent(invalid.to_string()))?;
        let mut cookies = Cookies::new(&options.cookies);
        let mut budget = TimeBudget::new(options.page_timeout.unwrap_or(self.settings.page_timeout));
        let agent = self.robots_agent(options);
        let delay = self.check_robots(&url, agent, request).await?;
        let mut permit = self.permit(&url, request, delay).await;
        let mut redirects = 0;
        loop {
            let sent = headers.for_url(url.url(), cookies.header(url.url()));
            let response = self.egress.send(Method::GET, &url, sent, Bytes::new());
            let response = permit.run(budget.spend(headers_within(self.settings.read_timeout, response))).await?;
            let response = response.map_err(|error| without_response(&error))?;
            let (exchange, responder) = (exchange(url.url(), &response), response.remote_address());
            cookies.store(url.url(), response.headers());
            let target = if matches!(response.status(), 301 | 302 | 303 | 307 | 308) {
                let target = redirect_target(url.url(), response.headers());
                drop(response);
                target
            } else {
                let certificate = response.certificate().filter(|_| options.certificate).and_then(certificate::to_json);
                let internal = guard.may_link_to_internal(&url, responder);
                let exchange = Exchange { certificate, internal, ..exchange.clone() };
                let page = permit.run(self.page(request, exchange, response, &mut budget)).await??;
                match permit.run(meta_refresh::target(url.url(), &page)).await?.transpose() {
                    None => return Ok(page),
                    Some(target) => target,
                }
            };
            if redirects == self.settings.max_redirects {
                let error = EgressError::Permanent(format!("Too many redirects ({redirects})"));
                return Err(fetch_error(&error, exchange).into());
            }
            redirects += 1;
            let mut target = target.map_err(|error| fetch_error(&error, exchange.clone()))?;
            // A target without a fragment keeps that of the present URL.
            if target.fragment().is_none() {
                target.set_fragment(url.url().fragment());
            }
            let next = guard.check_redirect(&url, responder, &target);
            let next = next.map_err(|blocked| fetch_error(&blocked.into(), exchange))?;
            if host(&next) == host(&url) && agent.is_none() {
                url = next;
                continue;
            }
            // Released first: a page that waits for robots.txt, a delay or another host holds no permit.
            drop(permit);
            let delay = self.check_robots(&next, agent, request).await?;
            permit = self.permit(&next, request, delay).await;
            url = next;
        }
    }

    /// Waits until a page of this host may be fetched.
    pub(super) async fn permit(&self, url: &AllowedUrl, request: &PageRequest, delay: Duration) -> HostPermit {
        let delay = delay.max(self.settings.host_gap);
        let permit = self.limiter.acquire(host(url), &request.queue, delay);
        if delay.is_zero() {
            return while_waiting(permit).await;
        }
        let between_pages = format!("the delay of {} between pages of {}", format_duration(delay), host(url));
        while_waiting_for(between_pages, permit).await
    }

    /// The user agent whose rules of robots.txt are obeyed; `None`: robots.txt is not obeyed.
    pub(super) fn robots_agent<'a>(&'a self, options: &'a FetchOptions) -> Option<&'a str> {
        let agent = options.user_agent.as_deref().unwrap_or(&self.settings.user_agent);
        (options.check_robots_txt || self.settings.respect_robots).then_some(agent)
    }

    pub(super) fn settings(&self) -> &HttpFetcherSettings {
        &self.settings
    }

    pub(super) fn guard(&self) -> &Guard {
        self.egress.guard()
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The site's `Crawl-delay`, if robots.txt allows `agent` to request the page. `None`: robots.txt is not obeyed.
    pub(super) async fn check_robots(
        &self,
        url: &AllowedUrl,
        agent: Option<&str>,
        request: &PageRequest,
    ) -> Result<Duration, FetchError> {
        let Some(agent) = agent else { return Ok(Duration::ZERO) };
        while_waiting(self.robots.check(url, agent, &request.queue)).await.map_err(|forbidden| {
            if forbidden == Forbidden::Blocked {
                return without_response(&EgressError::Blocked);
            }
            // Clients of Crawl4AI expect this status and header.
            let headers = serde_json::json!({"x-robots-status": "Blocked by robots.txt"});
            let exchange = Exchange { status: Some(403), headers: headers.as_object().cloned(), ..Exchange::default() };
            FetchError::permanent(forbidden.to_string()).with_exchange(exchange)
        })
    }

    async fn page(
        &self,
        request: &PageRequest,
        exchange: Exchange,
        mut response: Response,
        budget: &mut TimeBudget,
    ) -> Result<FetchedPage, FetchError> {
        let content_type = response.headers().get(header::CONTENT_TYPE);
        let content_type = content_type.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        let retry_after = retry_after(response.headers(), self.clock.now());
        let HttpFetcherSettings { max_bytes, read_timeout, min_rate, .. } = self.settings;
        let limits = BodyLimits { max_bytes, read_timeout, min_rate };
        let body = async {
            match request.linked_from {
                Some(_) => {
                    body::read_beginning(&mut response, BodyLimits { max_bytes: BEGINNING.min(max_bytes), ..limits })
                        .await
                }
                None => body::read(&mut response, limits).await,
            }
        };
        match budget.spend(body).await {
            Ok(body) => Ok(FetchedPage { exchange, body, content_type, retry_after, warnings: vec![] }),
            Err(error) => Err(fetch_error(&error, exchange)),
        }
    }
}

/// The time for one page. It passes only while the page is in flight.
struct TimeBudget {
    total: Duration,
    left: Duration,
}

impl TimeBudget {
    fn new(total: Duration) -> Self {
        Self { total, left: total }
    }

    async fn spend<T>(&mut self, work: impl Future<Output = Result<T, EgressError>>) -> Result<T, EgressError> {
        let start = Instant::now();
        let result = timeout(self.left, work).await;
        self.left = self.left.saturating_sub(start.elapsed());
        result.unwrap_or_else(|_| Err(EgressError::timeout(self.total)))
    }
}

async fn headers_within<T>(
    limit: Duration,
    response: impl Future<Output = Result<T, EgressError>>,
) -> Result<T, EgressError> {
    timeout(limit, response).await.unwrap_or_else(|_| Err(EgressError::timeout(limit)))
}

fn host(url: &AllowedUrl) -> &str {
    url.url().host_str().unwrap_or_default()
}

fn exchange(url: &Url, response: &Response) -> Exchange {
    Exchange {
        status: Some(response.status()),
        headers: Some(to_json(response.headers())),
        final_url: Some(url.as_str().to_owned()),
        internal: false,
        certificate: None,
    }
}

fn without_response(error: &EgressError) -> FetchError {
    fetch_error(error, Exchange::default())
}

fn fetch_error(error: &EgressError, exchange: Exchange) -> FetchError {
    let reason = error.to_string();
    let error = if error.is_transient() { FetchError::transient(reason) } else { FetchError::permanent(reason) };
    error.with_exchange(exchange)
}

#[cfg(test)]
mod tests;
