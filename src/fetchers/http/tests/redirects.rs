//! Where redirects lead, and what travels along.

use std::net::IpAddr;

use super::*;

#[tokio::test]
async fn redirects_of_every_kind_are_followed_to_the_end() {
    let server = TestServer::start(|seen| match seen.path.as_str() {
        "/" => redirect(301, "/2"),
        "/2" => redirect(302, "a/../3?q#new"),
        "/3?q" => redirect(303, &format!("//{}/4", seen.header("host").unwrap())),
        "/4" => redirect(307, "?5"),
        "/4?5" => redirect(308, "/end"),
        "/end" => answer(200, &[], format!("{} {}", seen.method, seen.body.len())),
        other => answer(500, &[], other),
    });
    let server = server.await;
    let page = fetch(server.url("/#old")).await.unwrap();
    assert_eq!(page.exchange.status, Some(200));
    assert_eq!(page.exchange.final_url, Some(server.url("/end#new")));
    assert_eq!(page.body, "GET 0");
}

#[tokio::test]
async fn ten_redirects_are_followed_and_not_eleven() {
    let server = TestServer::start(|seen| match seen.path[1..].parse::<u32>() {
        Ok(0) => answer(200, &[], "end"),
        Ok(n) => redirect(302, &format!("/{}", n - 1)),
        Err(_) => redirect(302, "/loop"),
    });
    let server = server.await;
    assert_eq!(fetch(server.url("/10")).await.unwrap().body, "end");
    assert_eq!(reason(server.url("/11")).await, lasting("Too many redirects (10)"));
    let error = fetch(server.url("/loop")).await.expect_err("no end");
    assert_eq!((error.exchange.status, error.exchange.final_url), (Some(302), Some(server.url("/loop"))));
}

#[tokio::test]
async fn a_redirect_that_leads_nowhere_is_a_lasting_failure() {
    let server = TestServer::start(|seen| match seen.path.as_str() {
        "/none" => answer(301, &[], ""),
        "/bad" => redirect(301, "http://["),
        "/file" => redirect(301, "file:///etc/passwd"),
        _ => answer(304, &[("location", "/none")], ""),
    });
    let server = server.await;
    assert_eq!(reason(server.url("/none")).await, lasting("Redirect without a location"));
    assert_eq!(reason(server.url("/bad")).await, lasting("Redirect to an address that is none"));
    assert_eq!(reason(server.url("/file")).await, lasting("URL blocked"));
    assert_eq!(fetch(server.url("/304")).await.unwrap().exchange.status, Some(304));
}

#[tokio::test]
async fn cookies_set_by_a_hop_are_sent_to_the_next_and_forgotten_after() {
    let server = TestServer::start(|seen| match seen.path.as_str() {
        "/login" => answer(302, &[("location", "/in"), ("set-cookie", "sid=42; HttpOnly")], ""),
        _ => answer(200, &[], seen.header("cookie").unwrap_or("none")),
    });
    let (server, fetcher) = (server.await, fetcher());
    let body = async |path| fetcher.fetch(request(server.url(path), FetchOptions::default())).await.unwrap().body;
    assert_eq!(body("/login").await, "sid=42");
    assert_eq!(body("/in").await, "none");
}

#[tokio::test]
async fn credentials_stay_behind_when_a_redirect_leads_to_another_origin() {
    let other = TestServer::start_on([127, 0, 0, 2].into(), None, |_| answer(200, &[], "")).await;
    let target = other.url("/landing");
    let server = TestServer::start(move |_| redirect(302, &target)).await;
    let options = FetchOptions {
        headers: vec![("Authorization".to_owned(), Secret::new("Bearer me"))],
        cookies: vec![cookie_for("127.0.0.1")],
        user_agent: Some("Job/1".to_owned()),
        ..FetchOptions::default()
    };
    fetcher().fetch(request(server.url("/"), options)).await.unwrap();
    assert_eq!(server.seen()[0].header("authorization"), Some("Bearer me"));
    let there = &other.seen()[0];
    assert_eq!((there.header("authorization"), there.header("cookie")), (None, None));
    assert_eq!(there.header("user-agent"), Some("Job/1"));
}

#[tokio::test]
async fn two_pages_that_redirect_to_each_others_host_do_not_wait_for_each_other() {
    let ips: [IpAddr; 2] = [[127, 0, 0, 1].into(), [127, 0, 0, 2].into()];
    let ports = Arc::new(std::sync::Mutex::new(Vec::new()));
    let mut servers = Vec::new();
    for (own, ip) in ips.into_iter().enumerate() {
        let ports = ports.clone();
        let script = move |seen: &crate::egress::testing::Seen| match seen.path.as_str() {
            "/go" => redirect(302, &format!("http://{}/end", ports.lock().unwrap()[1 - own])),
            _ => answer(200, &[], "end"),
        };
        servers.push(TestServer::start_on(ip, None, script).await);
    }
    ports.lock().unwrap().extend(servers.iter().map(TestServer::address));
    let one_each = HttpFetcherSettings { max_pages: 2, max_pages_per_host: 1, ..settings() };
    let fetcher = fetcher_with(one_each, Guard::open(Allow::default()), &[]);
    let go = |server: &TestServer| fetcher.fetch(request(server.url("/go"), FetchOptions::default()));
    let (a, b) = tokio::join!(go(&servers[0]), go(&servers[1]));
    assert_eq!((a.unwrap().body, b.unwrap().body), (Bytes::from("end"), Bytes::from("end")));
}
