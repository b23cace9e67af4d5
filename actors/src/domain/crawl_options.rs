//! How a crawl is to be done, as far as the caller chose: what is absent is the operator's choice.

use std::num::NonZeroUsize;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::secret::Secret;

/// The honoured part of `crawler_config` and `browser_config`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CrawlOptions {
    pub page: opilio_page::Options,
    pub fetch: FetchOptions,
    /// Pages of this job side by side.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<NonZeroUsize>,
}

/// How pages are asked for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct FetchOptions {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, Secret)>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cookies: Vec<Cookie>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// The whole page, redirects included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page_timeout: Option<Duration>,
    /// Further tries after a transient failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_retries: Option<u32>,
}

/// A cookie the caller wants sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cookie {
    pub name: String,
    pub value: Secret,
    /// Sent to this host and those below it; absent: to every page of the job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// Sent for this path and those below it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}
