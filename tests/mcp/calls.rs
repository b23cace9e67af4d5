//! Calls over HTTP: scopes, limits and errors.

use serde_json::{Value, json};

use crate::messages::{Client, call, list};
use crate::support::TestServer;
use crate::with_principals;

#[actix::test]
async fn calls_have_the_scope_and_jobs_of_their_principal() {
    let server = with_principals("").await;
    let [ann, bob, eve] = ["ann", "bob", "eve"].map(|name| Client::of(&server, name));
    let job = ann.text("submit_crawl_job", json!({"urls": ["raw:<p>x"]})).await;
    let job = json!({"task_id": job["task_id"]});
    assert_eq!(ann.text("job_status", job.clone()).await["task_id"], job["task_id"]);
    for other in [&bob, &eve] {
        let expected = json!({"status": 404, "detail": "Task not found"});
        assert_eq!(other.error("job_status", job.clone()).await, expected);
    }
    assert_eq!(bob.error("cancel_job", job.clone()).await["status"], 404);
    let page = json!({"url": "raw:<p>x"});
    let pages = json!({"urls": ["raw:<p>x"]});
    let forbidden = [
        ("crawl", pages.clone()),
        ("md", page.clone()),
        ("html", page),
        ("llm_extract", json!({"url": "https://example.com", "q": "?"})),
        ("submit_crawl_job", pages),
        ("cancel_job", job),
    ];
    for (tool, arguments) in forbidden {
        assert_eq!(eve.error(tool, arguments).await["status"], 403, "{tool}");
    }
    assert_eq!(eve.exchange(&list()).await.1["result"]["tools"].as_array().map(Vec::len), Some(7));
    let blocked = ann.error("crawl", json!({"urls": ["http://127.0.0.1:1/"]})).await;
    assert_eq!((&blocked["status"], &blocked["detail"][0]["msg"]), (&json!(422), &json!("URL blocked")));
}

#[actix::test]
async fn mcp_calls_and_synchronous_requests_share_a_rate_limit() {
    let limit = "rate_limiting: {enabled: true, default_limit: 2/hour}";
    let server = with_principals(limit).await;
    let ann = Client::of(&server, "ann");
    for expected in [200, 200, 429] {
        let (status, response) = ann.exchange(&call("md", json!({"url": "raw:<p>x"}))).await;
        assert_eq!(status, expected, "{response}");
    }
    assert_eq!(ann.exchange(&list()).await.0, 200);
    assert_eq!(ann.post("/crawl", json!({"urls": ["raw:<p>x"]})).await.0, 429, "the same limit");
}

