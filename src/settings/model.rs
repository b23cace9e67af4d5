//! All sections of the settings, and the constraints between them.

use serde::Deserialize;

use super::browser::Browser;
use super::crawler::Crawler;
use super::egress::Egress;
use super::error::SettingsError;
use super::jobs::Jobs;
use super::limits::{Limits, RateLimiting};
use super::llm::Llm;
use super::security::Security;
use super::server::{App, LogFormat, Logging, Redis, Store};
use super::webhooks::Webhooks;

/// The sections and keys of `config.yml`.
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
    pub browser: Browser,
    pub egress: Egress,
    pub webhooks: Webhooks,
    pub llm: Llm,
    pub security: Security,
    pub logging: Logging,
}

impl Settings {
    pub(super) fn check(&self) -> Result<(), SettingsError> {
        let checks = [
            self.app.check(),
            self.jobs.check(),
            self.limits.check(),
            self.crawler.check(),
            self.browser.check(),
            self.webhooks.check(),
            self.llm.check(),
            self.logging.check(),
            self.security.check(),
            self.check_ceilings(),
            self.check_stall_timeout(),
            self.check_exposure(),
        ];
        checks.into_iter().collect::<Result<(), _>>().map_err(SettingsError::Conflict)
    }

    /// The operator's own values are within the ceilings of requests.
    fn check_ceilings(&self) -> Result<(), String> {
        let (crawler, limits) = (&self.crawler, &self.limits);
        if crawler.page_timeout > limits.max_page_timeout {
            return Err(format!(
                "crawler.page_timeout ({:?}) must be at most limits.max_page_timeout ({:?})",
                crawler.page_timeout, limits.max_page_timeout
            ));
        }
        if crawler.retry.max_retries > limits.max_retries {
            return Err(format!(
                "crawler.retry.max_retries ({}) must be at most limits.max_retries ({})",
                crawler.retry.max_retries, limits.max_retries
            ));
        }
        Ok(())
    }

    /// The longest time without progress of a job that works must be shorter than the stall timeout.
    fn check_stall_timeout(&self) -> Result<(), String> {
        let (jobs, crawler, llm) = (&self.jobs, &self.crawler, &self.llm);
        let page = self.limits.max_page_timeout;
        for (longest, keys) in [
            (page.saturating_add(crawler.parse_timeout), "limits.max_page_timeout + crawler.parse_timeout"),
            (page.saturating_add(crawler.retry.max_delay), "limits.max_page_timeout + crawler.retry.max_delay"),
            (llm.max_silence(), "llm.timeout + 3 * llm.retry.max_inline_wait"),
        ] {
            if jobs.stall_timeout <= longest {
                return Err(format!(
                    "jobs.stall_timeout ({:?}) must be longer than {keys} ({longest:?}): otherwise a slow job counts as \
                     stalled",
                    jobs.stall_timeout
                ));
            }
        }
        Ok(())
    }

    fn check_exposure(&self) -> Result<(), String> {
        let is_open = !self.security.requires_token() && !self.security.allow_unauthenticated;
        match self.exposure().filter(|_| is_open) {
            Some(reason) => Err(format!("{reason}: set security.api_token or security.allow_unauthenticated: true")),
            None => Ok(()),
        }
    }

    /// Why clients on other machines can reach the server; `None` if they cannot. Requests of a reverse proxy come from
    /// loopback, whatever the address of the client.
    pub fn exposure(&self) -> Option<String> {
        if !self.app.host.is_loopback() {
            return Some(format!("other machines can reach app.host ({})", self.app.host));
        }
        let proxies = &self.rate_limiting.trusted_proxies;
        (!proxies.is_empty()).then(|| {
            format!(
                "other machines can reach the server through rate_limiting.trusted_proxies ({})",
                proxies.join(", ")
            )
        })
    }

    pub fn log_format(&self) -> LogFormat {
        self.logging.format()
    }

    /// Whether requests may name internal addresses that are not on an allowlist.
    pub fn internal_allowed(&self) -> bool {
        let is_private = self.exposure().is_none() && !self.security.requires_token();
        self.egress.allow_internal().unwrap_or(is_private)
    }
}
