//! The cookies of one fetch: those of the request, and those that responses set along its redirects.

use std::cmp::Reverse;

use cookie_store::{CookieStore, StoreAction};
use http::header::SET_COOKIE;
use http::{HeaderMap, HeaderValue};
use opilio_actors::domain::crawl_options::Cookie;
use url::Url;

/// Not shared between fetches.
pub struct Cookies<'a> {
    requested: &'a [Cookie],
    received: CookieStore,
    /// The received cookies in the order in which they were first set.
    order: Vec<CookieId>,
}

/// What identifies a received cookie (RFC 6265, section 5.3).
#[derive(PartialEq, Eq)]
struct CookieId {
    domain: String,
    path: String,
    name: String,
}

impl CookieId {
    fn of(cookie: &cookie_store::Cookie<'_>) -> Self {
        let (domain, path) = (String::from(&cookie.domain), String::from(&cookie.path));
        Self { domain, path, name: cookie.name().to_owned() }
    }
}

impl<'a> Cookies<'a> {
    pub fn new(requested: &'a [Cookie]) -> Self {
        Self { requested, received: CookieStore::new(), order: Vec::new() }
    }

    /// Stores the cookies that a response of `url` sets. Malformed cookies and cookies for another site are ignored.
    pub fn store(&mut self, url: &Url, headers: &HeaderMap) {
        for text in headers.get_all(SET_COOKIE).iter().filter_map(|header| header.to_str().ok()) {
            let Ok(cookie) = cookie_store::Cookie::parse(text, url) else { continue };
            let id = CookieId::of(&cookie);
            match self.received.insert(cookie.into_owned(), url) {
                Ok(StoreAction::ExpiredExisting) => self.order.retain(|known| *known != id),
                Ok(_) if !self.order.contains(&id) => self.order.push(id),
                _ => {}
            }
        }
    }

    /// The `Cookie` header for `url`: the longest path first, then in the order in which they were set. Received cookies
    /// replace requested ones of the same name.
    pub fn header(&self, url: &Url) -> Option<HeaderValue> {
        let position = |cookie: &cookie_store::Cookie<'_>| {
            let id = CookieId::of(cookie);
            self.order.iter().position(|known| *known == id)
        };
        let mut received = self.received.matches(url);
        received.sort_by_cached_key(|cookie| position(cookie));
        let requested = self.requested.iter().filter(|cookie| cookie.matches(url));
        let requested = requested.filter(|cookie| received.iter().all(|own| own.name() != cookie.name));
        let requested = requested.map(|cookie| (cookie.path.len(), cookie.name.as_str(), cookie.value.expose()));
        let received = received.iter().map(|cookie| (cookie.path.len(), cookie.name(), cookie.value()));
        let mut cookies: Vec<_> = requested.chain(received).collect();
        cookies.sort_by_key(|(path, ..)| Reverse(*path));
        let pairs: Vec<_> = cookies.into_iter().map(|(_, name, value)| format!("{name}={value}")).collect();
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
        assert_eq!(sent(&cookies, "http://example.com/"), "session=new; x=2");
        assert_eq!(sent(&cookies, "http://other.example/"), "");
    }

    #[test]
    fn cookies_are_ordered_by_path_length_then_age() {
        let url = Url::parse("http://example.com/x/y/z").unwrap();
        let requested = [Cookie {
            name: "own".to_owned(),
            value: Secret::new("0"),
            domain: "example.com".to_owned(),
            host_only: false,
            path: "/x".to_owned(),
            secure: false,
        }];
        let mut cookies = Cookies::new(&requested);
        let mut set = |text: &str| {
            let headers = HeaderMap::from_iter([(SET_COOKIE, text.parse().unwrap())]);
            cookies.store(&url, &headers);
            cookies.header(&url).unwrap().to_str().unwrap().to_owned()
        };
        for text in ["c=1; Path=/", "b=2; Path=/x/y", "a=3; Path=/", "c=4; Path=/x/y", "d=5; Path=/", "c=6; Path=/"] {
            set(text);
        }
        assert_eq!(set("e=7; Path=/x"), "b=2; c=4; own=0; e=7; c=6; a=3; d=5");
        set("c=; Path=/; Max-Age=0");
        assert_eq!(set("c=8; Path=/"), "b=2; c=4; own=0; e=7; a=3; d=5; c=8");
    }
}
