//! The cookies of one fetch: those of the request, and those that responses set along its redirects.

use cookie_store::CookieStore;
use http::header::SET_COOKIE;
use http::{HeaderMap, HeaderValue};
use opilio_actors::domain::crawl_options::Cookie;
use url::Url;

/// Not shared between fetches.
pub struct Cookies<'a> {
    requested: &'a [Cookie],
    received: CookieStore,
}

impl<'a> Cookies<'a> {
    pub fn new(requested: &'a [Cookie]) -> Self {
        Self { requested, received: CookieStore::new() }
    }

    /// Stores the cookies that a response of `url` sets.
    pub fn store(&mut self, url: &Url, headers: &HeaderMap) {
        for header in headers.get_all(SET_COOKIE) {
            if let Ok(text) = header.to_str() {
                // Malformed cookies and cookies for another site are ignored.
                let _ = self.received.parse(text, url);
            }
        }
    }

    /// The `Cookie` header for `url`. Received cookies replace requested ones of the same name.
    pub fn header(&self, url: &Url) -> Option<HeaderValue> {
        let received: Vec<_> = self.received.get_request_values(url).collect();
        let requested = self
            .requested
            .iter()
            .filter(|cookie| cookie.matches(url))
            .map(|cookie| (cookie.name.as_str(), cookie.value.expose()))
            .filter(|(name, _)| !received.iter().any(|(own, _)| own == name));
        let pairs: Vec<_> =
            requested.chain(received.iter().copied()).map(|(name, value)| format!("{name}={value}")).collect();
        let mut header = HeaderValue::from_bytes(pairs.join("; ").as_bytes()).ok()?;
        header.set_sensitive(true);
        (!pairs.is_empty()).then_some(header)
    }
}

#[cfg(test)]
mod tests {
    use opilio_actors::domain::secret::Secret;

    use super::*;

    #[test]
    fn received_cookies_are_sent_to_their_site_only() {
        let requested = [Cookie {
            name: "session".to_owned(),
            value: Secret::new("1"),
            domain: "example.com".to_owned(),
            host_only: false,
            path: "/".to_owned(),
            secure: false,
        }];
        let mut cookies = Cookies::new(&requested);
        let sent = |cookies: &Cookies<'_>, url: &str| {
            let header = cookies.header(&Url::parse(url).unwrap());
            header.map(|header| header.to_str().unwrap().to_owned()).unwrap_or_default()
        };
        assert_eq!(sent(&cookies, "http://example.com/login"), "session=1");
        let mut headers = HeaderMap::new();
        headers.append("set-cookie", "session=new; Path=/".parse().unwrap());
        headers.append("set-cookie", "x=2".parse().unwrap());
        headers.append("set-cookie", "foreign=3; Domain=other.example".parse().unwrap());
        cookies.store(&Url::parse("http://example.com/login").unwrap(), &headers);
        let both = sent(&cookies, "http://example.com/");
        assert!(both == "session=new; x=2" || both == "x=2; session=new", "{both}");
        assert_eq!(sent(&cookies, "http://other.example/"), "");
    }
}
