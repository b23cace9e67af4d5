//! The real server never connects to an internal address: in any notation, as a page, a redirect or a webhook. The tests run
//! in a network namespace that records every connection.

#[path = "egress/environment.rs"]
mod environment;
#[path = "egress/listener.rs"]
mod listener;
#[path = "egress/names.rs"]
mod names;
mod namespaces;
#[path = "egress/spellings.rs"]
mod spellings;
mod support;

use environment::{PUBLIC, isolated};
use futures_util::stream::{self, StreamExt};
use listener::redirect;
use serde_json::{Value, json};
use support::TestServer;

/// Other machines can reach the server, so requests may not name internal addresses.
const CLOSED: &str = "app: {host: 0.0.0.0}\nsecurity: {allow_unauthenticated: true}\n";

/// Errors of URLs that are blocked or invalid.
const ERRORS: [&str; 3] = ["URL blocked", "Redirect to an invalid URL", "Input should be a valid URL"];

async fn closed_server() -> TestServer {
    TestServer::with_config(CLOSED).await
}

async fn submit(server: &TestServer, body: Value) -> Result<String, Value> {
    let (status, answer) = server.post("/crawl/job", body).await;
    match status {
        202 => Ok(answer["task_id"].as_str().expect("an id").to_owned()),
        422 => Err(answer),
        _ => panic!("{status}: {answer}"),
    }
}

/// Awaits all, 16 at a time.
async fn concurrently<T>(items: impl IntoIterator<Item = impl Future<Output = T>>) -> Vec<T> {
    stream::iter(items).buffered(16).collect().await
}

async fn settled(server: &TestServer, id: &str) -> Value {
    server.get_until(&format!("/crawl/job/{id}"), |status| status["status"] != "processing").await
}

/// The job after its delivery has ended.
async fn delivered(server: &TestServer, id: &str) -> Value {
    let is_final = |state: &Value| !["waiting", "pending"].contains(&state.as_str().expect("a state"));
    server.get_until(&format!("/crawl/job/{id}"), |status| is_final(&status["webhook"]["state"])).await
}

fn is_blocked(text: &Value) -> bool {
    let text = text.as_str().unwrap_or_default();
    ERRORS.iter().any(|error| text.starts_with(error))
}

/// Crawls the pages; all must fail without revealing the reason.
async fn assert_blocked(server: &TestServer, urls: Vec<String>, config: Value) {
    let id = submit(server, json!({"urls": urls, "crawler_config": config})).await.expect("admitted");
    let status = settled(server, &id).await;
    let results = status["results"].as_array().expect("a list");
    assert_eq!(results.len(), urls.len());
    for (url, result) in urls.iter().zip(results) {
        assert!(is_blocked(&result["error_message"]), "{url}: {}", result["error_message"]);
    }
}

fn page(path: &str) -> String {
    format!("http://public.example{path}")
}

async fn crawl_public_site(server: &TestServer) {
    let id = submit(server, json!({"urls": [page("/"), "http://public6.example/"]})).await.expect("admitted");
    let status = settled(server, &id).await;
    assert_eq!(status["progress"]["done"], 2, "{status}");
}

#[test]
fn there_are_more_than_300_notations() {
    assert!(spellings::all().len() > 300, "{}", spellings::all().len());
}

#[test]
fn pages_never_reach_internal_addresses() {
    isolated("pages_never_reach_internal_addresses", async |listener| {
        let mut server = closed_server().await;
        crawl_public_site(&server).await;
        let urls: Vec<_> = spellings::all().into_iter().collect();
        let responses = concurrently(urls.iter().map(|url| submit(&server, json!({"urls": [url]})))).await;
        let mut admitted = 0;
        for (url, response) in urls.iter().zip(responses) {
            match response {
                Err(error) => assert!(is_blocked(&error["detail"][0]["msg"]), "{url:?}: {error}"),
                Ok(id) => {
                    admitted += 1;
                    let status = settled(&server, &id).await;
                    assert_eq!(
                        (&status["status"], &status["error"]),
                        (&json!("failed"), &json!("URL blocked")),
                        "{url:?}"
                    );
                }
            }
        }
        assert!(admitted > 30, "names are resolved after admission");
        let (status, answer) = server.post("/crawl", json!({"urls": ["http://0x7f.1/"]})).await;
        assert_eq!((status, &answer["detail"][0]["msg"]), (422, &json!("URL blocked")));
        let (status, answer) = server.post("/md", json!({"url": "http://[::1]/"})).await;
        assert!(status == 400 && is_blocked(&answer["detail"]), "{status} {answer}");
        // The log contains the reason.
        while !server.next_log_line().await.contains("127.0.0.1 is not a public address") {}
        listener.assert_only(&PUBLIC);
    });
}

