//! Requests of browsers and through proxies: hosts, origins, CORS and response headers.

use serde_json::json;

use crate::support::TestServer;

#[actix::test]
async fn unknown_host_headers_are_rejected() {
    let server = TestServer::with_config("security: {trusted_hosts: [crawl.lan]}").await;
    let port = server.port();
    for (host, status) in [
        (format!("localhost:{port}"), 200),
        (format!("127.0.0.1:{port}"), 200),
        (format!("[::1]:{port}"), 200),
        ("crawl.lan".to_owned(), 200),
        (format!("evil.example:{port}"), 400),
        ("evil.example".to_owned(), 400),
    ] {
        for path in ["/health", "/jobs"] {
            assert_eq!(server.get_status_with_header(path, "host", &host).await, status, "{host} {path}");
        }
    }
    let exposed = TestServer::with_config("app: {host: 0.0.0.0}\nsecurity: {api_token: letmein}").await;
    assert_eq!(exposed.get_status_with_header("/health", "host", "any.example").await, 200);
}

#[actix::test]
async fn open_server_rejects_proxied_requests() {
    let (open, closed) = (TestServer::start().await, TestServer::with_config("security: {api_token: letmein}").await);
    for (name, value) in [("x-forwarded-for", "192.0.2.1"), ("forwarded", "for=192.0.2.1"), ("x-real-ip", "192.0.2.1")]
    {
        let (status, _, response) = open.request("GET", "/jobs", &[(name, value)], vec![]).await;
        let detail = response["detail"].as_str().unwrap_or_default();
        assert!(status == 403 && detail.contains("rate_limiting.trusted_proxies"), "{name}: {response}");
        assert!(detail.contains("security.api_token"), "{detail}");
        let (status, _, _) = open.request("POST", "/token", &[(name, value)], vec![]).await;
        assert_ne!(status, 200, "{name}");
        assert_eq!(open.get_status_with_header("/health", name, value).await, 200, "health is always open");
        let (status, _, _) = closed.request("GET", "/jobs", &[(name, value), ("x-api-key", "letmein")], vec![]).await;
        assert_eq!(status, 200, "{name}");
    }
    let config = "rate_limiting: {trusted_proxies: [127.0.0.1]}\nsecurity: {allow_unauthenticated: true}";
    assert_eq!(
        TestServer::with_config(config).await.get_status_with_header("/jobs", "x-forwarded-for", "192.0.2.1").await,
        200
    );
}

#[actix::test]
async fn cross_site_browser_requests_cannot_start_jobs() {
    let server = TestServer::with_config("security: {cors_allow_origins: [\"https://app.example\"]}").await;
    let body = json!({"urls": ["raw:<p>x"]}).to_string().into_bytes();
    let json = ("content-type", "application/json");
    for (headers, status) in [
        (vec![json], 202),
        (vec![json, ("sec-fetch-site", "same-origin")], 202),
        (vec![json, ("sec-fetch-site", "cross-site")], 403),
        (vec![json, ("origin", "https://evil.example")], 403),
        (vec![json, ("origin", "https://app.example"), ("sec-fetch-site", "cross-site")], 202),
        (vec![("content-type", "text/plain")], 415),
        (vec![("content-type", "application/x-www-form-urlencoded")], 415),
    ] {
        let (found, _, response) = server.request("POST", "/crawl/job", &headers, body.clone()).await;
        assert_eq!(found, status, "{headers:?}: {response}");
    }
    // As an <img> of another site would request it.
    let (status, _, _) = server.request("GET", "/llm/a.example?q=x", &[("sec-fetch-site", "cross-site")], vec![]).await;
    assert_eq!(status, 403);
}

#[actix::test]
async fn cors_headers_are_sent_to_listed_origins_only() {
    let open =
        TestServer::with_config("security: {api_token: t, cors_allow_origins: [\"https://app.example\", \"*\"]}").await;
    let closed = TestServer::start().await;
    let preflight = |method: &'static str| [("access-control-request-method", method)];
    for (server, origin, allowed) in [
        (&open, "https://app.example", Some("https://app.example")),
        (&open, "https://evil.example", None),
        (&closed, "https://app.example", None),
    ] {
        for (method, path) in [("OPTIONS", "/crawl/job"), ("GET", "/health")] {
            let mut headers = preflight("POST").to_vec();
            headers.push(("origin", origin));
            let (_, response_headers, _) = server.request(method, path, &headers, vec![]).await;
            let found = response_headers.get("access-control-allow-origin").and_then(|value| value.to_str().ok());
            assert_eq!(found, allowed, "{origin}: {method}");
        }
    }
    // An allowed origin can read error responses too.
    let (status, response_headers, _) =
        open.request("GET", "/jobs", &[("origin", "https://app.example")], vec![]).await;
    assert!(status == 401 && response_headers.contains_key("access-control-allow-origin"));
}

#[actix::test]
async fn every_response_has_the_browser_security_headers() {
    let server = TestServer::with_config("security: {api_token: t}").await;
    for (method, path, headers, status) in [
        ("GET", "/health", vec![], 200),
        ("GET", "/jobs", vec![], 401),
        ("GET", "/jobs", vec![("x-api-key", "t")], 200),
        ("GET", "/nowhere", vec![("x-api-key", "t")], 404),
        ("PUT", "/crawl/job", vec![("x-api-key", "t")], 405),
        ("POST", "/crawl/job", vec![("x-api-key", "t"), ("content-type", "text/plain")], 415),
        ("POST", "/screenshot", vec![("x-api-key", "t")], 501),
    ] {
        let (found, response_headers, _) = server.request(method, path, &headers, vec![]).await;
        assert_eq!(found, status, "{method} {path}");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(
                response_headers.get(name).and_then(|found| found.to_str().ok()),
                Some(value),
                "{method} {path}: {name}"
            );
        }
        let policy = response_headers.get("content-security-policy").and_then(|policy| policy.to_str().ok());
        assert!(policy.is_some_and(|policy| policy.starts_with("default-src 'none'")), "{method} {path}");
    }
}
