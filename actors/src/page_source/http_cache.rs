//! Which cached pages are used, revalidated or stored, by the rules of RFC 9111 for a private cache.

mod semantics;

use std::sync::Arc;
use std::time::SystemTime;

use http::header::{IF_MODIFIED_SINCE, IF_NONE_MATCH};
use http_cache_semantics::BeforeRequest;

use crate::domain::crawl::{CacheHit, CacheHitKind};
use crate::domain::engine::FetchEngine;
use crate::domain::secret::Secret;
use crate::ports::{CachedPage, FetchError, FetchedPage, PageCache, PageRequest};
use semantics::{STORED_HEADERS, policy, request_with};

/// The cached page for `request`, if the job reads the cache. A cached page has no certificate.
pub async fn find(cache: &dyn PageCache, request: &PageRequest) -> Option<CachedPage> {
    let is_usable = request.options.cache.read && !request.options.fetch.certificate && is_cacheable(request);
    if is_usable { cache.find(request).await } else { None }
}

/// How a cached page is used.
pub enum CacheDecision {
    /// Use it without a request.
    Use,
    /// Send this conditional request first.
    Revalidate(PageRequest),
    /// Fetch the page as if it were not cached.
    Fetch,
}

/// A stale page is revalidated. If it has no validator, it is used stale, because the job asks for cached pages, unless
/// the job or the server requires validation.
pub fn decide(request: &PageRequest, cached: &CachedPage) -> CacheDecision {
    let received = SystemTime::try_from(cached.cached_at).unwrap_or(SystemTime::UNIX_EPOCH);
    let (policy, now) = (policy(request, &cached.page, received), received + cached.age);
    let revalidate = request.options.cache.revalidate;
    let own = request_with(revalidate.then_some("no-cache"), request);
    let BeforeRequest::Stale { request: conditional, .. } = policy.before_request(&own, now) else {
        return CacheDecision::Use;
    };
    let validators = [IF_NONE_MATCH, IF_MODIFIED_SINCE].into_iter().filter_map(|name| {
        let value = conditional.headers.get(&name)?.to_str().ok()?;
        Some((name.as_str().to_owned(), Secret::new(value)))
    });
    let validators: Vec<_> = validators.collect();
    if !validators.is_empty() {
        return CacheDecision::Revalidate(with_conditions(request, validators));
    }
    match policy.before_request(&request_with(Some("max-stale"), request), now) {
        BeforeRequest::Fresh(_) if !revalidate => CacheDecision::Use,
        _ => CacheDecision::Fetch,
    }
}

/// The request with `conditions` in place of its own.
fn with_conditions(request: &PageRequest, conditions: Vec<(String, Secret)>) -> PageRequest {
    let mut options = (*request.options).clone();
    options.fetch.headers.retain(|(name, _)| IF_NONE_MATCH != **name && IF_MODIFIED_SINCE != **name);
    options.fetch.headers.extend(conditions);
    PageRequest { options: Arc::new(options), ..request.clone() }
}

/// The page to use after the server responded to a conditional request: the cached page, or the response.
pub fn after_revalidation(
    cached: CachedPage,
    response: Result<FetchedPage, FetchError>,
) -> (Result<FetchedPage, FetchError>, Option<CacheHit>) {
    let CachedPage { mut page, cached_at, .. } = cached;
    let kind = match &response {
        Ok(response) if response.exchange.status == Some(304) => {
            update_headers(&mut page, response);
            CacheHitKind::Revalidated
        }
        Ok(page) if page.exchange.status.is_none_or(|status| status < 500) => return (response, None),
        Err(error) if !error.is_transient() => return (response, None),
        _ => CacheHitKind::Fallback,
    };
    (Ok(page), Some(CacheHit { cached_at, kind }))
}

/// Takes over the headers that decide about caching (RFC 9111, section 3.2). The age is that of the new response.
fn update_headers(page: &mut FetchedPage, not_modified: &FetchedPage) {
    let headers = page.exchange.headers.get_or_insert_default();
    headers.shift_remove("age");
    for name in STORED_HEADERS {
        if let Some(value) = not_modified.exchange.headers.as_ref().and_then(|headers| headers.get(name)) {
            headers.insert(name.to_owned(), value.clone());
        }
    }
}

/// Stores a page that was fetched successfully, if the job writes to the cache and the server allows it.
pub async fn store(cache: &dyn PageCache, request: &PageRequest, page: &FetchedPage) {
    let succeeded = page.exchange.status.is_some_and(|status| (200..300).contains(&status));
    if request.options.cache.write
        && is_cacheable(request)
        && succeeded
        && policy(request, page, SystemTime::UNIX_EPOCH).is_storable()
    {
        cache.store(request, page).await;
    }
}

/// Pages of the browser are not cached: their content depends on more than the response.
fn is_cacheable(request: &PageRequest) -> bool {
    !request.url.starts_with("raw:") && request.engine == FetchEngine::Http
}

#[cfg(test)]
mod tests;
