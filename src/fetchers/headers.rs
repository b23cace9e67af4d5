//! Request headers of a page, and response headers in its result.

use http::header::{ACCEPT, ACCEPT_LANGUAGE, COOKIE, HeaderName, HeaderValue, USER_AGENT};
use http::{HeaderMap, header};
use opilio_actors::domain::crawl_options::FetchOptions;
use serde_json::{Map, Value};
use url::Url;

use crate::egress::is_same_origin;

/// An invalid request header. Does not contain its value.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("Invalid header {0:?}")]
pub struct InvalidHeader(pub String);

/// Headers of the job that contain no credentials, so they are also sent to other origins.
const WITHOUT_CREDENTIALS: [HeaderName; 8] = [
    ACCEPT,
    header::ACCEPT_ENCODING,
    ACCEPT_LANGUAGE,
    header::CACHE_CONTROL,
    header::DNT,
    header::PRAGMA,
    header::UPGRADE_INSECURE_REQUESTS,
    USER_AGENT,
];

/// The request headers of one fetch, for all of its redirects.
pub struct RequestHeaders {
    first: Url,
    defaults: HeaderMap,
    job: HeaderMap,
}

impl RequestHeaders {
    /// `first`: the URL of the page. `operator`: headers of the configuration.
    pub fn new(
        first: &Url,
        user_agent: &str,
        operator: &[(String, String)],
        options: &FetchOptions,
    ) -> Result<Self, InvalidHeader> {
        let mut defaults = HeaderMap::new();
        defaults.insert(
            ACCEPT,
            HeaderValue::from_static("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
        );
        defaults.insert(ACCEPT_LANGUAGE, HeaderValue::from_static("en-US,en;q=0.9"));
        put(&mut defaults, USER_AGENT.as_str(), user_agent)?;
        for (name, value) in operator {
            put(&mut defaults, name, value)?;
        }
        let mut job = HeaderMap::new();
        for (name, value) in &options.headers {
            put(&mut job, name, value.expose())?;
        }
        if let Some(user_agent) = &options.user_agent {
            put(&mut job, USER_AGENT.as_str(), user_agent)?;
        }
        Ok(Self { first: first.clone(), defaults, job })
    }

    /// The headers for `url`. Those of the job replace the defaults; other origins get only those without credentials.
    pub fn for_url(&self, url: &Url, cookie: Option<HeaderValue>) -> HeaderMap {
        let mut headers = self.defaults.clone();
        let same_origin = is_same_origin(&self.first, url);
        for (name, value) in &self.job {
            if same_origin || WITHOUT_CREDENTIALS.contains(name) {
                headers.insert(name, value.clone());
            }
        }
        if let Some(cookie) = cookie {
            headers.insert(COOKIE, cookie);
        }
        headers
    }
}

fn put(headers: &mut HeaderMap, name: &str, value: &str) -> Result<(), InvalidHeader> {
    let invalid = || InvalidHeader(name.chars().take(60).collect());
    let parsed = HeaderName::from_bytes(name.as_bytes()).map_err(|_| invalid())?;
    let mut value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| invalid())?;
    value.set_sensitive(true);
    headers.insert(parsed, value);
    Ok(())
}

/// Headers by lower-case name. Repeated headers are joined by `, `.
pub fn to_json(headers: &HeaderMap) -> Map<String, Value> {
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

    fn headers(first: &str) -> RequestHeaders {
        let pairs = [("Authorization", "me"), ("X-Api-Key", "key"), ("accept-language", "de")];
        let options = FetchOptions {
            headers: pairs.map(|(name, value)| (name.to_owned(), Secret::new(value))).to_vec(),
            user_agent: Some("Caller/1".to_owned()),
            ..FetchOptions::default()
        };
        let operator =
            [("From".to_owned(), "bot@example.org".to_owned()), ("User-Agent".to_owned(), "Op/1".to_owned())];
        RequestHeaders::new(&Url::parse(first).unwrap(), "Default/1", &operator, &options).unwrap()
    }

    fn sent(first: &str, url: &str) -> Vec<String> {
        let headers = headers(first).for_url(&Url::parse(url).unwrap(), None);
        ["authorization", "x-api-key", "accept-language", "user-agent", "from"]
            .into_iter()
            .filter_map(|name| headers.get(name).map(|value| value.to_str().unwrap().to_owned()))
            .collect()
    }

    #[test]
    fn job_headers_replace_operator_headers_case_insensitively() {
        assert_eq!(sent("http://a.example/", "http://a.example/x"), ["me", "key", "de", "Caller/1", "bot@example.org"]);
        assert_eq!(sent("http://a.example/", "https://a.example/")[0], "me", "an upgrade to https");
    }

    #[test]
    fn credentials_are_not_sent_to_other_origins() {
        assert_eq!(sent("http://a.example/", "http://b.example/"), ["de", "Caller/1", "bot@example.org"]);
        assert_eq!(sent("https://a.example/", "http://a.example/").len(), 3, "a downgrade to http");
    }

    #[test]
    fn invalid_header_error_does_not_contain_its_value() {
        for (name, value) in [("bad name", "x"), ("", "x"), ("x", "a\r\nb")] {
            let options =
                FetchOptions { headers: vec![(name.to_owned(), Secret::new(value))], ..FetchOptions::default() };
            let error = RequestHeaders::new(&Url::parse("http://x/").unwrap(), "A", &[], &options).err();
            assert_eq!(error, Some(InvalidHeader(name.to_owned())));
        }
    }

    #[test]
    fn repeated_response_headers_are_joined() {
        let mut headers = HeaderMap::new();
        headers.append("Set-Cookie", "a=1".parse().unwrap());
        headers.append("Set-Cookie", "b=2".parse().unwrap());
        headers.append("X-Latin", HeaderValue::from_bytes(b"caf\xe9").unwrap());
        let json = to_json(&headers);
        assert_eq!(json["set-cookie"], "a=1, b=2");
        assert_eq!(json["x-latin"], "caf\u{fffd}");
    }
}
