//! robots.txt (RFC 9309, and `Crawl-delay`), cached for a day.

mod rules;

use std::collections::HashMap;
use std::sync::{Arc, Mutex as Lock, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, header};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use super::body::{self, BodyLimits};
use crate::egress::{AllowedUrl, Egress, EgressError, redirect_target};
use rules::Rules;

/// RFC 9309, section 2.4.
const TTL: Duration = Duration::from_secs(24 * 3600);
/// Time until an unavailable robots.txt is requested again.
const UNAVAILABLE_TTL: Duration = Duration::from_secs(60);
/// RFC 9309 requires at least 500 KiB.
const MAX_BYTES: usize = 512 * 1024;
const MAX_REDIRECTS: usize = 5;
/// Upper limit of `Crawl-delay`.
const MAX_DELAY: Duration = Duration::from_secs(60);
/// The cache is cleared when it has this many sites.
const MAX_SITES: usize = 10_000;

/// Why a page may not be requested.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Forbidden {
    #[error("Access denied by robots.txt")]
    ByRule,
    #[error("Access denied: robots.txt is unavailable")]
    Unavailable,
    /// The guard rejected the URL.
    #[error("URL blocked")]
    Blocked,
}

pub struct Robots {
    egress: Egress,
    read_timeout: Duration,
    min_rate: u32,
    sites: Lock<HashMap<String, Arc<Site>>>,
}

#[derive(Default)]
struct Site {
    /// Locked during the request, so that a site gets only one.
    cached: Mutex<Option<Cached>>,
}

#[derive(Clone)]
struct Cached {
    expires: Instant,
    rules: Result<Arc<Rules>, Forbidden>,
}

impl Robots {
    pub fn new(egress: Egress, read_timeout: Duration, min_rate: u32) -> Self {
        Self { egress, read_timeout, min_rate, sites: Lock::default() }
    }

    /// The delay between two pages that the site requests of `agent` (`Crawl-delay`), if `agent` may request the page.
    pub async fn check(&self, url: &AllowedUrl, agent: &str) -> Result<Duration, Forbidden> {
        let site = self.site(url);
        let rules = {
            let mut cached = site.cached.lock().await;
            match cached.as_ref().filter(|cached| Instant::now() < cached.expires) {
                Some(cached) => cached.rules.clone(),
                None => cached.insert(self.request(url, agent).await).rules.clone(),
            }
        };
        let verdict = rules?.verdict(agent, url.url());
        if !verdict.allowed {
            return Err(Forbidden::ByRule);
        }
        Ok(verdict.delay.unwrap_or_default().min(MAX_DELAY))
    }

    fn site(&self, url: &AllowedUrl) -> Arc<Site> {
        let mut sites = self.sites.lock().unwrap_or_else(PoisonError::into_inner);
        if sites.len() >= MAX_SITES {
            sites.clear();
        }
        Arc::clone(sites.entry(url.url().origin().ascii_serialization()).or_default())
    }

    async fn request(&self, url: &AllowedUrl, agent: &str) -> Cached {
        let rules = timeout(self.read_timeout * 2, self.rules(url, agent)).await;
        let rules = rules.unwrap_or(Err(Forbidden::Unavailable));
        let ttl = if rules.is_ok() { TTL } else { UNAVAILABLE_TTL };
        Cached { expires: Instant::now() + ttl, rules: rules.map(Arc::new) }
    }

    /// With a 4xx everything is allowed; with a 5xx or without a response, nothing.
    async fn rules(&self, page: &AllowedUrl, agent: &str) -> Result<Rules, Forbidden> {
        let guard = self.egress.guard();
        let mut url = page.with_path("/robots.txt");
        let mut headers = HeaderMap::new();
        headers
            .insert(header::USER_AGENT, HeaderValue::from_bytes(agent.as_bytes()).map_err(|_| Forbidden::Unavailable)?);
        for _ in 0..=MAX_REDIRECTS {
            let response = self.egress.send(Method::GET, &url, headers.clone(), Bytes::new()).await;
            let mut response = response.map_err(|error| match error {
                EgressError::Blocked => Forbidden::Blocked,
                _ => Forbidden::Unavailable,
            })?;
            match response.status() {
                200..=299 => {
                    let Self { read_timeout, min_rate, .. } = *self;
                    let limits = BodyLimits { max_bytes: MAX_BYTES, read_timeout, min_rate };
                    let text = body::read(&mut response, limits).await.map_err(|_| Forbidden::Unavailable)?;
                    return Ok(Rules::parse(&String::from_utf8_lossy(&text)));
                }
                301 | 302 | 303 | 307 | 308 => {
                    let target = redirect_target(url.url(), response.headers()).map_err(|_| Forbidden::Unavailable)?;
                    let next = guard.check_redirect(&url, response.remote_address(), &target);
                    url = next.map_err(|_| Forbidden::Unavailable)?;
                }
                400..=499 => return Ok(Rules::default()),
                _ => return Err(Forbidden::Unavailable),
            }
        }
        Ok(Rules::default())
    }
}
