//! The cookies of one fetch: those the caller gave, and those that the hops of a redirect set.

use cookie_store::CookieStore;
use http::header::SET_COOKIE;
use http::{HeaderMap, HeaderValue};
use opilio_actors::domain::crawl_options::Cookie;
use url::Url;

/// Lives as long as one fetch; nothing is carried from one page to the next.
pub struct Cookies<'a> {
    given: &'a [Cookie],
    learned: CookieStore,
}

impl<'a> Cookies<'a> {
    pub fn new(given: &'a [Cookie]) -> Self {
        Self { given, learned: CookieStore::new() }
    }

    /// Takes what an answer of `url` sets.
    pub fn learn(&mut self, url: &Url, headers: &HeaderMap) {
        for header in headers.get_all(SET_COOKIE) {
            if let Ok(text) = header.to_str() {
                // What is malformed, or for another site, is left out.
                let _ = self.learned.parse(text, url);
            }
        }
    }

    /// The `Cookie` header for `url`. A cookie set on the way replaces a given one of the same name.
    pub fn header(&self, url: &Url) -> Option<HeaderValue> {
        let learned: Vec<_> = self.learned.get_request_values(url).collect();
        let given = self
            .given
            .iter()
            .filter(|cookie| cookie.matches(url))
            .map(|cookie| (cookie.name.as_str(), cookie.value.expose()))
            .filter(|(name, _)| !learned.iter().any(|(own, _)| own == name));
        let pairs: Vec<_> =
            given.chain(learned.iter().copied()).map(|(name, value)| format!("{name}={value}")).collect();
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
    fn cookies_set_on_the_way_go_back_to_who_set_them_and_to_nobody_else() {
        let given = [Cookie {
            name: "session".to_owned(),
            value: Secret::new("1"),
            domain: "example.com".to_owned(),
            host_only: false,
            path: "/".to_owned(),
            secure: false,
        }];
        let mut cookies = Cookies::new(&given);
        let sent = |cookies: &Cookies<'_>, url: &str| {
            let header = cookies.header(&Url::parse(url).unwrap());
            header.map(|header| header.to_str().unwrap().to_owned()).unwrap_or_default()
        };
        assert_eq!(sent(&cookies, "http://example.com/login"), "session=1");
        let mut headers = HeaderMap::new();
        headers.append("set-cookie", "session=new; Path=/".parse().unwrap());
        headers.append("set-cookie", "x=2".parse().unwrap());
        headers.append("set-cookie", "foreign=3; Domain=other.example".parse().unwrap());
        cookies.learn(&Url::parse("http://example.com/login").unwrap(), &headers);
        let both = sent(&cookies, "http://example.com/");
        assert!(both == "session=new; x=2" || both == "x=2; session=new", "{both}");
        assert_eq!(sent(&cookies, "http://other.example/"), "");
    }
}
