//! robots.txt, over real sockets.

use super::*;

const DENIED: &str = "Access denied by robots.txt";

fn polite() -> FetchOptions {
    FetchOptions { check_robots_txt: true, ..FetchOptions::default() }
}

async fn site(robots: Reply) -> TestServer {
    let robots = std::sync::Mutex::new(Some(robots));
    TestServer::start(move |seen| match seen.path.as_str() {
        "/robots.txt" => robots.lock().unwrap().take().expect("it is asked for once"),
        "/moved" => redirect(302, "/private/x"),
        _ => answer(200, &[("content-type", "text/plain")], "page"),
    })
    .await
}

#[tokio::test]
async fn what_robots_txt_forbids_is_not_asked_for_and_the_file_is_read_once() {
    let site = site(answer(200, &[], "User-agent: *\nDisallow: /private")).await;
    let fetcher = fetcher();
    assert_eq!(fetcher.fetch(request(site.url("/open"), polite())).await.unwrap().body, "page");
    for path in ["/private/x", "/moved"] {
        let error = fetcher.fetch(request(site.url(path), polite())).await.expect_err("it is forbidden");
        assert_eq!((error.reason.as_str(), error.is_transient(), error.exchange.status), (DENIED, false, Some(403)));
    }
    let asked: Vec<_> = site.seen().into_iter().map(|seen| seen.path).collect();
    assert_eq!(asked, ["/robots.txt", "/open", "/moved"]);
    assert!(fetcher.fetch(request(site.url("/private/x"), FetchOptions::default())).await.is_ok(), "nobody asked");
}

#[tokio::test]
async fn the_operator_may_ask_for_all_jobs() {
    let site = site(answer(200, &[], "User-agent: opilio\nDisallow: /")).await;
    let settings = HttpFetcherSettings { respect_robots: true, ..settings() };
    let fetcher = fetcher_with(settings, Guard::open(Allow::default()), &[]);
    let error = fetcher.fetch(request(site.url("/"), FetchOptions::default())).await.expect_err("it is forbidden");
    assert_eq!(error.reason, DENIED);
}

#[tokio::test]
async fn a_site_without_rules_allows_all_and_one_in_trouble_nothing() {
    for (reply, allowed) in [
        (answer(404, &[], ""), true),
        (answer(403, &[], ""), true),
        (answer(503, &[], ""), false),
        (redirect(301, "http://["), false),
    ] {
        let site = site(reply).await;
        let fetched = fetcher().fetch(request(site.url("/x"), polite())).await;
        assert_eq!(fetched.is_ok(), allowed);
        if let Err(error) = fetched {
            assert_eq!(error.reason, "Access denied by robots.txt: it could not be read");
        }
    }
}

#[tokio::test]
async fn the_pages_of_a_site_start_with_its_delay_between_them() {
    let site = site(answer(200, &[], "User-agent: *\nCrawl-delay: 0.3")).await;
    let fetcher = fetcher();
    let start = std::time::Instant::now();
    let pages = (0..3).map(|n| fetcher.fetch(request(site.url(&format!("/{n}")), polite())));
    let pages = futures_util::future::join_all(pages).await;
    assert!(pages.iter().all(Result::is_ok));
    assert!(start.elapsed() >= Duration::from_millis(600), "{:?}", start.elapsed());
}
