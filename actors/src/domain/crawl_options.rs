//! Crawl options set by a job. An absent option takes the operator's setting.

use std::num::NonZeroUsize;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use url::{Host, Url};

use super::engine::Engine;
use super::link_preview::LinkPreviews;
use super::page_extraction::{PageExtraction, PageFilter};
use super::secret::Secret;

/// The supported part of `crawler_config` and `browser_config`. Stored without default values.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CrawlOptions {
    #[serde(skip_serializing_if = "is_default")]
    pub page: opilio_page::Options,
    #[serde(skip_serializing_if = "is_default")]
    pub fetch: FetchOptions,
    #[serde(skip_serializing_if = "is_default")]
    pub cache: CacheOptions,
    /// Concurrent pages of this job, at most the operator's limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<NonZeroUsize>,
    /// Which linked pages are previewed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link_previews: Option<LinkPreviews>,
    /// How a language model finds the main content of each page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_filter: Option<PageFilter>,
    /// What a language model extracts from each page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_extraction: Option<PageExtraction>,
    /// The base of relative URLs on a `raw:` page; has no effect on fetched pages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_url: Option<Url>,
}

impl CrawlOptions {
    /// Whether a language model reads the pages.
    pub fn uses_models(&self) -> bool {
        self.model_filter.is_some() || self.model_extraction.is_some()
    }
}

/// How a job uses the page cache; by default not at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CacheOptions {
    /// Use cached pages.
    pub read: bool,
    /// Store fetched pages in the cache.
    pub write: bool,
    /// Revalidate every cached page before use.
    pub revalidate: bool,
}

/// How pages are requested.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct FetchOptions {
    /// Set when the job is admitted; `None`: [`Engine::Http`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub engine: Option<Engine>,
    /// Unique names in lower case, in the order given; never `user-agent` or `cookie`. Values can contain UTF-8.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, Secret)>,
    /// Sent only to URLs that [`Cookie::matches`]; checked again for every redirect.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cookies: Vec<Cookie>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// For the complete page including redirects. Zero, the operator's maximum, is replaced at admission.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page_timeout: Option<Duration>,
    /// Retries after a transient failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_retries: Option<u32>,
    /// Skip pages that robots.txt disallows.
    #[serde(skip_serializing_if = "is_default")]
    pub check_robots_txt: bool,
    /// Return the certificate of the page's server.
    #[serde(skip_serializing_if = "is_default")]
    pub certificate: bool,
}

/// A cookie set by the caller and the URLs it is sent to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cookie {
    pub name: String,
    pub value: Secret,
    /// Lower case, without a leading dot; an IPv6 address in brackets.
    pub domain: String,
    /// Exclude subdomains of `domain`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub host_only: bool,
    /// Path prefix; begins with `/`.
    pub path: String,
    /// Send over `https`, and over `http` only to this machine, as browsers do.
    #[serde(default, skip_serializing_if = "is_default")]
    pub secure: bool,
}

impl Cookie {
    /// Whether the cookie is sent to `url` (domain, path and `secure`; RFC 6265, section 5.4).
    pub fn matches(&self, url: &Url) -> bool {
        self.matches_host(url) && self.matches_path(url.path()) && (!self.secure || is_trustworthy(url))
    }

    fn matches_host(&self, url: &Url) -> bool {
        let is_subdomain = |host: &str| host.strip_suffix(&self.domain).is_some_and(|name| name.ends_with('.'));
        match url.host() {
            Some(Host::Domain(host)) => host == self.domain || !self.host_only && is_subdomain(host),
            _ => url.host_str() == Some(&self.domain),
        }
    }

    fn matches_path(&self, path: &str) -> bool {
        path.strip_prefix(&self.path)
            .is_some_and(|rest| rest.is_empty() || self.path.ends_with('/') || rest.starts_with('/'))
    }
}

/// Whether a connection to `url` cannot be read by others: TLS, or an address of this machine.
fn is_trustworthy(url: &Url) -> bool {
    url.scheme() == "https"
        || match url.host() {
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            None => false,
        }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn cookie() -> Cookie {
        Cookie {
            name: "sid".to_owned(),
            value: Secret::new("hidden"),
            domain: "a.example".to_owned(),
            host_only: false,
            path: "/".to_owned(),
            secure: false,
        }
    }

    #[test]
    fn cookie_matches_its_domain_path_and_scheme() {
        let host_only = Cookie { host_only: true, ..cookie() };
        let below = Cookie { path: "/x".to_owned(), ..cookie() };
        let secure = Cookie { secure: true, ..cookie() };
        let address = Cookie { domain: "127.0.0.1".to_owned(), ..cookie() };
        let local = Cookie { secure: true, ..address.clone() };
        let tail = Cookie { domain: "0.0.1".to_owned(), ..cookie() };
        for (cookie, url, sent) in [
            (&cookie(), "http://a.example/", true),
            (&cookie(), "http://www.a.example/x", true),
            (&cookie(), "http://ba.example/", false),
            (&cookie(), "http://example/", false),
            (&host_only, "http://a.example:8080/", true),
            (&host_only, "http://www.a.example/", false),
            (&below, "http://a.example/x", true),
            (&below, "http://a.example/x/y", true),
            (&below, "http://a.example/xy", false),
            (&below, "http://a.example/", false),
            (&secure, "https://a.example/", true),
            (&secure, "http://a.example/", false),
            (&local, "http://127.0.0.1:9/", true),
            (&address, "http://127.0.0.1:9/", true),
            (&tail, "http://127.0.0.1:9/", false),
            (&cookie(), "raw:<p>", false),
        ] {
            assert_eq!(cookie.matches(&Url::parse(url).unwrap()), sent, "{cookie:?} {url}");
        }
    }

    #[test]
    fn default_options_serialize_to_an_empty_object() {
        assert_eq!(serde_json::to_value(CrawlOptions::default()).unwrap(), json!({}));
        assert_eq!(serde_json::from_value::<CrawlOptions>(json!({})).unwrap(), CrawlOptions::default());
    }

    #[test]
    fn options_survive_serialization() {
        let fetch = FetchOptions {
            engine: Some(Engine::Smart),
            headers: vec![("x-a".to_owned(), Secret::new("1"))],
            cookies: vec![cookie(), Cookie { host_only: true, secure: true, ..cookie() }],
            user_agent: Some("bot".to_owned()),
            page_timeout: Some(Duration::from_millis(1500)),
            max_retries: Some(0),
            check_robots_txt: true,
            certificate: true,
        };
        let base_url = Some(Url::parse("https://a.example/x").unwrap());
        let options = CrawlOptions { fetch, concurrency: NonZeroUsize::new(3), base_url, ..CrawlOptions::default() };
        let stored = serde_json::to_string(&options).unwrap();
        assert_eq!(serde_json::from_str::<CrawlOptions>(&stored).unwrap(), options);
    }

    #[test]
    fn debug_output_masks_header_and_cookie_values() {
        let headers = vec![("authorization".to_owned(), Secret::new("hidden"))];
        let fetch = FetchOptions { headers, cookies: vec![cookie()], ..FetchOptions::default() };
        let output = format!("{fetch:?}");
        assert!(output.contains("authorization") && output.contains("sid") && !output.contains("hidden"), "{output}");
    }
}
