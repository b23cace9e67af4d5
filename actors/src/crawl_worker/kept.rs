//! Pages that were fetched earlier: when one of them will do, when it is asked about first, and which are kept.

use std::sync::Arc;

use serde_json::Value;

use crate::domain::crawl::{Kept, KeptBy};
use crate::domain::secret::Secret;
use crate::ports::{FetchError, FetchedPage, KeptPage, PageCache, PageRequest};

/// The page kept for the request, if the job takes one.
pub async fn find(cache: &dyn PageCache, request: &PageRequest) -> Option<KeptPage> {
    if !request.options.cache.read || !is_web(request) { None } else { cache.find(request).await }
}

/// The same request, for a page that differs from the one that is kept. `None`: the server gave nothing to ask by.
pub fn if_changed(request: &PageRequest, kept: &KeptPage) -> Option<PageRequest> {
    let header = |name: &str| kept.page.exchange.headers.as_ref()?.get(name)?.as_str().map(str::to_owned);
    let by = [("if-none-match", header("etag")), ("if-modified-since", header("last-modified"))];
    let by: Vec<_> = by.into_iter().filter_map(|(name, value)| Some((name.to_owned(), Secret::new(value?)))).collect();
    if by.is_empty() {
        return None;
    }
    let mut options = (*request.options).clone();
    options.fetch.headers.retain(|(name, _)| by.iter().all(|(own, _)| own != name));
    options.fetch.headers.extend(by);
    Some(PageRequest { options: Arc::new(options), ..request.clone() })
}

/// What to go on with, after the server was asked whether a kept page has changed: that page, or what came instead.
pub fn or_kept(
    kept: KeptPage,
    asked: Result<FetchedPage, FetchError>,
) -> (Result<FetchedPage, FetchError>, Option<Kept>) {
    let by = match &asked {
        Ok(page) if page.exchange.status == Some(304) => KeptBy::Unchanged,
        Ok(page) if page.exchange.status.is_none_or(|status| status < 500) => return (asked, None),
        Err(error) if !error.transient => return (asked, None),
        _ => KeptBy::Unanswered,
    };
    (Ok(kept.page), Some(Kept { at: kept.at, by }))
}

/// Keeps a page that was fetched, if the job lets it be kept and its server does too.
pub async fn keep(cache: &dyn PageCache, request: &PageRequest, page: &FetchedPage) {
    let succeeded = page.exchange.status.is_some_and(|status| (200..300).contains(&status) && status != 206);
    if request.options.cache.write && is_web(request) && succeeded && !forbids(page) {
        cache.keep(request, page).await;
    }
}

/// `Cache-Control: no-store` (RFC 9111, section 5.2.2.5).
fn forbids(page: &FetchedPage) -> bool {
    let control = page.exchange.headers.as_ref().and_then(|headers| headers.get("cache-control"));
    let directives = control.and_then(Value::as_str).unwrap_or_default().split(',');
    directives.into_iter().any(|directive| directive.trim().eq_ignore_ascii_case("no-store"))
}

fn is_web(request: &PageRequest) -> bool {
    !request.url.starts_with("raw:")
}
