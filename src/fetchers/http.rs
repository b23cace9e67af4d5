//! One page over HTTP, from its first address to the body at the end of its redirects.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, header};
use opilio_actors::domain::crawl::Exchange;
use opilio_actors::heartbeat::while_waiting;
use opilio_actors::ports::{Clock, FetchError, FetchedPage, PageFetcher, PageRequest};
use tokio::time::{Instant, timeout};
use url::Url;

use super::body::{self, BodyLimits};
use super::cookies::Cookies;
use super::headers::{RequestHeaders, shown};
use super::host_limiter::Turns;
use super::raw;
use super::robots::{Forbidden, Robots};
use crate::egress::{AllowedUrl, Answer, Egress, EgressError, Purpose, retry_after};

/// The operator's choices.
#[derive(Clone, Debug)]
pub struct HttpFetcherSettings {
    /// Pages under way in all; 0: no bound.
    pub max_pages: usize,
    /// Pages under way at one host; 0: no bound.
    pub max_pages_per_host: usize,
    /// Between the starts of two pages at one host.
    pub host_gap: Duration,
    /// The whole page, redirects included, waiting for its turn not; where the job does not say.
    pub page_timeout: Duration,
    /// Until the head of an answer is there, and between two pieces of its body.
    pub read_timeout: Duration,
    /// Of a body, after decompression.
    pub max_bytes: usize,
    pub max_redirects: usize,
    pub user_agent: String,
    /// What robots.txt forbids is not fetched, whether the job asks for that or not.
    pub respect_robots: bool,
    /// Sent with every page, unless the job has its own of the same name.
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
            max_redirects: 10,
            user_agent: own_user_agent(None),
            respect_robots: false,
            headers: Vec::new(),
        }
    }
}

/// Says openly who asks, and where site owners find him.
pub fn own_user_agent(contact: Option<&Url>) -> String {
    let contact = contact.map(|url| format!("; +{url}")).unwrap_or_default();
    format!("Mozilla/5.0 (compatible; Opilio/{}{contact})", env!("CARGO_PKG_VERSION"))
}

/// Fetches pages over HTTP/1.1 and HTTP/2, and takes `raw:` pages from their address.
pub struct HttpFetcher {
    egress: Egress,
    settings: HttpFetcherSettings,
    turns: Turns,
    robots: Robots,
    clock: Arc<dyn Clock>,
}

impl HttpFetcher {
    pub fn new(egress: Egress, settings: HttpFetcherSettings, clock: Arc<dyn Clock>) -> Self {
        let turns = Turns::new(settings.max_pages, settings.max_pages_per_host, settings.host_gap);
        let robots = Robots::new(egress.clone(), settings.read_timeout);
        Self { egress, settings, turns, robots, clock }
    }
}

#[async_trait]
impl PageFetcher for HttpFetcher {
    async fn fetch(&self, request: PageRequest) -> Result<FetchedPage, FetchError> {
        let Some(page) = raw::page(&request.url) else { return self.fetch_http(&request).await };
        if page.body.len() > self.settings.max_bytes {
            return Err(refused(body::too_large(self.settings.max_bytes), page.exchange));
        }
        Ok(page)
    }
}

impl HttpFetcher {
    async fn fetch_http(&self, request: &PageRequest) -> Result<FetchedPage, FetchError> {
        let options = &request.options.fetch;
        let first = Url::parse(&request.url).map_err(|error| FetchError::permanent(format!("Not a URL: {error}")))?;
        let guard = self.egress.guard();
        let to = guard.check(&first, Purpose::Page);
        let mut to = to.map_err(|blocked| refused(blocked.into(), Exchange::default()))?;
        let headers = RequestHeaders::new(&first, &self.settings.user_agent, &self.settings.headers, options)
            .map_err(|bad| FetchError::permanent(bad.to_string()))?;
        let mut cookies = Cookies::new(&options.cookies);
        let mut budget = Budget::new(options.page_timeout.unwrap_or(self.settings.page_timeout));
        let agent = options.user_agent.as_deref().unwrap_or(&self.settings.user_agent);
        let agent = (options.check_robots_txt || self.settings.respect_robots).then_some(agent);
        self.welcome(&to, agent).await?;
        let mut turn = while_waiting(self.turns.take(host(to.url()), &request.queue)).await;
        let mut redirects = 0;
        loop {
            let head = headers.to(to.url(), cookies.header(to.url()));
            let asked = self.egress.send(Method::GET, &to, head, Bytes::new());
            let asked = budget.spend(answered_within(self.settings.read_timeout, asked));
            let answer = asked.await.map_err(|trouble| refused(trouble, Exchange::default()))?;
            if !matches!(answer.status(), 301 | 302 | 303 | 307 | 308) {
                return self.page(to.url(), answer, &mut budget).await;
            }
            let exchange = exchange(to.url(), &answer);
            if redirects == self.settings.max_redirects {
                return Err(refused(EgressError::Permanent(format!("Too many redirects ({redirects})")), exchange));
            }
            redirects += 1;
            cookies.learn(to.url(), answer.headers());
            let target = target(&to, &answer).map_err(|trouble| refused(trouble, exchange.clone()))?;
            let next = guard.redirect(&to, answer.answered_by(), &target);
            let next = next.map_err(|blocked| refused(blocked.into(), exchange))?;
            drop(answer);
            let leaves = host(next.url()) != host(to.url());
            if leaves {
                // The old turn is given back first: two pages that wait for each other's host would wait for ever.
                drop(turn);
                self.welcome(&next, agent).await?;
                turn = while_waiting(self.turns.take(host(next.url()), &request.queue)).await;
            } else {
                self.welcome(&next, agent).await?;
            }
            to = next;
        }
    }

