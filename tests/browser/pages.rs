//! What the browser reads of a page, and how pages fail in it.

use serde_json::json;

use super::site::{Response, Site, html, redirect};
use super::support::TestServer;
use super::{crawl, error, first_page, in_browser, markdown};

/// A page whose script writes its content.
pub const APP: &str = "<!DOCTYPE html><title>App</title><div id=root></div>\
    <script>document.getElementById('root').innerHTML = '<h1>Rendered</h1><a href=/next>next</a>'</script>";

#[actix::test]
async fn script_rendered_page_is_read_with_status_headers_and_url() {
    let site = Site::start(|path| match path {
        "/app" => Some(html(APP)),
        "/moved" => Some(redirect("/app")),
        _ => None,
    });
    let server = TestServer::start().await;
    let page = in_browser(&server, &site.url("/moved")).await;
    assert_eq!(markdown(&page).trim(), format!("# Rendered\n\n[next]({})", site.url("/next")), "{page}");
    assert_eq!((&page["success"], &page["status_code"]), (&json!(true), &json!(200)));
    assert_eq!((&page["engine"], &page["engine_reason"]), (&json!("browser"), &json!("requested")));
    assert_eq!(page["redirected_url"], site.url("/app"));
    assert_eq!(page["response_headers"]["content-type"], "text/html; charset=utf-8");
    let page = in_browser(&server, &site.url("/missing")).await;
    assert_eq!((error(&page), &page["status_code"]), ("HTTP 404 Not Found", &json!(404)), "{page}");
}

#[actix::test]
async fn headers_and_cookies_of_the_request_reach_only_their_site() {
    let other = Site::start_at([127, 0, 0, 2].into(), |_| Some(html("other")));
    let image = other.url("/image");
    let site = Site::start(move |path| {
        let page =
            format!("<title>x</title><p>Page</p><img src='{image}'><img src=/own><script>document.title=1</script>");
        (path != "/favicon.ico").then(|| html(page))
    });
    let server = TestServer::start().await;
    let body = json!({
        "urls": [site.url("/page")],
        "browser_config": {
            "headers": {"X-Key": "secret", "Accept-Language": "de"},
            "cookies": [{"name": "session", "value": "1", "url": site.url("/")}],
            "user_agent": "Agent/7",
        },
        "crawler_config": {"engine": "browser", "wait_for": "p"},
    });
    let page = first_page(&server, body).await;
    assert_eq!(page["success"], true, "{page}");
    let sent = |site: &Site, path: &str, name: &str| {
        let received = site.received();
        let request = received.iter().find(|request| request.path == path);
        let request = request.unwrap_or_else(|| panic!("{path}: {received:?}"));
        request.headers.get(name).cloned().unwrap_or_default()
    };
    for path in ["/page", "/own"] {
        assert_eq!(sent(&site, path, "x-key"), "secret", "{path}");
        assert_eq!(sent(&site, path, "cookie"), "session=1", "{path}");
        assert_eq!(sent(&site, path, "user-agent"), "Agent/7", "{path}");
        assert!(sent(&site, path, "accept-language").starts_with("de"), "{path}");
    }
    for name in ["x-key", "cookie"] {
        assert_eq!(sent(&other, "/image", name), "");
    }
}

#[actix::test]
async fn pages_share_no_state() {
    let remember = "<p id=o></p><script>
        o.textContent = [document.cookie, localStorage.x, window.name, history.length].join('|');
        document.cookie = 'x=1'; localStorage.x = 1; window.name = 'n'; history.pushState({}, '', '/elsewhere')</script>";
    let site = Site::start(move |_| Some(html(remember)));
    let server = TestServer::start().await;
    for _ in 0..2 {
        let page = in_browser(&server, &site.url("/")).await;
        assert_eq!(markdown(&page).trim(), "|||2", "{page}");
    }
}

#[actix::test]
async fn documents_other_than_html_are_returned_as_over_http() {
    let site = Site::start(|path| {
        let typed = |kind: &str, body: &str| Response(200, vec![("content-type", kind.to_owned())], body.to_owned());
        match path {
            "/json" => Some(typed("application/json", "{\"a\": [1]}")),
            "/text" => Some(typed("text/plain", "plain <b>text</b>")),
            "/image" => Some(typed("image/svg+xml", "<svg xmlns='http://www.w3.org/2000/svg'/>")),
            "/pdf" => Some(typed("application/pdf", "%PDF-1.4")),
            "/empty" => Some(Response(204, vec![], String::new())),
            "/error" => Some(Response(500, vec![], String::new())),
            "/file" => {
                let headers = vec![
                    ("content-type", "application/octet-stream".to_owned()),
                    ("content-disposition", "attachment; filename=\"x.bin\"".to_owned()),
                ];
                Some(Response(200, headers, "x".repeat(1000)))
            }
            _ => None,
        }
    });
    let server = TestServer::start().await;
    for (path, text) in [("/json", "{\"a\": [1]}"), ("/text", "plain <b>text</b>")] {
        let page = in_browser(&server, &site.url(path)).await;
        assert_eq!((&page["html"], &page["success"]), (&json!(text), &json!(true)), "{page}");
    }
    let page = in_browser(&server, &site.url("/file")).await;
    assert_eq!(error(&page), "The URL is a file download (x.bin)", "{page}");
    for (path, kind) in [("/pdf", "application/pdf"), ("/image", "image/svg+xml")] {
        let (browser, http) = (
            in_browser(&server, &site.url(path)).await,
            crawl(&server, &site.url(path), json!({"engine": "http"})).await,
        );
        assert_eq!((error(&browser), &browser["html"]), (error(&http), &http["html"]), "{kind}");
    }
    let page = in_browser(&server, &site.url("/error")).await;
    assert_eq!((error(&page), &page["status_code"]), ("HTTP 500 Internal Server Error", &json!(500)), "{page}");
    let page = in_browser(&server, &site.url("/empty")).await;
    assert_eq!(page["status_code"], 204, "{page}");
}

