//! Requests and responses in the form that `http-cache-semantics` takes.

use std::time::{Duration, SystemTime};

use http::header::{AGE, CACHE_CONTROL, EXPIRES, IF_MODIFIED_SINCE, IF_NONE_MATCH};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use http_cache_semantics::{CacheOptions, CachePolicy};

use crate::ports::{FetchedPage, PageRequest};

/// The response headers that decide about caching.
pub const STORED_HEADERS: [&str; 7] = ["age", "cache-control", "date", "etag", "expires", "last-modified", "vary"];

/// The cache of one client: the cache key contains all request headers, so credentials are never shared.
const OPTIONS: CacheOptions = CacheOptions {
    shared: false,
    cache_heuristic: 0.0,
    immutable_min_time_to_live: Duration::ZERO,
    ignore_cargo_cult: false,
};

/// The cache policy of `page`, which was received for `request` at `received`.
pub fn policy(request: &PageRequest, page: &FetchedPage, received: SystemTime) -> CachePolicy {
    let mut response = Response::new(());
    if let Some(status) = page.exchange.status.and_then(|status| status.try_into().ok()) {
        *response.status_mut() = status;
    }
    let headers = response.headers_mut();
    for name in STORED_HEADERS {
        let value = page.exchange.headers.as_ref().and_then(|headers| headers.get(name)?.as_str());
        if let Some(value) = value.and_then(|value| HeaderValue::from_str(value).ok()) {
            headers.insert(name, value);
        }
    }
    normalize_age(headers);
    normalize_cache_control(headers);
    CachePolicy::new_options(&request_with(None, request), &response, received, OPTIONS)
}

/// Removes an invalid age and clips a huge one (RFC 9111, sections 5.1 and 1.2.2).
fn normalize_age(headers: &mut HeaderMap) {
    if let Some(age) = headers.remove(AGE)
        && let Some(age) = age.to_str().ok().and_then(|age| age.trim().parse::<u64>().ok())
    {
        headers.insert(AGE, age.min(1 << 31).into());
    }
}

/// Rewrites `Cache-Control` so that the crate applies it as follows:
/// - directive names are case-insensitive;
/// - `no-cache` forbids use without validation even if the job accepts stale pages;
/// - without an explicit lifetime, the page is fresh as long as the cache retains it (the heuristic that section 4.2.2 allows).
fn normalize_cache_control(headers: &mut HeaderMap) {
    let given = headers.get(CACHE_CONTROL).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut value = given.to_ascii_lowercase();
    let has = |directive: &str| {
        let mut names = value.split(',').map(|part| part.split('=').next().unwrap_or_default().trim());
        names.any(|name| name == directive)
    };
    let (no_cache, lifetime) = (has("no-cache"), has("max-age") || headers.contains_key(EXPIRES));
    if no_cache {
        value.push_str(", must-revalidate");
    }
    if !lifetime {
        value.push_str(", max-age=2147483648");
    }
    if let Ok(value) = HeaderValue::from_str(&value) {
        headers.insert(CACHE_CONTROL, value);
    }
}

/// The job's request without its own conditions, with one more `Cache-Control` directive. The URL is constant, because the
/// cache key identifies the page.
pub fn request_with(directive: Option<&'static str>, request: &PageRequest) -> Request<()> {
    let mut result = Request::new(());
    let headers = result.headers_mut();
    for (name, value) in &request.options.fetch.headers {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value.expose()))
            && name != IF_NONE_MATCH
            && name != IF_MODIFIED_SINCE
        {
            headers.append(name, value);
        }
    }
    if let Some(directive) = directive {
        headers.append(CACHE_CONTROL, HeaderValue::from_static(directive));
    }
    result
}
