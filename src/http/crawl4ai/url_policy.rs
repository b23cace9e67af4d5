//! The URLs in a request: each is parsed and checked by the egress guard once, when the request is parsed. A host name is
//! checked again at connection time, by the addresses that it resolves to.

use serde_json::Value;
use url::Url;

use crate::egress::{Guard, InvalidUrl, Purpose};
use crate::http::field_error::InvalidValue;

/// The URL of a page, exactly as submitted: an absolute `http(s)` URL that the guard allows, or `raw:<html>`; or, in a list
/// with other URLs, an invalid one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageUrl(String);

impl PageUrl {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// An invalid URL, whose page fails.
    pub fn invalid(text: &str) -> Self {
        Self(text.to_owned())
    }

    pub fn into_string(self) -> String {
        self.0
    }

    pub fn is_raw(&self) -> bool {
        self.0.starts_with(RAW)
    }
}

const RAW: &str = "raw:";

/// Which URLs a request may name.
#[derive(Clone, Copy, Debug)]
pub struct UrlPolicy<'g> {
    guard: &'g Guard,
    /// `example.com` means `https://example.com`.
    default_scheme: bool,
}

impl<'g> UrlPolicy<'g> {
    /// Pages need a scheme.
    pub fn new(guard: &'g Guard) -> Self {
        Self { guard, default_scheme: false }
    }

    /// Pages without a scheme get `https`.
    pub fn with_default_scheme(guard: &'g Guard) -> Self {
        Self { guard, default_scheme: true }
    }

    /// A page to fetch, or `raw:<html>`.
    ///
    /// # Errors
    /// `value_error`, `url_parsing`, `url_too_long`, `url_blocked`.
    pub fn page(&self, text: &str) -> Result<PageUrl, InvalidValue> {
        match text.strip_prefix(RAW) {
            Some(html) if html.trim().is_empty() => Err(InvalidValue::value("raw: must be followed by HTML")),
            Some(_) => Ok(PageUrl(text.to_owned())),
            None => self.web_page(text),
        }
    }

    /// A page to fetch.
    ///
    /// # Errors
    /// `url_parsing`, `url_too_long`, `url_blocked`.
    pub fn web_page(&self, text: &str) -> Result<PageUrl, InvalidValue> {
        let text = match self.default_scheme && !text.is_empty() && lacks_scheme(text) {
            true => format!("https://{text}"),
            false => text.to_owned(),
        };
        self.allowed(&text, Purpose::Page).map(|_| PageUrl(text))
    }

    /// The receiver of a webhook.
    ///
    /// # Errors
    /// `url_type`, `url_parsing`, `url_too_long`, `url_blocked`.
    pub fn webhook(&self, value: &Value) -> Result<Url, InvalidValue> {
        self.allowed(string(value)?, Purpose::Webhook)
    }

    fn allowed(&self, text: &str, purpose: Purpose) -> Result<Url, InvalidValue> {
        let url = parse_web_url(text)?;
        match self.guard.check(&url, purpose) {
            Ok(_) => Ok(url),
            Err(blocked) => Err(InvalidValue::new("url_blocked", blocked.to_string())),
        }
    }
}

/// # Errors
/// `url_type`.
pub fn string(value: &Value) -> Result<&str, InvalidValue> {
    value.as_str().ok_or_else(|| InvalidValue::new("url_type", "must be a string that contains a URL"))
}

/// An absolute `http(s)` URL with a host.
///
/// # Errors
/// `url_parsing`, `url_too_long`.
pub fn parse_web_url(text: &str) -> Result<Url, InvalidValue> {
    crate::egress::parse_web_url(text).map_err(|error| {
        let kind = if matches!(error, InvalidUrl::TooLong) { "url_too_long" } else { "url_parsing" };
        InvalidValue::new(kind, error.to_string())
    })
}

/// Whether the text begins with a host name. A scheme inside a path or a query does not count.
fn lacks_scheme(text: &str) -> bool {
    let beginning = text.split(['/', '?', '#']).next().unwrap_or_default();
    let has_scheme = beginning.ends_with(':') && text[beginning.len()..].starts_with("//");
    !has_scheme && !text.starts_with(RAW)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::egress::{Allowlist, EgressPolicy};

    fn kind<T>(result: Result<T, InvalidValue>) -> Result<T, &'static str> {
        result.map_err(|error| error.kind)
    }

    #[test]
    fn blocked_and_malformed_urls_are_errors() {
        let guard = Guard::closed(EgressPolicy {
            webhooks: Allowlist::parse(["10.0.0.1"]).unwrap(),
            ..EgressPolicy::default()
        });
        let policy = UrlPolicy::new(&guard);
        for (page, expected) in [
            ("http://10.0.0.1/", Err("url_blocked")),
            ("https://example.com/", Ok("https://example.com/")),
            ("raw:http://10.0.0.1/", Ok("raw:http://10.0.0.1/")),
            ("raw: ", Err("value_error")),
            ("nothing", Err("url_parsing")),
            ("ftp://example.com/", Err("url_parsing")),
            ("http://[::1]/", Err("url_blocked")),
            ("http://2130706433/", Err("url_blocked")),
            (&format!("http://example.com/{}", "x".repeat(8192)), Err("url_too_long")),
        ] {
            let parsed = kind(policy.page(page)).map(PageUrl::into_string);
            assert_eq!(parsed, expected.map(str::to_owned), "{page}");
        }
        assert_eq!(kind(policy.webhook(&json!("http://127.0.0.1/"))), Err("url_blocked"));
        assert!(policy.webhook(&json!("http://10.0.0.1/")).is_ok(), "it is on the list for webhooks");
        let open = Guard::open(Allowlist::default());
        assert!(UrlPolicy::new(&open).page("http://10.0.0.1/").is_ok());
    }

    #[test]
    fn default_scheme_is_added_to_bare_hosts_only() {
        let guard = Guard::open(Allowlist::default());
        let policy = UrlPolicy::with_default_scheme(&guard);
        for (given, expected) in [
            ("example.com/x?u=http://b", Some("https://example.com/x?u=http://b")),
            ("http://a.example", Some("http://a.example")),
            ("raw:<p>hi", Some("raw:<p>hi")),
            ("", None),
        ] {
            let page = policy.page(given).ok();
            assert_eq!(page.as_ref().map(PageUrl::as_str), expected, "{given}");
        }
    }
}
