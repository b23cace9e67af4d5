//! Redirects, and which headers are sent to their targets.

use std::net::IpAddr;

use super::*;

#[tokio::test]
async fn redirects_of_every_kind_are_followed() {
    let server = TestServer::start(|request| match request.path.as_str() {
        "/" => redirect(301, "/2"),
        "/2" => redirect(302, "a/../3?q#new"),
        "/3?q" => redirect(303, &format!("//{}/4", request.header("host").unwrap())),
        "/4" => redirect(307, "?5"),
        "/4?5" => redirect(308, "/end"),
        "/end" => response(200, &[], format!("{} {}", request.method, request.body.len())),
        other => response(500, &[], other),
    });
    let server = server.await;
    let page = fetch(server.url("/#old")).await.unwrap();
    assert_eq!(page.exchange.status, Some(200));
    assert_eq!(page.exchange.final_url, Some(server.url("/end#new")));
    assert_eq!(page.body, "GET 0");
}

#[tokio::test]
async fn redirects_are_limited() {
    let server = TestServer::start(|request| match request.path[1..].parse::<u32>() {
        Ok(0) => response(200, &[], "end"),
        Ok(n) => redirect(302, &format!("/{}", n - 1)),
        Err(_) => redirect(302, "/loop"),
    });
    let server = server.await;
    assert_eq!(fetch(server.url("/10")).await.unwrap().body, "end");
    assert_eq!(reason(server.url("/11")).await, permanent("Too many redirects (10)"));
    let error = fetch(server.url("/loop")).await.expect_err("too many redirects");
    assert_eq!((error.exchange.status, error.exchange.final_url), (Some(302), Some(server.url("/loop"))));
}

#[tokio::test]
async fn invalid_redirect_is_permanent() {
    let server = TestServer::start(|request| match request.path.as_str() {
        "/none" => response(301, &[], ""),
        "/bad" => redirect(301, "http://["),
        "/file" => redirect(301, "file:///etc/passwd"),
        _ => response(304, &[("location", "/none")], ""),
    });
    let server = server.await;
    assert_eq!(reason(server.url("/none")).await, permanent("Redirect without a location"));
    assert_eq!(reason(server.url("/bad")).await, permanent("Redirect to an invalid URL"));
    assert_eq!(reason(server.url("/file")).await, permanent("URL blocked"));
    assert_eq!(fetch(server.url("/304")).await.unwrap().exchange.status, Some(304));
}

#[tokio::test]
async fn received_cookies_are_sent_within_one_fetch_only() {
    let server = TestServer::start(|request| match request.path.as_str() {
        "/login" => response(302, &[("location", "/in"), ("set-cookie", "sid=42; HttpOnly")], ""),
        _ => response(200, &[], request.header("cookie").unwrap_or("none")),
    });
    let (server, fetcher) = (server.await, fetcher());
    let body = async |path| fetcher.fetch(request(server.url(path), FetchOptions::default())).await.unwrap().body;
    assert_eq!(body("/login").await, "sid=42");
    assert_eq!(body("/in").await, "none");
}

#[tokio::test]
async fn redirect_to_other_origin_sends_no_credentials() {
    let other = TestServer::start_on([127, 0, 0, 2].into(), None, |_| response(200, &[], "")).await;
    let target = other.url("/landing");
    let server = TestServer::start(move |_| redirect(302, &target)).await;
    let options = FetchOptions {
        headers: vec![("Authorization".to_owned(), Secret::new("Bearer me"))],
        cookies: vec![cookie_for("127.0.0.1")],
        user_agent: Some("Job/1".to_owned()),
        ..FetchOptions::default()
    };
    fetcher().fetch(request(server.url("/"), options)).await.unwrap();
    assert_eq!(server.received()[0].header("authorization"), Some("Bearer me"));
    let received = &other.received()[0];
    assert_eq!((received.header("authorization"), received.header("cookie")), (None, None));
    assert_eq!(received.header("user-agent"), Some("Job/1"));
}

#[tokio::test]
async fn redirects_between_two_hosts_do_not_deadlock() {
    let ips: [IpAddr; 2] = [[127, 0, 0, 1].into(), [127, 0, 0, 2].into()];
    let ports = Arc::new(std::sync::Mutex::new(Vec::new()));
    let mut servers = Vec::new();
    for (own, ip) in ips.into_iter().enumerate() {
        let ports = ports.clone();
        let script = move |request: &crate::egress::testing::Received| match request.path.as_str() {
            "/go" => redirect(302, &format!("http://{}/end", ports.lock().unwrap()[1 - own])),
            _ => response(200, &[], "end"),
        };
        servers.push(TestServer::start_on(ip, None, script).await);
    }
    ports.lock().unwrap().extend(servers.iter().map(TestServer::address));
    let one_each = HttpFetcherSettings { max_pages: 2, max_pages_per_host: 1, ..settings() };
    let fetcher = fetcher_with(one_each, Guard::open(Allowlist::default()), &[]);
    let go = |server: &TestServer| fetcher.fetch(request(server.url("/go"), FetchOptions::default()));
    let (a, b) = tokio::join!(go(&servers[0]), go(&servers[1]));
    assert_eq!((a.unwrap().body, b.unwrap().body), (Bytes::from("end"), Bytes::from("end")));
}
