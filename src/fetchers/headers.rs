//! The headers of a page's request, from the operator and the caller, and those of its answer as clients read them.

use http::header::{ACCEPT, ACCEPT_LANGUAGE, COOKIE, HeaderName, HeaderValue, USER_AGENT};
use http::{HeaderMap, header};
use opilio_actors::domain::crawl_options::FetchOptions;
use serde_json::{Map, Value};
use url::Url;

use crate::egress::is_same_origin;

/// A header that cannot be sent. Its value is not shown.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("Header {0:?} cannot be sent")]
pub struct BadHeader(pub String);

/// Headers of the caller that say nothing about who he is, and so go with him wherever a redirect leads.
const HARMLESS: [HeaderName; 8] = [
    ACCEPT,
    header::ACCEPT_ENCODING,
    ACCEPT_LANGUAGE,
    header::CACHE_CONTROL,
    header::DNT,
    header::PRAGMA,
    header::UPGRADE_INSECURE_REQUESTS,
    USER_AGENT,
];

/// The headers of all hops of one fetch.
pub struct RequestHeaders {
    home: Url,
    operators: HeaderMap,
    callers: HeaderMap,
}

impl RequestHeaders {
    /// `home` is the address that the caller named.
    pub fn new(
        home: &Url,
        user_agent: &str,
        operators: &[(String, String)],
        caller: &FetchOptions,
    ) -> Result<Self, BadHeader> {
        let mut own = HeaderMap::new();
        own.insert(ACCEPT, HeaderValue::from_static("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"));
        own.insert(ACCEPT_LANGUAGE, HeaderValue::from_static("en-US,en;q=0.9"));
        put(&mut own, USER_AGENT.as_str(), user_agent)?;
        for (name, value) in operators {
            put(&mut own, name, value)?;
        }
        let mut callers = HeaderMap::new();
        for (name, value) in &caller.headers {
            put(&mut callers, name, value.expose())?;
        }
        if let Some(user_agent) = &caller.user_agent {
            put(&mut callers, USER_AGENT.as_str(), user_agent)?;
        }
        Ok(Self { home: home.clone(), operators: own, callers })
    }

    /// What is sent to `url`. The caller's replace the operator's; away from home only the harmless ones are sent.
    pub fn to(&self, url: &Url, cookie: Option<HeaderValue>) -> HeaderMap {
        let mut headers = self.operators.clone();
        let is_home = is_same_origin(&self.home, url);
        for (name, value) in &self.callers {
            if is_home || HARMLESS.contains(name) {
                headers.insert(name, value.clone());
            }
        }
        if let Some(cookie) = cookie {
            headers.insert(COOKIE, cookie);
        }
        headers
    }
}

fn put(headers: &mut HeaderMap, name: &str, value: &str) -> Result<(), BadHeader> {
    let bad = || BadHeader(name.chars().take(60).collect());
    let parsed = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad())?;
    let mut value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| bad())?;
    value.set_sensitive(true);
    headers.insert(parsed, value);
    Ok(())
}

/// Lower-case names, each once: values of a name that came several times are joined by `, `.
pub fn shown(headers: &HeaderMap) -> Map<String, Value> {
    let mut map = Map::new();
    for name in headers.keys() {
        let values: Vec<_> =
            headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
        map.insert(name.as_str().to_owned(), Value::String(values.join(", ")));
    }
    map
}

#[cfg(test)]
mod tests {
    use opilio_actors::domain::secret::Secret;

    use super::*;

    fn headers(home: &str) -> RequestHeaders {
        let pairs = [("Authorization", "me"), ("X-Api-Key", "key"), ("accept-language", "de")];
        let caller = FetchOptions {
            headers: pairs.map(|(name, value)| (name.to_owned(), Secret::new(value))).to_vec(),
            user_agent: Some("Caller/1".to_owned()),
            ..FetchOptions::default()
        };
        let operators =
            [("From".to_owned(), "bot@example.org".to_owned()), ("User-Agent".to_owned(), "Op/1".to_owned())];
        RequestHeaders::new(&Url::parse(home).unwrap(), "Default/1", &operators, &caller).unwrap()
    }

    fn sent(home: &str, url: &str) -> Vec<String> {
        let headers = headers(home).to(&Url::parse(url).unwrap(), None);
        ["authorization", "x-api-key", "accept-language", "user-agent", "from"]
            .into_iter()
            .filter_map(|name| headers.get(name).map(|value| value.to_str().unwrap().to_owned()))
            .collect()
    }

    #[test]
    fn the_callers_headers_replace_the_operators_whatever_their_case() {
        assert_eq!(sent("http://a.example/", "http://a.example/x"), ["me", "key", "de", "Caller/1", "bot@example.org"]);
        assert_eq!(sent("http://a.example/", "https://a.example/")[0], "me", "the same host, by then encrypted");
    }

    #[test]
    fn what_may_be_a_credential_is_not_carried_to_another_origin() {
        assert_eq!(sent("http://a.example/", "http://b.example/"), ["de", "Caller/1", "bot@example.org"]);
        assert_eq!(sent("https://a.example/", "http://a.example/").len(), 3, "nor in the clear");
    }

    #[test]
    fn a_header_that_cannot_be_sent_is_named_without_its_value() {
        for (name, value) in [("bad name", "x"), ("", "x"), ("x", "a\r\nb")] {
            let options =
                FetchOptions { headers: vec![(name.to_owned(), Secret::new(value))], ..FetchOptions::default() };
            let refused = RequestHeaders::new(&Url::parse("http://x/").unwrap(), "A", &[], &options).err();
            assert_eq!(refused, Some(BadHeader(name.to_owned())));
        }
    }

    #[test]
    fn an_answers_headers_are_joined_by_name() {
        let mut headers = HeaderMap::new();
        headers.append("Set-Cookie", "a=1".parse().unwrap());
        headers.append("Set-Cookie", "b=2".parse().unwrap());
        headers.append("X-Latin", HeaderValue::from_bytes(b"caf\xe9").unwrap());
        let shown = shown(&headers);
        assert_eq!(shown["set-cookie"], "a=1, b=2");
        assert_eq!(shown["x-latin"], "caf\u{fffd}");
    }
}
