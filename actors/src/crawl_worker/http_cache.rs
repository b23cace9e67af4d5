//! Pages that were fetched earlier: when one of them will do, when it is asked about first, and which are kept.

use std::sync::Arc;
use std::time::Duration;

use jiff::fmt::rfc2822::DateTimeParser;

use crate::domain::crawl::{Kept, KeptBy};
use crate::domain::secret::Secret;
use crate::ports::{CachedPage, FetchError, FetchedPage, PageCache, PageRequest};

/// The page kept for the request, if the job takes one.
pub async fn find(cache: &dyn PageCache, request: &PageRequest) -> Option<CachedPage> {
    if !request.options.cache.read || !is_web(request) { None } else { cache.find(request).await }
}

/// What becomes of a kept page.
pub enum Next {
    /// It is used.
    Take,
    /// Its server is asked first whether it has changed.
    Ask(PageRequest),
    /// It is fetched as if none were kept.
    Fetch,
}

/// A job may ask for a check, a server for one always (`no-cache`) or after a time (RFC 9111, section 4). Where there is
/// nothing to ask by, a page whose time is over is taken all the same: the job asked for pages fetched earlier.
pub fn next(request: &PageRequest, kept: &CachedPage) -> Next {
    let control = cache_control(&kept.page);
    let must_ask = request.options.cache.check || control.iter().any(|(name, _)| name == "no-cache");
    if !must_ask && fresh_for(&kept.page, &control).is_none_or(|time| kept.age < time) {
        return Next::Take;
    }
    match if_changed(request, kept) {
        Some(question) => Next::Ask(question),
        None if must_ask => Next::Fetch,
        None => Next::Take,
    }
}

/// How long the server says that its page holds from when it came, if it says so.
fn fresh_for(page: &FetchedPage, control: &[(String, String)]) -> Option<Duration> {
    let seconds = |text: &str| text.trim_matches('"').parse().ok().map(Duration::from_secs);
    let stated = match control.iter().find(|(name, _)| name == "max-age") {
        Some((_, age)) => Some(seconds(age).unwrap_or_default()),
        None => header(page, "expires").map(|expires| {
            let moment = |text: &str| DateTimeParser::new().parse_timestamp(text).ok();
            let date = header(page, "date").and_then(moment);
            // A moment that cannot be read has passed (RFC 9111, section 5.3).
            let time = moment(expires).zip(date).map(|(expires, date)| expires.duration_since(date));
            time.and_then(|time| Duration::try_from(time).ok()).unwrap_or_default()
        }),
    };
    let on_its_way = header(page, "age").and_then(seconds).unwrap_or_default();
    stated.map(|time| time.saturating_sub(on_its_way))
}

/// The same request, for a page that differs from the one that is kept. `None`: the server gave nothing to ask by.
fn if_changed(request: &PageRequest, kept: &CachedPage) -> Option<PageRequest> {
    let by = [("if-none-match", "etag"), ("if-modified-since", "last-modified")];
    let by = by.into_iter().filter_map(|(name, from)| Some((name.to_owned(), Secret::new(header(&kept.page, from)?))));
    let by: Vec<_> = by.collect();
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
    kept: CachedPage,
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
    cache_control(page).iter().any(|(name, _)| name == "no-store")
}

/// The directives of `Cache-Control`, names in lower case.
fn cache_control(page: &FetchedPage) -> Vec<(String, String)> {
    let directives = header(page, "cache-control").unwrap_or_default().split(',');
    let directives = directives.map(|directive| directive.split_once('=').unwrap_or((directive, "")));
    directives.map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim().to_owned())).collect()
}

fn header<'a>(page: &'a FetchedPage, name: &str) -> Option<&'a str> {
    page.exchange.headers.as_ref()?.get(name)?.as_str()
}