async fn assert_redirects_blocked(server: TestServer, config: Value) {
    crawl_public_site(&server).await;
    let targets = spellings::redirect_targets();
    for status in [301, 302, 303, 307, 308] {
        let urls = targets.iter().map(|target| page(&redirect(status, target))).collect();
        assert_blocked(&server, urls, config.clone()).await;
    }
    // Two hops.
    let hop = redirect(302, &page(&redirect(307, "http://127.0.0.1/")));
    assert_blocked(&server, vec![page(&hop)], config).await;
}

#[test]
fn redirects_never_reach_internal_addresses() {
    isolated("redirects_never_reach_internal_addresses", async |listener| {
        assert_redirects_blocked(closed_server().await, json!({})).await;
        listener.assert_only(&PUBLIC);
    });
}

#[test]
fn open_server_redirects_never_reach_internal_addresses() {
    isolated("open_server_redirects_never_reach_internal_addresses", async |listener| {
        assert_redirects_blocked(TestServer::start().await, json!({"check_robots_txt": true})).await;
        listener.assert_only(&PUBLIC);
    });
}

#[test]
fn webhooks_never_reach_internal_addresses() {
    isolated("webhooks_never_reach_internal_addresses", async |listener| {
        let server = closed_server().await;
        crawl_public_site(&server).await;
        let hook = |url: &str| json!({"urls": ["raw:<p>x</p>"], "webhook_config": {"webhook_url": url}});
        let urls = spellings::all();
        for answer in concurrently(urls.iter().map(|url| submit(&server, hook(url)))).await {
            match answer {
                Err(answer) => assert!(is_blocked(&answer["detail"][0]["msg"]), "{answer}"),
                Ok(id) => {
                    assert_eq!(delivered(&server, &id).await["webhook"]["state"], "refused");
                    let (_, log) = server.get(&format!("/jobs/{id}/deliveries")).await;
                    assert!(log.to_string().contains("URL blocked"), "{log}");
                }
            }
        }
        listener.assert_only(&PUBLIC);
    });
}

async fn assert_webhook_redirects_blocked(server: TestServer, status: u16) {
    let targets = spellings::redirect_targets();
    let hooks: Vec<_> = targets.iter().map(|target| page(&redirect(status, target))).collect();
    let body = |url: &String| json!({"urls": ["raw:<p>x</p>"], "webhook_config": {"webhook_url": url}});
    for id in concurrently(hooks.iter().map(|url| submit(&server, body(url)))).await {
        let id = id.expect("admitted");
        let status = delivered(&server, &id).await;
        assert_eq!(status["webhook"]["state"], "refused", "{status}");
    }
}

#[test]
fn webhook_redirects_never_reach_internal_addresses() {
    isolated("webhook_redirects_never_reach_internal_addresses", async |listener| {
        assert_webhook_redirects_blocked(closed_server().await, 307).await;
        assert_webhook_redirects_blocked(TestServer::start().await, 308).await;
        // These are not followed.
        for status in [301, 302, 303] {
            assert_webhook_redirects_blocked(closed_server().await, status).await;
        }
        listener.assert_only(&PUBLIC);
    });
}

#[test]
fn rebinding_names_never_reach_internal_addresses() {
    isolated("rebinding_names_never_reach_internal_addresses", async |listener| {
        let server = closed_server().await;
        crawl_public_site(&server).await;
        let names = spellings::rebinding();
        // The server closes each connection, so each page needs a lookup.
        let pages = names.iter().flat_map(|name| (0..12).map(move |page| format!("{name}{page}")));
        let body = json!({"urls": pages.collect::<Vec<_>>(), "crawler_config": {"check_robots_txt": true}});
        let id = submit(&server, body).await.expect("names are resolved after admission");
        let results = settled(&server, &id).await["results"].clone();
        for result in results.as_array().expect("a list") {
            assert!(result["success"] == true || is_blocked(&result["error_message"]), "{}", result["error_message"]);
        }
        let hops = names.iter().map(|name| page(&redirect(302, name))).cycle().take(72);
        let id = submit(&server, json!({"urls": hops.collect::<Vec<_>>()})).await.expect("admitted");
        let hops = settled(&server, &id).await["results"].clone();
        let (reached, blocked): (Vec<_>, Vec<_>) = [results, hops]
            .iter()
            .flat_map(|all| all.as_array().cloned().expect("a list"))
            .partition(|r| r["success"] == true);
        assert!(!reached.is_empty() && !blocked.is_empty(), "{} and {}", reached.len(), blocked.len());
        let hook = |url: &String| json!({"urls": ["raw:<p>x</p>"], "webhook_config": {"webhook_url": url}});
        for id in concurrently(names.iter().cycle().take(36).map(|url| submit(&server, hook(url)))).await {
            let status = delivered(&server, &id.expect("names are resolved after admission")).await;
            assert!(
                ["delivered", "refused"].contains(&status["webhook"]["state"].as_str().expect("a state")),
                "{status}"
            );
        }
        listener.assert_only(&PUBLIC);
    });
}

