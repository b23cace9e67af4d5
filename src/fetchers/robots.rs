//! robots.txt (RFC 9309, and `Crawl-delay`), cached for a day.

mod rules;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, header};
use opilio_actors::domain::queue_key::QueueKey;
use quick_cache::sync::Cache;
use quick_cache::{OptionsBuilder, Weighter};
use tokio::time::{Instant, timeout};

use super::body::{self, BodyLimits};
use crate::cpu_pool::CpuPool;
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
/// Bytes of the cached rules of all sites; the least recently used are removed first.
const CACHE_BYTES: u64 = 16 << 20;
/// Bytes of a cached site in addition to its name and rules.
const ENTRY_BYTES: usize = 256;
/// Time to parse a robots.txt, or to match a URL with its rules. Both end earlier, because they are limited.
const CPU_TIMEOUT: Duration = Duration::from_secs(30);

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
    /// By origin and agent.
    sites: Cache<String, Cached, ByBytes>,
    /// Parses and matches what takes longer than a millisecond.
    pool: CpuPool,
}

#[derive(Clone)]
struct Cached {
    expires: Instant,
    rules: Result<Arc<Rules>, Forbidden>,
}

#[derive(Clone)]
struct ByBytes;

impl Weighter<String, Cached> for ByBytes {
    fn weight(&self, key: &String, cached: &Cached) -> u64 {
        let rules = cached.rules.as_ref().map_or(0, |rules| rules.bytes());
        (key.len() + rules + ENTRY_BYTES) as u64
    }
}

impl Robots {
    pub fn new(egress: Egress, read_timeout: Duration, min_rate: u32) -> Self {
        // In one shard, so that one site may use the whole capacity.
        let options =
            OptionsBuilder::new().estimated_items_capacity(1000).weight_capacity(CACHE_BYTES).shards(1).build();
        let options = options.expect("the capacity is set");
        let sites = Cache::with_options(options, ByBytes, Default::default(), Default::default());
        Self { egress, read_timeout, min_rate, sites, pool: CpuPool::new(1) }
    }

    /// The delay between two pages that the site requests of `agent` (`Crawl-delay`), if `agent` may request the page.
    pub async fn check(&self, url: &AllowedUrl, agent: &str, queue: &QueueKey) -> Result<Duration, Forbidden> {
        let rules = self.cached(url, agent, queue).await?;
        let delay = rules.delay.unwrap_or_default().min(MAX_DELAY);
        let allowed = if rules.is_fast(url.url()) {
            rules.allows(url.url())
        } else {
            let url = url.url().clone();
            let matched = self.pool.run(queue, CPU_TIMEOUT, move || rules.allows(&url)).await;
            matched.map_err(|_| Forbidden::Unavailable)?
        };
        if allowed { Ok(delay) } else { Err(Forbidden::ByRule) }
    }

    /// The rules for `agent`, from the cache or requested now. A site gets one request at a time.
    async fn cached(&self, url: &AllowedUrl, agent: &str, queue: &QueueKey) -> Result<Arc<Rules>, Forbidden> {
        let key = format!("{} {agent}", url.url().origin().ascii_serialization());
        self.sites.remove_if(&key, |cached| cached.expires <= Instant::now());
        let request = async { Ok::<_, Infallible>(self.request(url, agent, queue).await) };
        let Ok(cached) = self.sites.get_or_insert_async(&key, request).await;
        cached.rules
    }

    async fn request(&self, url: &AllowedUrl, agent: &str, queue: &QueueKey) -> Cached {
        let text = timeout(self.read_timeout * 2, self.text(url, agent)).await;
        let rules = match text.unwrap_or(Err(Forbidden::Unavailable)) {
            Ok(text) => {
                let agent = agent.to_owned();
                let parse = move || Rules::parse(&String::from_utf8_lossy(&text), &agent);
                self.pool.run(queue, CPU_TIMEOUT, parse).await.map(Arc::new).map_err(|_| Forbidden::Unavailable)
            }
            Err(forbidden) => Err(forbidden),
        };
        let ttl = if rules.is_ok() { TTL } else { UNAVAILABLE_TTL };
        Cached { expires: Instant::now() + ttl, rules }
    }

    /// The robots.txt. With a 4xx it is empty, so everything is allowed; with a 5xx or without a response, nothing is.
    async fn text(&self, page: &AllowedUrl, agent: &str) -> Result<Bytes, Forbidden> {
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
                    return Ok(text);
                }
                301 | 302 | 303 | 307 | 308 => {
                    let target = redirect_target(url.url(), response.headers()).map_err(|_| Forbidden::Unavailable)?;
                    let next = guard.check_redirect(&url, response.remote_address(), &target);
                    url = next.map_err(|_| Forbidden::Unavailable)?;
                }
                400..=499 => return Ok(Bytes::new()),
                _ => return Err(Forbidden::Unavailable),
            }
        }
        Ok(Bytes::new())
    }
}
