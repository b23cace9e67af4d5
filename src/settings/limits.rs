//! Sections `limits` and `rate_limiting`.

use std::num::NonZeroUsize;
use std::time::Duration;

use serde::Deserialize;

use super::rate::Rate;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    pub max_body_bytes: usize,
    pub request_memory: usize,
    pub response_memory: usize,
    pub max_json_depth: NonZeroUsize,
    #[serde(with = "humantime_serde")]
    pub body_timeout: Duration,
    pub max_headers: usize,
    pub max_header_bytes: usize,
    #[serde(with = "humantime_serde")]
    pub header_timeout: Duration,
    #[serde(with = "humantime_serde")]
    pub keep_alive: Duration,
    #[serde(with = "humantime_serde")]
    pub write_timeout: Duration,
    pub max_connections: usize,
    pub max_connections_per_address: usize,
    pub rate: Rates,
    pub max_urls: NonZeroUsize,
    pub max_pages: usize,
    #[serde(with = "humantime_serde")]
    pub wall_clock: Duration,
    pub max_page_bytes: NonZeroUsize,
    pub max_decompression_ratio: u64,
    pub reading_memory: NonZeroUsize,
    pub max_result_bytes: usize,
    pub max_job_bytes: usize,
    pub max_redirects: usize,
    #[serde(with = "humantime_serde")]
    pub max_page_timeout: Duration,
    pub max_retries: u32,
    pub min_page_rate: u32,
    pub queue: Queue,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rates {
    pub per_principal: Option<Rate>,
    pub per_address: Option<Rate>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Queue {
    pub maxsize: u64,
    pub per_principal: u64,
}

/// A section of Crawl4AI's file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateLimiting {
    pub enabled: bool,
    pub default_limit: Option<Rate>,
    pub trusted_proxies: Vec<String>,
}

impl Limits {
    pub fn check(&self) -> Result<(), String> {
        if self.header_timeout.is_zero() || self.keep_alive.is_zero() {
            return Err("limits.header_timeout and limits.keep_alive must be longer than 0s".to_owned());
        }
        if self.max_page_timeout.is_zero() {
            return Err("limits.max_page_timeout must be longer than 0s".to_owned());
        }
        Ok(())
    }
}
