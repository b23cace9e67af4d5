//! Nothing gets out to where it may not: internal addresses in every spelling, as pages, as redirects and as webhooks, given
//! to the real binary in a network of the test's own, in which whoever is dialled is heard.

#[path = "egress/world.rs"]
mod environment;
#[path = "egress/listener.rs"]
mod listener;
#[path = "egress/names.rs"]
mod names;
mod namespaces;
#[path = "egress/spellings.rs"]
mod spellings;
mod support;

use environment::{PUBLIC, alone};
use futures_util::stream::{self, StreamExt};
use listener::redirect;
use serde_json::{Value, json};
use support::TestServer;

/// Other machines may reach it, so callers may name no internal address.
const CLOSED: &str = "app: {host: 0.0.0.0}\nsecurity: {allow_unauthenticated: true}\n";

/// What a caller hears of an address that is refused, or is none.
const REFUSALS: [&str; 3] = ["URL blocked", "Redirect to an invalid URL", "Input should be a valid URL"];

async fn closed() -> TestServer {
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

/// All of them, several at a time.
async fn each<T>(items: impl IntoIterator<Item = impl Future<Output = T>>) -> Vec<T> {
    stream::iter(items).buffered(16).collect().await
}

async fn until(server: &TestServer, id: &str, done: impl Fn(&Value) -> bool) -> Value {
    loop {
        let (_, status) = server.get(&format!("/crawl/job/{id}")).await;
        if done(&status) {
            return status;
        }
    }
}

async fn ended(server: &TestServer, id: &str) -> Value {
    until(server, id, |status| status["status"] != "processing").await
}

async fn next_webhook(server: &TestServer, id: &str) -> Value {
    until(server, id, |status| !["waiting", "pending"].contains(&status["webhook"]["state"].as_str().expect("a state")))
        .await
}

fn is_refusal(text: &Value) -> bool {
    let text = text.as_str().unwrap_or_default();
    REFUSALS.iter().any(|refusal| text.starts_with(refusal))
}

/// Each of these pages fails, and says no more than it may.
async fn all_refused(server: &TestServer, urls: Vec<String>, config: Value) {
    let id = submit(server, json!({"urls": urls, "crawler_config": config})).await.expect("it is admitted");
    let status = ended(server, &id).await;
    let results = status["results"].as_array().expect("a list");
    assert_eq!(results.len(), urls.len());
    for (url, result) in urls.iter().zip(results) {
        assert!(is_refusal(&result["error_message"]), "{url}: {}", result["error_message"]);
    }
}

fn page(path: &str) -> String {
    format!("http://public.example{path}")
}

async fn reach_the_site(server: &TestServer) {
    let id = submit(server, json!({"urls": [page("/"), "http://public6.example/"]})).await.expect("it is admitted");
    let status = ended(server, &id).await;
    assert_eq!(status["progress"]["done"], 2, "{status}");
}

#[test]
fn there_are_more_than_three_hundred_spellings() {
    assert!(spellings::all().len() > 300, "{}", spellings::all().len());
}

#[test]
fn no_page_is_fetched_from_an_internal_address_however_it_is_written() {
    alone("no_page_is_fetched_from_an_internal_address_however_it_is_written", async |listener| {
        let mut server = closed().await;
        reach_the_site(&server).await;
        let urls: Vec<_> = spellings::all().into_iter().collect();
        let answers = each(urls.iter().map(|url| submit(&server, json!({"urls": [url]})))).await;
        let mut admitted = 0;
        for (url, answer) in urls.iter().zip(answers) {
            match answer {
                Err(answer) => assert!(is_refusal(&answer["detail"][0]["msg"]), "{url:?}: {answer}"),
                Ok(id) => {
                    admitted += 1;
                    let status = ended(&server, &id).await;
                    assert_eq!(
                        (&status["status"], &status["error"]),
                        (&json!("failed"), &json!("URL blocked")),
                        "{url:?}"
                    );
                }
            }
        }
        assert!(admitted > 30, "names are looked up later");
        for (path, body) in [("/crawl", json!({"urls": ["http://0x7f.1/"]})), ("/md", json!({"url": "http://[::1]/"}))]
        {
            let (status, answer) = server.post(path, body).await;
            assert_eq!((status, &answer["detail"][0]["msg"]), (422, &json!("URL blocked")), "{path}");
        }
        // The reason is the operator's to know.
        while !server.next_log_line().await.contains("127.0.0.1 is not a public address") {}
        listener.heard_only(&PUBLIC);
    });
}

async fn no_redirect_leads_inside(server: TestServer, config: Value) {
    reach_the_site(&server).await;
    let targets = spellings::of_redirects();
    for status in [301, 302, 303, 307, 308] {
        let urls = targets.iter().map(|target| page(&redirect(status, target))).collect();
        all_refused(&server, urls, config.clone()).await;
    }
    // A second hop is no better than the first.
    let hop = redirect(302, &page(&redirect(307, "http://127.0.0.1/")));
    all_refused(&server, vec![page(&hop)], config).await;
}

#[test]
fn no_redirect_leads_to_an_internal_address() {
    alone("no_redirect_leads_to_an_internal_address", async |listener| {
        no_redirect_leads_inside(closed().await, json!({})).await;
        listener.heard_only(&PUBLIC);
    });
}

#[test]
fn no_redirect_of_a_public_page_leads_inside_even_where_callers_may_name_internal_addresses() {
    alone(
        "no_redirect_of_a_public_page_leads_inside_even_where_callers_may_name_internal_addresses",
        async |listener| {
            no_redirect_leads_inside(TestServer::start().await, json!({"check_robots_txt": true})).await;
            listener.heard_only(&PUBLIC);
        },
    );
}

#[test]
fn no_webhook_goes_to_an_internal_address() {
    alone("no_webhook_goes_to_an_internal_address", async |listener| {
        let server = closed().await;
        reach_the_site(&server).await;
        let hook = |url: &str| json!({"urls": ["raw:<p>x</p>"], "webhook_config": {"webhook_url": url}});
        let urls = spellings::all();
        for answer in each(urls.iter().map(|url| submit(&server, hook(url)))).await {
            match answer {
                Err(answer) => assert!(is_refusal(&answer["detail"][0]["msg"]), "{answer}"),
                Ok(id) => {
                    assert_eq!(next_webhook(&server, &id).await["webhook"]["state"], "refused");
                    let (_, log) = server.get(&format!("/jobs/{id}/deliveries")).await;
                    assert!(log.to_string().contains("URL blocked"), "{log}");
                }
            }
        }
        listener.heard_only(&PUBLIC);
    });
}

async fn no_hop_leads_inside(server: TestServer, status: u16) {
    let targets = spellings::of_redirects();
    let hooks: Vec<_> = targets.iter().map(|target| page(&redirect(status, target))).collect();
    let body = |url: &String| json!({"urls": ["raw:<p>x</p>"], "webhook_config": {"webhook_url": url}});
    for id in each(hooks.iter().map(|url| submit(&server, body(url)))).await {
        let id = id.expect("a public address is admitted");
        let status = next_webhook(&server, &id).await;
        assert_eq!(status["webhook"]["state"], "refused", "{status}");
    }
}

#[test]
fn no_hop_of_a_webhook_leads_to_an_internal_address() {
    alone("no_hop_of_a_webhook_leads_to_an_internal_address", async |listener| {
        no_hop_leads_inside(closed().await, 307).await;
        no_hop_leads_inside(TestServer::start().await, 308).await;
        // These are not followed at all.
        for status in [301, 302, 303] {
            no_hop_leads_inside(closed().await, status).await;
        }
        listener.heard_only(&PUBLIC);
    });
}

#[test]
fn a_name_whose_answers_change_is_reached_only_where_it_was_judged() {
    alone("a_name_whose_answers_change_is_reached_only_where_it_was_judged", async |listener| {
        let server = closed().await;
        reach_the_site(&server).await;
        let names = spellings::changing();
        // A connection that closes after each answer makes each page a look-up of its own.
        let pages = names.iter().flat_map(|name| (0..12).map(move |page| format!("{name}{page}")));
        let body = json!({"urls": pages.collect::<Vec<_>>(), "crawler_config": {"check_robots_txt": true}});
        let id = submit(&server, body).await.expect("names are looked up later");
        let results = ended(&server, &id).await["results"].clone();
        for result in results.as_array().expect("a list") {
            assert!(result["success"] == true || is_refusal(&result["error_message"]), "{}", result["error_message"]);
        }
        let hops = names.iter().map(|name| page(&redirect(302, name))).cycle().take(72);
        let id = submit(&server, json!({"urls": hops.collect::<Vec<_>>()})).await.expect("it is admitted");
        let hops = ended(&server, &id).await["results"].clone();
        let (reached, refused): (Vec<_>, Vec<_>) = [results, hops]
            .iter()
            .flat_map(|all| all.as_array().cloned().expect("a list"))
            .partition(|r| r["success"] == true);
        assert!(!reached.is_empty() && !refused.is_empty(), "{} and {}", reached.len(), refused.len());
        let hook = |url: &String| json!({"urls": ["raw:<p>x</p>"], "webhook_config": {"webhook_url": url}});
        for id in each(names.iter().cycle().take(36).map(|url| submit(&server, hook(url)))).await {
            let status = next_webhook(&server, &id.expect("names are looked up later")).await;
            assert!(
                ["delivered", "refused"].contains(&status["webhook"]["state"].as_str().expect("a state")),
                "{status}"
            );
        }
        listener.heard_only(&PUBLIC);
    });
}

#[test]
fn ports_of_mail_and_databases_are_denied_but_on_this_machine_itself() {
    alone("ports_of_mail_and_databases_are_denied_but_on_this_machine_itself", async |listener| {
        let server = closed().await;
        for port in [25, 6379] {
            let answer = submit(&server, json!({"urls": [format!("http://public.example:{port}/")]})).await;
            assert!(answer.is_err_and(|answer| is_refusal(&answer["detail"][0]["msg"])));
        }
        all_refused(&server, vec![page(&redirect(302, "http://public.example:6379/"))], json!({})).await;
        assert!(listener.dialled().iter().all(|to| to.port() == 80));
        let server = TestServer::with_config("egress: {ports: {allow: [8080, 80-81], deny: [81]}}").await;
        for (port, may) in [(8080, true), (80, true), (81, false), (443, false)] {
            let answer = submit(&server, json!({"urls": [format!("http://public.example:{port}/")]})).await;
            assert_eq!(answer.is_ok(), may, "{port}");
        }
        let server = TestServer::start().await;
        let id = submit(&server, json!({"urls": ["http://127.0.0.1:6379/"]})).await.expect("it is admitted");
        assert_eq!(ended(&server, &id).await["status"], "completed");
        assert!(submit(&server, json!({"urls": ["http://10.0.0.1:6379/"]})).await.is_err());
    });
}

/// The listener has ears: the same addresses are reached where they may be.
#[test]
fn what_the_operator_opened_is_reached_and_no_more() {
    alone("what_the_operator_opened_is_reached_and_no_more", async |listener| {
        let lists = "egress: {allow: [10.0.0.0/8, 7f000001.at.example, \"fc00::/7\"], allow_webhooks: [192.168.1.1]}";
        let server = TestServer::with_config(&format!("{CLOSED}{lists}")).await;
        let may = ["http://10.0.0.1/", "http://7f000001.at.example/", "http://[fc00::1]/", "http://0xa000002/"];
        let id = submit(&server, json!({"urls": may})).await.expect("it is admitted");
        assert_eq!(ended(&server, &id).await["progress"]["done"], 4);
        let hook = json!({"urls": ["raw:<p>x</p>"], "webhook_config": {"webhook_url": "http://192.168.1.1/hook"}});
        let id = submit(&server, hook).await.expect("it is admitted");
        assert_eq!(next_webhook(&server, &id).await["webhook"]["state"], "delivered");
        listener.heard_only(&["10.0.0.1", "10.0.0.2", "127.0.0.1", "fc00::1", "192.168.1.1"]);
        for closed in ["http://192.168.1.1/", "http://11.0.0.1.at.example:25/", "http://127.0.0.2/"] {
            assert!(submit(&server, json!({"urls": [closed]})).await.is_err(), "{closed}");
        }
        let server = TestServer::start().await;
        let inside = ["http://127.0.0.3/", "http://169.254.169.254/", "http://intranet/"];
        let id = submit(&server, json!({"urls": inside})).await.expect("it is admitted");
        assert_eq!(ended(&server, &id).await["progress"]["done"], 3, "this machine alone can ask");
    });
}

#[test]
fn a_model_is_asked_wherever_the_operator_put_it_but_within_its_list_where_there_is_one() {
    alone("a_model_is_asked_wherever_the_operator_put_it_but_within_its_list_where_there_is_one", async |listener| {
        let job = json!({"url": page("/"), "q": "What is it?", "provider": "own/model"});
        let model = "jobs: {max_wait: 0s}\nllm: {retry: {tries: 1}, families: {own: {base_url: \"http://0a000001.at.example/v1\"}}}\n";
        for (list, heard) in [("egress: {allow_llm: [192.168.0.0/16]}", false), ("", true)] {
            let server = TestServer::with_config(&format!("{CLOSED}{model}{list}")).await;
            let (_, answer) = server.post("/llm/job", job.clone()).await;
            let status = ended(&server, answer["task_id"].as_str().expect("an id")).await;
            assert_eq!(status["status"], "failed", "a page is no answer of a model: {status}");
            let dialled = listener.dialled();
            assert_eq!(dialled.iter().any(|to| to.ip().to_string() == "10.0.0.1"), heard, "{status}");
        }
        let server = TestServer::with_config(&format!("{CLOSED}{model}")).await;
        for url in ["http://127.0.0.1/", "http://①②⑦.1/"] {
            let (status, answer) = server.post("/llm/job", json!({"url": url, "q": "?"})).await;
            assert_eq!((status, &answer["detail"][0]["msg"]), (422, &json!("URL blocked")));
        }
    });
}
