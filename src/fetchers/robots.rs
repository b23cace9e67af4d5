//! What sites ask of robots, kept for a day: robots.txt by RFC 9309, with `Crawl-delay`.

mod rules;

use std::collections::HashMap;
use std::sync::{Arc, Mutex as Lock, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, header};
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until, timeout};
use url::Url;

use super::body::{self, BodyLimits};
use crate::egress::{AllowedUrl, Answer, Egress, EgressError};
use rules::Rules;

/// RFC 9309, section 2.4.
const KEPT: Duration = Duration::from_secs(24 * 3600);
/// A site whose robots.txt cannot be had is asked again after this.
const KEPT_IN_TROUBLE: Duration = Duration::from_secs(60);
/// More is not read; the standard asks for 500 KiB at least.
const MAX_BYTES: usize = 512 * 1024;
const MAX_REDIRECTS: usize = 5;
/// No site makes a crawler wait longer between two pages.
const MAX_DELAY: Duration = Duration::from_secs(60);
/// This many sites are remembered before all are forgotten.
const MAX_SITES: usize = 10_000;

/// Why a page may not be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Forbidden {
    #[error("Access denied by robots.txt")]
    ByRule,
    #[error("Access denied by robots.txt: it could not be read")]
    Unknown,
    /// Its server may not be reached at all.
    #[error("URL blocked")]
    Blocked,
}

pub struct Robots {
    egress: Egress,
    silence: Duration,
    sites: Lock<HashMap<String, Arc<Site>>>,
}

#[derive(Default)]
struct Site {
    /// Held while it is fetched, so that a site is asked once.
    known: Mutex<Option<Known>>,
    next_start: Lock<Option<Instant>>,
}

#[derive(Clone)]
struct Known {
    until: Instant,
    /// Where the server did not say, nothing is allowed.
    rules: Result<Arc<Rules>, Forbidden>,
}

impl Robots {
    /// `silence`: how long a server may say nothing.
    pub fn new(egress: Egress, silence: Duration) -> Self {
        Self { egress, silence, sites: Lock::default() }
    }

    /// Waits until `agent` may ask for the page: not before the site's `Crawl-delay` since the last one has passed.
    pub async fn admit(&self, to: &AllowedUrl, agent: &str) -> Result<(), Forbidden> {
        let site = self.site(to);
        let rules = {
            let mut known = site.known.lock().await;
            match known.as_ref().filter(|known| Instant::now() < known.until) {
                Some(known) => known.rules.clone(),
                None => known.insert(self.ask(to, agent).await).rules.clone(),
            }
        };
        let advice = rules?.advice(agent, to.url());
        if !advice.allowed {
            return Err(Forbidden::ByRule);
        }
        if let Some(delay) = advice.delay {
            sleep_until(site.reserve(delay.min(MAX_DELAY))).await;
        }
        Ok(())
    }

    fn site(&self, to: &AllowedUrl) -> Arc<Site> {
        let mut sites = self.sites.lock().unwrap_or_else(PoisonError::into_inner);
        if sites.len() >= MAX_SITES {
            sites.clear();
        }
        Arc::clone(sites.entry(to.url().origin().ascii_serialization()).or_default())
    }

    async fn ask(&self, to: &AllowedUrl, agent: &str) -> Known {
        let rules = timeout(self.silence * 2, self.rules(to, agent)).await.unwrap_or(Err(Forbidden::Unknown));
        let keep = if rules.is_ok() { KEPT } else { KEPT_IN_TROUBLE };
        Known { until: Instant::now() + keep, rules: rules.map(Arc::new) }
    }

    /// A 4xx means that all is allowed, a 5xx or no answer that nothing is.
    async fn rules(&self, to: &AllowedUrl, agent: &str) -> Result<Rules, Forbidden> {
        let guard = self.egress.guard();
        let unknown = |_| Forbidden::Unknown;
        let mut at = to.on_same_server("/robots.txt");
        let mut headers = HeaderMap::new();
        headers.insert(header::USER_AGENT, HeaderValue::from_bytes(agent.as_bytes()).map_err(|_| Forbidden::Unknown)?);
        for _ in 0..=MAX_REDIRECTS {
            let answer = self.egress.send(Method::GET, &at, headers.clone(), Bytes::new()).await;
            let mut answer = answer.map_err(|trouble| match trouble {
                EgressError::Blocked => Forbidden::Blocked,
                _ => Forbidden::Unknown,
            })?;
            match answer.status() {
                200..=299 => {
                    let limits = BodyLimits { max_bytes: MAX_BYTES, max_silence: self.silence };
                    let text = body::read(&mut answer, limits).await.map_err(unknown)?;
                    return Ok(Rules::read(&String::from_utf8_lossy(&text)));
                }
                301 | 302 | 303 | 307 | 308 => {
                    let target = target(&at, &answer).ok_or(Forbidden::Unknown)?;
                    at = guard.redirect(&at, answer.answered_by(), &target).map_err(|_| Forbidden::Unknown)?;
                }
                400..=499 => return Ok(Rules::default()),
                _ => return Err(Forbidden::Unknown),
            }
        }
        Ok(Rules::default())
    }
}

fn target(from: &AllowedUrl, answer: &Answer) -> Option<Url> {
    let location = answer.headers().get(header::LOCATION)?;
    from.url().join(&String::from_utf8_lossy(location.as_bytes())).ok()
}

impl Site {
    /// The moment at which the next page may start.
    fn reserve(&self, delay: Duration) -> Instant {
        let mut next = self.next_start.lock().unwrap_or_else(PoisonError::into_inner);
        let start = next.unwrap_or_else(Instant::now).max(Instant::now());
        *next = Some(start + delay);
        start
    }
}