fn is_web(request: &PageRequest) -> bool {
    !request.url.starts_with("raw:")
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use async_trait::async_trait;
    use bytes::Bytes;
    use jiff::Timestamp;
    use serde_json::json;

    use super::*;
    use crate::domain::crawl::Exchange;
    use crate::domain::crawl_options::{CacheUse, CrawlOptions, FetchOptions};
    use crate::domain::id::Principal;
    use crate::domain::queue_key::QueueKey;

    #[derive(Default)]
    struct Noted(Mutex<usize>);

    #[async_trait]
    impl PageCache for Noted {
        async fn find(&self, _: &PageRequest) -> Option<CachedPage> {
            Some(kept())
        }

        async fn keep(&self, _: &PageRequest, _: &FetchedPage) {
            *self.0.lock().expect("no panic") += 1;
        }
    }

    fn page(status: u16, header: (&str, &str)) -> FetchedPage {
        let headers = [(header.0.to_owned(), json!(header.1))].into_iter().collect();
        let exchange = Exchange { status: Some(status), headers: Some(headers), final_url: None };
        FetchedPage { exchange, body: Bytes::new(), content_type: None, retry_after: None }
    }

    fn kept() -> CachedPage {
        CachedPage { page: page(200, ("etag", "\"a\"")), at: Timestamp::UNIX_EPOCH, age: Duration::from_secs(60) }
    }

    fn request(url: &str, read: bool, write: bool) -> PageRequest {
        let fetch = FetchOptions {
            headers: vec![("if-none-match".to_owned(), Secret::new("\"mine\""))],
            ..FetchOptions::default()
        };
        let cache = CacheUse { read, write, check: true };
        PageRequest {
            url: url.to_owned(),
            options: Arc::new(CrawlOptions { fetch, cache, ..CrawlOptions::default() }),
            queue: QueueKey::batch(Principal::anonymous()),
        }
    }

    #[tokio::test]
    async fn only_what_job_and_server_allow_is_kept_and_found() {
        const WEB: &str = "http://a.example/";
        for (request, page, is_kept) in [
            (request(WEB, false, true), page(200, ("x", "y")), 1),
            (request(WEB, true, false), page(200, ("x", "y")), 0),
            (request("raw:<p>", true, true), page(200, ("x", "y")), 0),
            (request(WEB, true, true), page(200, ("cache-control", "private, No-Store")), 0),
            (request(WEB, true, true), page(404, ("x", "y")), 0),
            (request(WEB, true, true), page(206, ("x", "y")), 0),
        ] {
            let cache = Noted::default();
            keep(&cache, &request, &page).await;
            assert_eq!(*cache.0.lock().expect("no panic"), is_kept, "{request:?} {page:?}");
            let reads = request.options.cache.read && request.url == WEB;
            assert_eq!(find(&cache, &request).await.is_some(), reads, "{request:?}");
        }
    }

    #[test]
    fn a_server_is_asked_by_what_it_said_of_the_page() {
        let question = if_changed(&request("http://a.example/", true, true), &kept()).expect("there is an etag");
        let headers: Vec<_> = question.options.fetch.headers.iter().map(|(name, by)| (&**name, by.expose())).collect();
        assert_eq!(headers, [("if-none-match", "\"a\"")]);
        let silent = CachedPage { page: page(200, ("x", "y")), ..kept() };
        assert!(if_changed(&request("http://a.example/", true, true), &silent).is_none());
    }

    #[test]
    fn a_kept_page_is_taken_asked_about_or_fetched_as_job_and_server_say() {
        const TAG: (&str, &str) = ("etag", "\"a\"");
        const DATES: [(&str, &str); 2] =
            [("date", "Tue, 21 Oct 2025 10:00:00 GMT"), ("expires", "Tue, 21 Oct 2025 10:01:00 GMT")];
        let control = |control: &'static str| ("cache-control", control);
        // The page is sixty seconds old.
        for (check, headers, expected) in [
            (false, vec![TAG], "take"),
            (true, vec![TAG], "ask"),
            (true, vec![], "fetch"),
            (false, vec![TAG, control("no-cache")], "ask"),
            (false, vec![control("private, No-Cache")], "fetch"),
            (false, vec![TAG, control("max-age=61")], "take"),
            (false, vec![TAG, control("max-age=60, must-revalidate")], "ask"),
            (false, vec![TAG, control("max-age=61"), ("age", "1")], "ask"),
            (false, vec![TAG, control("max-age=61"), DATES[0], DATES[1]], "take"),
            (false, vec![TAG, DATES[0], DATES[1]], "ask"),
            (false, vec![TAG, DATES[0], ("expires", "0")], "ask"),
            (false, vec![control("max-age=0")], "take"),
        ] {
            let mut kept = kept();
            let pairs = headers.iter().map(|(name, value)| ((*name).to_owned(), json!(value)));
            kept.page.exchange.headers = Some(pairs.collect());
            let mut asked = request("http://a.example/", true, true);
            Arc::make_mut(&mut asked.options).cache.check = check;
            let found = match next(&asked, &kept) {
                Next::Take => "take",
                Next::Ask(_) => "ask",
                Next::Fetch => "fetch",
            };
            assert_eq!(found, expected, "{check} {headers:?}");
        }
    }

    #[test]
    fn the_kept_page_goes_on_where_nothing_newer_came() {
        for (asked, by) in [
            (Ok(page(304, ("x", "y"))), Some(KeptBy::Unchanged)),
            (Ok(page(503, ("x", "y"))), Some(KeptBy::Unanswered)),
            (Err(FetchError::transient("Connection refused")), Some(KeptBy::Unanswered)),
            (Err(FetchError::lasting("URL blocked")), None),
            (Ok(page(200, ("x", "y"))), None),
            (Ok(page(404, ("x", "y"))), None),
        ] {
            let (_, used) = or_kept(kept(), asked);
            assert_eq!(used.map(|kept| kept.by), by);
        }
    }
}
