//! robots.txt over real sockets.

use super::*;

const DENIED: &str = "Access denied by robots.txt";

fn polite() -> FetchOptions {
    FetchOptions { check_robots_txt: true, ..FetchOptions::default() }
}

async fn site(robots: Reply) -> TestServer {
    let robots = std::sync::Mutex::new(Some(robots));
    TestServer::start(move |request| match request.path.as_str() {
        "/robots.txt" => robots.lock().unwrap().take().expect("robots.txt is requested once"),
        "/moved" => redirect(302, "/private/x"),
        _ => response(200, &[("content-type", "text/plain")], "page"),
    })
    .await
}

#[tokio::test]
async fn denied_page_is_not_requested_and_robots_txt_is_cached() {
    let site = site(response(200, &[], "User-agent: *\nDisallow: /private")).await;
    let fetcher = fetcher();
    assert_eq!(fetcher.fetch(request(site.url("/open"), polite())).await.unwrap().body, "page");
    for path in ["/private/x", "/moved"] {
        let error = fetcher.fetch(request(site.url(path), polite())).await.expect_err("robots.txt denies it");
        assert_eq!((error.reason.as_str(), error.is_transient(), error.exchange.status), (DENIED, false, Some(403)));
    }
    let requests: Vec<_> = site.received().into_iter().map(|request| request.path).collect();
    assert_eq!(requests, ["/robots.txt", "/open", "/moved"]);
    assert!(
        fetcher.fetch(request(site.url("/private/x"), FetchOptions::default())).await.is_ok(),
        "robots.txt is not obeyed by default"
    );
}

#[tokio::test]
async fn operator_can_enable_robots_txt_for_all_jobs() {
    let site = site(response(200, &[], "User-agent: opilio\nDisallow: /")).await;
    let settings = HttpFetcherSettings { respect_robots: true, ..settings() };
    let fetcher = fetcher_with(settings, Guard::open(Allowlist::default()), &[]);
    let error = fetcher.fetch(request(site.url("/"), FetchOptions::default())).await.expect_err("robots.txt denies it");
    assert_eq!(error.reason, DENIED);
}

#[tokio::test]
async fn missing_robots_txt_allows_and_unavailable_denies() {
    for (reply, allowed) in [
        (response(404, &[], ""), true),
        (response(403, &[], ""), true),
        (response(503, &[], ""), false),
        (redirect(301, "http://["), false),
    ] {
        let site = site(reply).await;
        let fetched = fetcher().fetch(request(site.url("/x"), polite())).await;
        assert_eq!(fetched.is_ok(), allowed);
        if let Err(error) = fetched {
            assert_eq!(error.reason, "Access denied: robots.txt is unavailable");
        }
    }
}

#[tokio::test]
async fn crawl_delay_separates_page_starts() {
    let site = site(response(200, &[], "User-agent: *\nCrawl-delay: 0.3")).await;
    let fetcher = fetcher();
    let start = std::time::Instant::now();
    let pages = (0..3).map(|n| fetcher.fetch(request(site.url(&format!("/{n}")), polite())));
    let pages = futures_util::future::join_all(pages).await;
    assert!(pages.iter().all(Result::is_ok));
    assert!(start.elapsed() >= Duration::from_millis(600), "{:?}", start.elapsed());
}