#[actix::test]
async fn invalid_messages_get_protocol_errors() {
    let server = TestServer::start().await;
    let client = Client::of(&server, "");
    for (body, code, id) in [
        ("{", -32700, Value::Null),
        (&"[".repeat(1000), -32700, Value::Null),
        ("[]", -32600, Value::Null),
        ("7", -32600, Value::Null),
        (r#"{"id": 7}"#, -32600, json!(7)),
        (r#"{"jsonrpc": "1.0", "id": "a", "method": "ping"}"#, -32600, json!("a")),
    ] {
        let (status, response) = client.send(body.as_bytes()).await;
        assert_eq!(
            (status, &response["error"]["code"], &response["id"]),
            (400, &json!(code), &id),
            "{body}: {response}"
        );
    }
    for (message, code) in [
        (json!({"jsonrpc": "2.0", "id": 1, "method": "nonsense"}), -32601),
        (call("nonsense", json!({})), -32602),
        (json!({"jsonrpc": "2.0", "id": 1, "method": "resources/read", "params": {"uri": "x"}}), -32601),
    ] {
        let (_, response) = client.exchange(&message).await;
        assert_eq!((&response["error"]["code"], &response["id"]), (&json!(code), &json!(1)), "{message}: {response}");
    }
    let (status, response) = client.exchange(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"})).await;
    assert_eq!((status, response), (202, Value::Null));
    for tool in ["crawl", "md", "html", "llm_extract", "submit_crawl_job", "job_status", "cancel_job"] {
        for arguments in [json!({}), json!({"urls": 7, "url": [], "task_id": {}, "offset": "x"})] {
            let error = client.error(tool, arguments).await;
            assert!(error["status"] == 422 || error["status"] == 404, "{tool}: {error}");
        }
    }
}

#[actix::test]
async fn mcp_routes_have_the_same_checks_as_others() {
    let server = TestServer::start().await;
    let json = ("content-type", "application/json");
    let accept = ("accept", "application/json, text/event-stream");
    let body = || list().to_string().into_bytes();
    for path in ["/mcp", "/mcp/messages?sessionId=x", "/mcp/sse"] {
        let method = if path == "/mcp/sse" { "GET" } else { "POST" };
        let (status, _, response) =
            server.request(method, path, &[json, accept, ("host", "evil.example")], body()).await;
        assert_eq!((status, &response["detail"]), (400, &json!("Invalid host header")), "{path}");
    }
    let (status, _, _) = server.request("POST", "/mcp", &[accept, ("content-type", "text/plain")], body()).await;
    assert_eq!(status, 415);
    let (status, _, response) = server.request("POST", "/mcp", &[json, ("accept", "text/html")], body()).await;
    assert!(status == 406 && response["detail"].as_str().is_some_and(|detail| detail.contains("accept")), "{response}");
    let (status, headers, _) = server.request("GET", "/mcp", &[accept], vec![]).await;
    assert_eq!((status, headers["allow"].as_bytes()), (405, &b"POST"[..]));
    let (status, _, _) = server.request("POST", "/mcp", &[json, accept], vec![b' '; 33 << 20]).await;
    assert_eq!(status, 413);
    // A cross-site request of a browser cannot start a job.
    let foreign = [json, accept, ("origin", "https://evil.example")];
    let crawl = call("crawl", json!({"urls": ["raw:<p>x"]})).to_string().into_bytes();
    let (_, headers, _) = server.request("POST", "/mcp", &foreign, crawl).await;
    assert_eq!(headers["content-type"], "text/event-stream");
    assert_eq!(server.get("/jobs").await.1["jobs"], json!([]));
}

#[actix::test]
async fn rate_limit_behind_a_trusted_proxy_is_per_client() {
    let listed = "rate_limiting: {enabled: true, default_limit: 1/hour, trusted_proxies: [127.0.0.0/8]}";
    let server = TestServer::with_config(&format!("{listed}\nsecurity: {{allow_unauthenticated: true}}")).await;
    let message = call("md", json!({"url": "raw:<p>x"})).to_string().into_bytes();
    let mut statuses = Vec::new();
    for client in ["192.0.2.1", "192.0.2.2", "192.0.2.1"] {
        let json = ("content-type", "application/json");
        let accept = ("accept", "application/json, text/event-stream");
        let headers = [json, accept, ("x-forwarded-for", client)];
        statuses.push(server.request("POST", "/mcp", &headers, message.clone()).await.0);
    }
    assert_eq!(statuses, [200, 200, 429]);
}

#[actix::test]
async fn result_that_is_too_large_names_the_job_to_read() {
    let server = TestServer::start().await;
    let client = Client::of(&server, "");
    let urls: Vec<_> = (0..4).map(|n| format!("raw:<h1>{n}</h1><p>{}", "word ".repeat(50_000))).collect();
    let error = client.error("crawl", json!({"urls": urls})).await;
    let detail = error["detail"].as_str().expect("a sentence");
    let id = detail.split_whitespace().find_map(|word| Some(word).filter(|word| word.starts_with("crawl_")));
    let id = id.unwrap_or_else(|| panic!("no job in {detail}"));
    let part = json!({"task_id": id, "offset": 1, "limit": 2, "fields": ["success"]});
    let part = client.text("job_status", part).await;
    assert_eq!(part["result"]["results"], json!([{"success": true}, {"success": true}]));
    let error = client.error("job_status", json!({"task_id": id})).await;
    assert!(error["detail"].as_str().is_some_and(|detail| detail.contains("too large")), "{error}");
    let long = json!({"url": format!("raw:<p>{}", "word ".repeat(200_000)), "f": "raw"});
    let error = client.error("md", long).await;
    assert!(error["detail"].as_str().is_some_and(|detail| detail.contains("submit_crawl_job")), "{error}");
}

#[actix::test]
async fn secrets_of_a_call_are_not_logged() {
    let mut server = TestServer::with_config("logging: {level: trace}").await;
    let webhook = json!({"webhook_url": "http://127.0.0.1:1/", "webhook_headers": {"X-Key": "swordfish"}});
    let job = json!({"urls": ["raw:<p>x"], "webhook_config": webhook});
    Client::of(&server, "").text("submit_crawl_job", job).await;
    server.send_sigterm();
    server.wait_for_exit().await;
    let log = server.remaining_log().await;
    assert!(log.contains("opilio") && !log.contains("swordfish"), "{log}");
}