#[actix::test]
async fn failures_are_worded_as_over_http() {
    let site = Site::start(|path| match path {
        "/loop" => Some(redirect("/loop")),
        _ => None,
    });
    let server = TestServer::start().await;
    let closed = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = closed.local_addr().expect("bound").port();
    drop(closed);
    for url in [site.url("/loop"), format!("http://127.0.0.1:{port}/"), "http://missing.invalid/".to_owned()] {
        let (browser, http) = (in_browser(&server, &url).await, crawl(&server, &url, json!({"engine": "http"})).await);
        assert_eq!(error(&browser), error(&http), "{url}");
        assert_ne!(error(&http), "", "{url}");
    }
    let config = json!({"engine": "browser", "page_timeout": 1500});
    let page = crawl(&server, &site.url("/hang"), config).await;
    assert_eq!(error(&page), "Connection timeout after 1500ms", "{page}");
}

#[actix::test]
async fn hostile_pages_do_not_affect_the_next_page() {
    let site = Site::start(|path| {
        Some(html(match path {
            "/spin" => "<p>x</p><script>while (true) {}</script>".to_owned(),
            "/spin-later" => "<p>x</p><script>setTimeout(() => { while (true) {} }, 20)</script>".to_owned(),
            "/alerts" => "<script>for (;;) alert(1)</script>".to_owned(),
            "/navigate" => "<script>location = '/navigate?' + Math.random()</script>".to_owned(),
            "/popups" => "<p>Opener</p><script>for (let i = 0; i < 50; i++) window.open('/fine')</script>".to_owned(),
            "/frames" => format!("<p>Frames</p>{}", "<iframe src=/fine></iframe>".repeat(400)),
            "/deep" => format!("<p>Deep</p>{}", "<div>".repeat(50_000)),
            "/crash" => "<script>const a = []; for (;;) a.push(new Uint8Array(8 << 20).fill(1))</script>".to_owned(),
            _ => "<p>Fine</p>".to_owned(),
        }))
    });
    let config = "browser: {page_memory: 300000000}";
    let server = TestServer::with_config(config).await;
    for (path, expected) in [
        ("/spin", "Connection timeout"),
        ("/spin-later", "Connection timeout"),
        ("/alerts", "The page opened more than 20 dialogs"),
        ("/navigate", "The page navigated more than 20 times"),
        ("/popups", ""),
        ("/frames", ""),
        ("/deep", ""),
        ("/crash", "The page crashed"),
    ] {
        let timeout = if path.starts_with("/spin") { 4000 } else { 60_000 };
        let config = json!({"engine": "browser", "page_timeout": timeout});
        let page = crawl(&server, &site.url(path), config).await;
        assert!(error(&page).starts_with(expected), "{path}: {}", error(&page));
        assert_eq!(page["success"], expected.is_empty(), "{path}: {page}");
        let next = in_browser(&server, &site.url("/fine")).await;
        assert_eq!(markdown(&next).trim(), "Fine", "after {path}: {next}");
    }
}

#[actix::test]
async fn dialogs_are_answered_and_condition_is_waited_for() {
    let site = Site::start(|path| {
        Some(html(match path {
            "/dialogs" => {
                "<p id=o></p><script>alert('a'); o.textContent = [confirm('b'), prompt('c')].join()</script>".to_owned()
            }
            "/late" => {
                "<p>Early</p><script>setTimeout(() => document.body.innerHTML += '<b class=late>Late</b>', 900)</script>"
                    .to_owned()
            }
            _ => "<p>Never</p>".to_owned(),
        }))
    });
    let server = TestServer::start().await;
    let page = in_browser(&server, &site.url("/dialogs")).await;
    assert_eq!(markdown(&page).trim(), "false,", "{page}");
    let config = json!({"engine": "browser", "wait_for": "css:.late"});
    let page = crawl(&server, &site.url("/late"), config).await;
    assert!(markdown(&page).contains("Late"), "{page}");
    let config = json!({"engine": "browser", "wait_for": ".late", "page_timeout": 2000});
    let page = crawl(&server, &site.url("/never"), config).await;
    assert_eq!(error(&page), "`wait_for` is not met within 2s: no element matches .late", "{page}");
}
