//! The settings as types: the same sections and keys as `config.yml`, and what of them contradicts what else.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

use opilio_actors::domain::secret::Secret;
use opilio_page::{Bm25, ContentFilter, Pruning};
use serde::Deserialize;
use url::Url;

use super::{BadSettings, Llm, Rate, Security};

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    pub app: App,
    pub store: Store,
    pub redis: Redis,
    pub jobs: Jobs,
    pub limits: Limits,
    pub rate_limiting: RateLimiting,
    pub crawler: Crawler,
    pub egress: Egress,
    pub webhooks: Webhooks,
    pub llm: Llm,
    pub security: Security,
    pub logging: Logging,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct App {
    pub host: IpAddr,
    pub port: u16,
    #[serde(with = "humantime_serde")]
    pub shutdown_grace: Duration,
    #[serde(with = "humantime_serde")]
    pub heartbeat: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StoreBackend {
    Embedded,
    Redis,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Store {
    pub backend: StoreBackend,
    pub path: PathBuf,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Redis {
    pub host: String,
    pub port: u16,
    pub db: u32,
    pub username: Option<String>,
    pub password: Option<Secret>,
    pub pool_size: NonZeroUsize,
    pub prefix: String,
    #[serde(with = "humantime_serde")]
    pub task_ttl: Duration,
    pub ssl: bool,
    pub ssl_cert_reqs: Option<String>,
    pub ssl_ca_certs: Option<PathBuf>,
    pub ssl_certfile: Option<PathBuf>,
    pub ssl_keyfile: Option<PathBuf>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Jobs {
    pub crawl_workers: NonZeroUsize,
    pub llm_workers: NonZeroUsize,
    #[serde(with = "humantime_serde")]
    pub lease: Duration,
    pub max_attempts: NonZeroU32,
    #[serde(with = "humantime_serde")]
    pub stall_timeout: Duration,
    pub slice: usize,
    #[serde(with = "humantime_serde")]
    pub max_wait: Duration,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    pub max_body_bytes: usize,
    pub max_bodies_bytes: usize,
    pub max_answers_bytes: usize,
    pub max_json_depth: NonZeroUsize,
    #[serde(with = "humantime_serde")]
    pub body_timeout: Duration,
    pub max_headers: usize,
    pub max_header_bytes: usize,
    #[serde(with = "humantime_serde")]
    pub head_timeout: Duration,
    #[serde(with = "humantime_serde")]
    pub keep_alive: Duration,
    #[serde(with = "humantime_serde")]
    pub write_timeout: Duration,
    pub connections: usize,
    pub connections_per_address: usize,
    pub rate: Rates,
    pub max_urls: NonZeroUsize,
    #[serde(with = "humantime_serde")]
    pub wall_clock: Duration,
    pub max_page_bytes: NonZeroUsize,
    pub max_decompression_ratio: u64,
    pub max_result_bytes: usize,
    pub max_job_bytes: usize,
    pub max_redirects: usize,
    pub queue: Queue,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rates {
    pub per_principal: Option<Rate>,
    pub per_address: Option<Rate>,
}

/// As the peer's file has it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateLimiting {
    pub enabled: bool,
    pub default_limit: Option<Rate>,
    pub trusted_proxies: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Queue {
    pub maxsize: u64,
    pub per_principal: u64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Crawler {
    pub pool: Pool,
    pub pages_per_job: NonZeroUsize,
    pub pages_per_host: usize,
    #[serde(with = "humantime_serde")]
    pub host_gap: Duration,
    #[serde(with = "humantime_serde")]
    pub page_timeout: Duration,
    #[serde(with = "humantime_serde")]
    pub read_timeout: Duration,
    #[serde(with = "humantime_serde")]
    pub connect_timeout: Duration,
    #[serde(with = "humantime_serde")]
    pub parse_timeout: Duration,
    pub user_agent: Option<String>,
    pub contact_url: Option<Url>,
    pub respect_robots: bool,
    pub cache: PageCache,
    pub content_filter: Option<Filter>,
}

/// A content filter with its own defaults.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Filter {
    Main,
    Pruning,
    Bm25,
}

impl From<Filter> for ContentFilter {
    fn from(filter: Filter) -> Self {
        match filter {
            Filter::Main => Self::Main,
            Filter::Pruning => Self::Pruning(Pruning::default()),
            Filter::Bm25 => Self::Bm25(Bm25::default()),
        }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PageCache {
    pub max_bytes: u64,
    #[serde(with = "humantime_serde")]
    pub keep: Duration,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pool {
    pub max_pages: usize,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Egress {
    pub allow: Vec<String>,
    pub allow_webhooks: Vec<String>,
    pub allow_llm: Vec<String>,
    #[serde(deserialize_with = "text")]
    pub allow_internal: Option<String>,
    pub ports: Ports,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ports {
    #[serde(deserialize_with = "texts")]
    pub allow: Vec<String>,
    #[serde(deserialize_with = "texts")]
    pub deny: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhooks {
    pub enabled: bool,
    pub default_url: Option<Url>,
    pub data_in_payload: bool,
    pub headers: BTreeMap<String, Secret>,
    pub secrets: Vec<Secret>,
    pub in_flight: NonZeroUsize,
    pub in_flight_per_receiver: NonZeroUsize,
    #[serde(with = "humantime_serde::option")]
    pub lease: Option<Duration>,
    #[serde(with = "humantime_serde")]
    pub keep_exhausted: Duration,
    pub retry: Retry,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retry {
    pub max_attempts: NonZeroU32,
    #[serde(with = "humantime_serde")]
    pub initial_delay: Duration,
    #[serde(with = "humantime_serde")]
    pub max_delay: Duration,
    #[serde(with = "humantime_serde")]
    pub timeout: Duration,
    pub jitter: f64,
    pub max_interruptions: u32,
    pub retry_statuses: Vec<u16>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Logging {
    pub level: String,
    pub format: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    Text,
    Json,
}

impl Settings {
    /// What each key alone cannot tell.
    pub(super) fn check(&self) -> Result<(), BadSettings> {
        let wrong = |sentence: String| Err(BadSettings::Contradiction(sentence));
        let Retry { initial_delay, max_delay, timeout, jitter, .. } = &self.webhooks.retry;
        if initial_delay > max_delay {
            return wrong("webhooks.retry.initial_delay is longer than webhooks.retry.max_delay".to_owned());
        }
        if timeout.is_zero() {
            return wrong("webhooks.retry.timeout must not be zero".to_owned());
        }
        if !(0.0..=1.0).contains(jitter) {
            return wrong(format!("webhooks.retry.jitter is {jitter}; it lies between 0 and 1"));
        }
        if !(Duration::from_millis(100)..=Duration::from_secs(45)).contains(&self.app.heartbeat) {
            return wrong(format!(
                "app.heartbeat is {:?}; it lies between 100ms and 45s: proxies and clients give up on a longer silence",
                self.app.heartbeat
            ));
        }
        if self.jobs.lease < Duration::from_secs(1) {
            return wrong("jobs.lease is shorter than 1s: a short pause would lose it".to_owned());
        }
        if let Some(lease) = self.webhooks.lease.filter(|lease| lease <= timeout) {
            return wrong(format!(
                "webhooks.lease is {lease:?}, not longer than webhooks.retry.timeout, {timeout:?}: an attempt would be \
                 made a second time while it is still under way"
            ));
        }
        let page = self.crawler.page_timeout.saturating_add(self.crawler.parse_timeout);
        if self.jobs.stall_timeout <= page {
            return wrong(format!(
                "jobs.stall_timeout is {:?}, not longer than crawler.page_timeout and crawler.parse_timeout together, \
                 {page:?}: a slow page would be taken for one that hangs",
                self.jobs.stall_timeout
            ));
        }
        if self.crawler.page_timeout.is_zero() || self.crawler.parse_timeout.is_zero() {
            return wrong("crawler.page_timeout and crawler.parse_timeout must not be zero".to_owned());
        }
        self.llm.check().or_else(wrong)?;
        let answer = self.llm.longest_silence();
        if self.jobs.stall_timeout <= answer {
            return wrong(format!(
                "jobs.stall_timeout is {:?}, not longer than llm.timeout and three times llm.retry.patience together, \
                 {answer:?}: a slow model would be taken for a job that hangs",
                self.jobs.stall_timeout
            ));
        }
        if !matches!(self.logging.format.as_str(), "text" | "json") {
            return wrong(format!("logging.format is `{}`; it is text or json", self.logging.format));
        }
        self.security.check().or_else(wrong)?;
        if self.limits.head_timeout.is_zero() || self.limits.keep_alive.is_zero() {
            return wrong("limits.head_timeout and limits.keep_alive must not be zero".to_owned());
        }
        let open = !self.security.is_closed() && !self.security.allow_unauthenticated;
        match self.exposure().filter(|_| open) {
            Some(reason) => {
                wrong(format!("{reason}: set security.api_token, or say security.allow_unauthenticated: true"))
            }
            None => Ok(()),
        }
    }

    /// By what others than this machine's own programs can come; `None`: they cannot. A proxy asks from loopback, for
    /// whomever it serves.
    pub fn exposure(&self) -> Option<String> {
        if !self.app.host.is_loopback() {
            return Some(format!("app.host is {}, which other machines can reach", self.app.host));
        }
        let proxies = &self.rate_limiting.trusted_proxies;
        (!proxies.is_empty())
            .then(|| format!("rate_limiting.trusted_proxies names {}, by which others come", proxies.join(", ")))
    }

    pub fn log_format(&self) -> LogFormat {
        if self.logging.format == "json" { LogFormat::Json } else { LogFormat::Text }
    }

    /// Whether callers may name internal addresses without a list.
    pub fn internal_allowed(&self) -> bool {
        match &self.egress.allow_internal {
            Some(said) => matches!(said.to_ascii_lowercase().as_str(), "true" | "1" | "yes" | "on"),
            None => self.exposure().is_none() && !self.security.is_closed(),
        }
    }
}

/// A number or a switch as the text that the environment would have given.
fn text<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    serde_json::Value::deserialize(deserializer).map(as_text)
}

fn texts<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let list = Vec::<serde_json::Value>::deserialize(deserializer)?;
    Ok(list.into_iter().filter_map(as_text).collect())
}

fn as_text(value: serde_json::Value) -> Option<String> {
    match value {
        serde_json::Value::Null => None,
        serde_json::Value::String(text) => Some(text),
        other => Some(other.to_string()),
    }
}
