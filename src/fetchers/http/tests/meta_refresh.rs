//! Meta refreshes that count as redirects.

use super::*;

fn refresh(target: &str) -> Reply {
    let page = format!("<meta http-equiv=refresh content='0; url={target}'><p>moved");
    response(200, &[("content-type", "text/html")], page)
}

#[tokio::test]
async fn meta_refresh_of_an_empty_page_is_followed() {
    let server = TestServer::start(|request| match request.path.as_str() {
        "/" => redirect(302, "/a/b"),
        "/a/b" => refresh("c"),
        "/a/c" => response(200, &[], "end"),
        "/full" => response(200, &[], "<meta http-equiv=refresh content='0; url=/'><h1>Title</h1><p>Text"),
        "/slow" => response(200, &[], "<meta http-equiv=refresh content='6; url=/'>"),
        "/text" => response(200, &[("content-type", "text/plain")], "<meta http-equiv=refresh content='0; url=/'>"),
        "/missing" => response(404, &[], "<meta http-equiv=refresh content='0; url=/'>"),
        other => response(500, &[], other),
    });
    let server = server.await;
    let page = fetch(server.url("/#top")).await.unwrap();
    assert_eq!((page.body, page.exchange.final_url), ("end".into(), Some(server.url("/a/c#top"))));
    for path in ["/full", "/slow", "/text", "/missing"] {
        assert_eq!(fetch(server.url(path)).await.unwrap().exchange.final_url, Some(server.url(path)), "{path}");
    }
}

#[tokio::test]
async fn meta_refreshes_are_limited_and_checked_like_redirects() {
    let server = TestServer::start(|request| match request.path.as_str() {
        "/loop" => refresh("/back"),
        "/back" => redirect(302, "/loop"),
        "/mail" => refresh("mailto:a@a.example"),
        "/long" => refresh(&format!("/{}", "x".repeat(8200))),
        other => response(500, &[], other),
    });
    let server = server.await;
    assert_eq!(reason(server.url("/loop")).await, permanent("Too many redirects (10)"));
    assert_eq!(reason(server.url("/long")).await, permanent("Redirect to a URL longer than 8192 bytes"));
    assert!(fetch(server.url("/mail")).await.is_ok());
    let outside = TestServer::start_on([127, 0, 0, 2].into(), None, |_| refresh("http://127.0.0.1:1/")).await;
    let closed = fetcher_with(settings(), Guard::closed(Allowlist::parse(["127.0.0.2"]).unwrap()), &[]);
    let fetched = closed.fetch(request(outside.url("/"), FetchOptions::default())).await;
    let error = fetched.expect_err("the target is internal");
    assert_eq!(error.reason, "URL blocked");
}

#[tokio::test]
async fn cookies_of_the_page_are_sent_to_the_target_of_its_refresh() {
    let server = TestServer::start(|request| match request.path.as_str() {
        "/" => {
            let page = "<meta http-equiv=refresh content='0; url=/in'>";
            response(200, &[("set-cookie", "sid=42"), ("content-type", "text/html")], page)
        }
        _ => response(200, &[], request.header("cookie").unwrap_or("none")),
    });
    assert_eq!(fetch(server.await.url("/")).await.unwrap().body, "sid=42");
}