    /// Waits until a page may be asked for, by robots.txt; `agent`: as whom, where robots.txt counts at all.
    async fn welcome(&self, to: &AllowedUrl, agent: Option<&str>) -> Result<(), FetchError> {
        let Some(agent) = agent else { return Ok(()) };
        while_waiting(self.robots.admit(to, agent)).await.map_err(|forbidden| {
            if forbidden == Forbidden::Blocked {
                return refused(EgressError::Blocked, Exchange::default());
            }
            // The status and the header that clients of the peer look for.
            let headers = serde_json::json!({"x-robots-status": "Blocked by robots.txt"});
            let exchange = Exchange { status: Some(403), headers: headers.as_object().cloned(), ..Exchange::default() };
            FetchError::permanent(forbidden.to_string()).with_exchange(exchange)
        })
    }

    async fn page(&self, url: &Url, mut answer: Answer, budget: &mut Budget) -> Result<FetchedPage, FetchError> {
        let exchange = exchange(url, &answer);
        let content_type = answer.headers().get(header::CONTENT_TYPE);
        let content_type = content_type.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        let retry_after = retry_after(answer.headers(), self.clock.now());
        let limits = BodyLimits { max_bytes: self.settings.max_bytes, max_silence: self.settings.read_timeout };
        match budget.spend(body::read(&mut answer, limits)).await {
            Ok(body) => Ok(FetchedPage { exchange, body, content_type, retry_after }),
            Err(trouble) => Err(refused(trouble, exchange)),
        }
    }
}

/// The time that a page may take; it runs only while the page is under way.
struct Budget {
    whole: Duration,
    left: Duration,
}

impl Budget {
    fn new(whole: Duration) -> Self {
        Self { whole, left: whole }
    }

    async fn spend<T>(&mut self, work: impl Future<Output = Result<T, EgressError>>) -> Result<T, EgressError> {
        let start = Instant::now();
        let done = timeout(self.left, work).await;
        self.left = self.left.saturating_sub(start.elapsed());
        done.unwrap_or_else(|_| Err(EgressError::timeout(self.whole)))
    }
}

async fn answered_within<T>(
    limit: Duration,
    asked: impl Future<Output = Result<T, EgressError>>,
) -> Result<T, EgressError> {
    timeout(limit, asked).await.unwrap_or_else(|_| Err(EgressError::timeout(limit)))
}

fn host(url: &Url) -> &str {
    url.host_str().unwrap_or_default()
}

/// Where a redirect leads. A fragment is carried along where the new address has none.
fn target(from: &AllowedUrl, answer: &Answer) -> Result<Url, EgressError> {
    let Some(location) = answer.headers().get(header::LOCATION) else {
        return Err(EgressError::Permanent("Redirect without a location".to_owned()));
    };
    let target = from.url().join(&String::from_utf8_lossy(location.as_bytes()));
    let mut target = target.map_err(|_| EgressError::Permanent("Redirect to an address that is none".to_owned()))?;
    if target.fragment().is_none() {
        target.set_fragment(from.url().fragment());
    }
    Ok(target)
}

fn exchange(url: &Url, answer: &Answer) -> Exchange {
    Exchange {
        status: Some(answer.status()),
        headers: Some(shown(answer.headers())),
        final_url: Some(url.as_str().to_owned()),
    }
}

fn refused(trouble: EgressError, exchange: Exchange) -> FetchError {
    let reason = trouble.to_string();
    let error = if trouble.is_transient() { FetchError::transient(reason) } else { FetchError::permanent(reason) };
    error.with_exchange(exchange)
}

#[cfg(test)]
mod tests;