#[test]
fn denied_ports_are_blocked_except_on_loopback() {
    isolated("denied_ports_are_blocked_except_on_loopback", async |listener| {
        let server = closed_server().await;
        for port in [25, 6379] {
            let answer = submit(&server, json!({"urls": [format!("http://public.example:{port}/")]})).await;
            assert!(answer.is_err_and(|answer| is_blocked(&answer["detail"][0]["msg"])));
        }
        assert_blocked(&server, vec![page(&redirect(302, "http://public.example:6379/"))], json!({})).await;
        assert!(listener.destinations().iter().all(|to| to.port() == 80));
        let server = TestServer::with_config("egress: {ports: {allow: [8080, 80-81], deny: [81]}}").await;
        for (port, is_allowed) in [(8080, true), (80, true), (81, false), (443, false)] {
            let answer = submit(&server, json!({"urls": [format!("http://public.example:{port}/")]})).await;
            assert_eq!(answer.is_ok(), is_allowed, "{port}");
        }
        let server = TestServer::start().await;
        let id = submit(&server, json!({"urls": ["http://127.0.0.1:6379/"]})).await.expect("admitted");
        assert_eq!(settled(&server, &id).await["status"], "completed");
        assert!(submit(&server, json!({"urls": ["http://10.0.0.1:6379/"]})).await.is_err());
    });
}

/// Proves that the listener receives connections to internal addresses.
#[test]
fn allowlisted_addresses_are_reached_and_no_others() {
    isolated("allowlisted_addresses_are_reached_and_no_others", async |listener| {
        let lists = "egress: {allow: [10.0.0.0/8, 7f000001.at.example, \"fc00::/7\"], allow_webhooks: [192.168.1.1]}";
        let server = TestServer::with_config(&format!("{CLOSED}{lists}")).await;
        let allowed = ["http://10.0.0.1/", "http://7f000001.at.example/", "http://[fc00::1]/", "http://0xa000002/"];
        let id = submit(&server, json!({"urls": allowed})).await.expect("admitted");
        assert_eq!(settled(&server, &id).await["progress"]["done"], 4);
        let hook = json!({"urls": ["raw:<p>x</p>"], "webhook_config": {"webhook_url": "http://192.168.1.1/hook"}});
        let id = submit(&server, hook).await.expect("admitted");
        assert_eq!(delivered(&server, &id).await["webhook"]["state"], "delivered");
        listener.assert_only(&["10.0.0.1", "10.0.0.2", "127.0.0.1", "fc00::1", "192.168.1.1"]);
        for blocked in ["http://192.168.1.1/", "http://11.0.0.1.at.example:25/", "http://127.0.0.2/"] {
            assert!(submit(&server, json!({"urls": [blocked]})).await.is_err(), "{blocked}");
        }
        let server = TestServer::start().await;
        let internal = ["http://127.0.0.3/", "http://169.254.169.254/", "http://intranet/"];
        let id = submit(&server, json!({"urls": internal})).await.expect("admitted");
        assert_eq!(settled(&server, &id).await["progress"]["done"], 3, "an open server");
    });
}

#[test]
fn model_may_be_internal_unless_a_list_excludes_it() {
    isolated("model_may_be_internal_unless_a_list_excludes_it", async |listener| {
        let job = json!({"url": page("/"), "q": "What is it?", "provider": "own/model"});
        let model = "jobs: {max_wait: 0s}\nllm: {retry: {tries: 1}, families: {own: {base_url: \"http://0a000001.at.example/v1\"}}}\n";
        for (list, is_reached) in [("egress: {allow_llm: [192.168.0.0/16]}", false), ("", true)] {
            let server = TestServer::with_config(&format!("{CLOSED}{model}{list}")).await;
            let (_, answer) = server.post("/llm/job", job.clone()).await;
            let status = settled(&server, answer["task_id"].as_str().expect("an id")).await;
            assert_eq!(status["status"], "failed", "the response is a page: {status}");
            let destinations = listener.destinations();
            assert_eq!(destinations.iter().any(|to| to.ip().to_string() == "10.0.0.1"), is_reached, "{status}");
        }
        let server = TestServer::with_config(&format!("{CLOSED}{model}")).await;
        for url in ["http://127.0.0.1/", "http://①②⑦.1/"] {
            let (status, answer) = server.post("/llm/job", json!({"url": url, "q": "?"})).await;
            assert_eq!((status, &answer["detail"][0]["msg"]), (422, &json!("URL blocked")));
        }
    });
}
