//! How a crawl is to be done, as far as the caller chose: what is absent is the operator's choice.

use std::num::NonZeroUsize;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use url::{Host, Url};

use super::secret::Secret;

/// The honoured part of `crawler_config` and `browser_config`. Stored without what is at its default.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CrawlOptions {
    #[serde(skip_serializing_if = "is_default")]
    pub page: opilio_page::Options,
    #[serde(skip_serializing_if = "is_default")]
    pub fetch: FetchOptions,
    #[serde(skip_serializing_if = "is_default")]
    pub cache: CacheUse,
    /// Pages of this job side by side; the operator's own bound holds all the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<NonZeroUsize>,
    /// What relative addresses on a `raw:` page are resolved against; of no meaning to fetched pages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_url: Option<Url>,
}

/// What the job has to do with pages that were fetched earlier; by default nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CacheUse {
    /// A page that is kept will do.
    pub read: bool,
    /// Pages that are fetched may be kept.
    pub write: bool,
    /// Its server is asked first whether it has changed.
    pub check: bool,
}

/// How pages are asked for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct FetchOptions {
    /// Lower-case names, each once, in the order given; never `user-agent` or `cookie`. A value may hold UTF-8.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, Secret)>,
    /// Each is sent only where [`Cookie::belongs_to`] says so, at every redirect anew.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cookies: Vec<Cookie>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// The whole page, redirects included. Never zero.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page_timeout: Option<Duration>,
    /// Further tries after a transient failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_retries: Option<u32>,
    /// What robots.txt forbids is not fetched.
    #[serde(skip_serializing_if = "is_default")]
    pub check_robots_txt: bool,
}

/// A cookie that the caller wants sent, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cookie {
    pub name: String,
    pub value: Secret,
    /// Lower case, without a leading dot; an IPv6 address stands in brackets.
    pub domain: String,
    /// Not to the hosts below `domain`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub host_only: bool,
    /// Sent for this path and those below it. Begins with `/`.
    pub path: String,
    /// Over `https` only.
    #[serde(default, skip_serializing_if = "is_default")]
    pub secure: bool,
}

impl Cookie {
    /// Whether the cookie goes with a request for `url`: domain, path and `secure` as RFC 6265, section 5.4, has them.
    pub fn belongs_to(&self, url: &Url) -> bool {
        self.is_for_host(url) && self.is_for_path(url.path()) && (!self.secure || url.scheme() == "https")
    }

    fn is_for_host(&self, url: &Url) -> bool {
        let below = |host: &str| host.strip_suffix(&self.domain).is_some_and(|name| name.ends_with('.'));
        match url.host() {
            Some(Host::Domain(host)) => host == self.domain || !self.host_only && below(host),
            _ => url.host_str() == Some(&self.domain),
        }
    }

    fn is_for_path(&self, path: &str) -> bool {
        path.strip_prefix(&self.path)
            .is_some_and(|rest| rest.is_empty() || self.path.ends_with('/') || rest.starts_with('/'))
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
    fn a_cookie_is_sent_where_it_belongs_and_nowhere_else() {
        let host_only = Cookie { host_only: true, ..cookie() };
        let below = Cookie { path: "/x".to_owned(), ..cookie() };
        let secure = Cookie { secure: true, ..cookie() };
        let address = Cookie { domain: "127.0.0.1".to_owned(), ..cookie() };
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
            (&address, "http://127.0.0.1:9/", true),
            (&tail, "http://127.0.0.1:9/", false),
            (&cookie(), "raw:<p>", false),
        ] {
            assert_eq!(cookie.belongs_to(&Url::parse(url).unwrap()), sent, "{cookie:?} {url}");
        }
    }

    #[test]
    fn what_the_operator_decides_takes_no_room_in_the_store() {
        assert_eq!(serde_json::to_value(CrawlOptions::default()).unwrap(), json!({}));
        assert_eq!(serde_json::from_value::<CrawlOptions>(json!({})).unwrap(), CrawlOptions::default());
    }

    #[test]
    fn options_come_back_from_the_store_as_they_went_in() {
        let fetch = FetchOptions {
            headers: vec![("x-a".to_owned(), Secret::new("1"))],
            cookies: vec![cookie(), Cookie { host_only: true, secure: true, ..cookie() }],
            user_agent: Some("bot".to_owned()),
            page_timeout: Some(Duration::from_millis(1500)),
            max_retries: Some(0),
            check_robots_txt: true,
        };
        let base_url = Some(Url::parse("https://a.example/x").unwrap());
        let options = CrawlOptions { fetch, concurrency: NonZeroUsize::new(3), base_url, ..CrawlOptions::default() };
        let stored = serde_json::to_string(&options).unwrap();
        assert_eq!(serde_json::from_str::<CrawlOptions>(&stored).unwrap(), options);
    }

    #[test]
    fn values_of_headers_and_cookies_are_never_shown() {
        let headers = vec![("authorization".to_owned(), Secret::new("hidden"))];
        let fetch = FetchOptions { headers, cookies: vec![cookie()], ..FetchOptions::default() };
        let shown = format!("{fetch:?}");
        assert!(shown.contains("authorization") && shown.contains("sid") && !shown.contains("hidden"), "{shown}");
    }
}
