//! Section `crawler`.

use std::num::NonZeroUsize;
use std::time::Duration;

use opilio_actors::domain::engine::Engine;
use opilio_page::{Bm25, ContentFilter, Pruning};
use serde::Deserialize;
use url::Url;

use super::backoff::{check_delays, check_jitter};

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Crawler {
    pub engine: Option<Engine>,
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
    pub retry: PageRetry,
    pub user_agent: Option<String>,
    pub contact_url: Option<Url>,
    pub respect_robots: bool,
    pub content_filter: Option<Filter>,
    pub cache: PageCache,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pool {
    pub max_pages: usize,
}

/// Retries of one page within one attempt of its job.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PageRetry {
    pub max_retries: u32,
    #[serde(with = "humantime_serde")]
    pub initial_delay: Duration,
    #[serde(with = "humantime_serde")]
    pub max_delay: Duration,
    pub jitter: f64,
}

/// A content filter with its default parameters.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Filter {
    Main,
    Pruning,
    Bm25,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PageCache {
    pub max_bytes: u64,
    #[serde(with = "humantime_serde")]
    pub ttl: Duration,
}

impl Crawler {
    pub fn check(&self) -> Result<(), String> {
        if self.page_timeout.is_zero() || self.parse_timeout.is_zero() {
            return Err("crawler.page_timeout and crawler.parse_timeout must be longer than 0s".to_owned());
        }
        let PageRetry { initial_delay, max_delay, jitter, .. } = self.retry;
        check_delays("crawler.retry", initial_delay, max_delay)?;
        check_jitter("crawler.retry", jitter)
    }
}

impl From<Filter> for ContentFilter {
    fn from(filter: Filter) -> Self {
        match filter {
            Filter::Main => Self::default(),
            Filter::Pruning => Self::Pruning(Pruning::default()),
            Filter::Bm25 => Self::Bm25(Bm25::default()),
        }
    }
}
