//! The endpoints whose caller waits, and the events of a job, over the real binary.

mod support;

use serde_json::{Value, json};

use support::events::events_until;
use support::{TestServer, TestSite};

async fn lines_of(response: reqwest::Response) -> Vec<Value> {
    let text = response.text().await.expect("it is text");
    text.lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect()
}

fn json_post(server: &TestServer, path: &str, body: Value) -> reqwest::RequestBuilder {
    let request = server.client().post(format!("{}{path}", server.base()));
    request.header("content-type", "application/json").body(body.to_string())
}

#[actix::test]
async fn a_crawl_that_is_waited_for_answers_with_its_pages_in_order() {
    let (site, server) = (TestSite::start(), TestServer::start().await);
    let urls = [site.url("/article"), site.url("/nowhere"), "raw:<h1>Hi</h1>".to_owned()];
    let (status, answer) = server.post("/crawl", json!({"urls": urls, "priority": 10})).await;
    assert_eq!((status, &answer["success"]), (200, &json!(true)));
    let pages = answer["results"].as_array().expect("a list");
    let success: Vec<_> = pages.iter().map(|page| (page["url"].as_str(), page["success"].as_bool())).collect();
    assert_eq!(success, [(Some(&*urls[0]), Some(true)), (Some(&*urls[1]), Some(false)), (Some(&*urls[2]), Some(true))]);
    assert!(answer["server_processing_time_s"].is_number());
    assert_eq!(answer["warnings"][0]["key"], "priority");
    // It was a job like any other.
    let (_, jobs) = server.get("/jobs?status=completed").await;
    assert_eq!(jobs["jobs"].as_array().map(Vec::len), Some(1));
}

#[actix::test]
async fn a_crawl_of_which_every_page_failed_gives_the_first_reason() {
    let (site, server) = (TestSite::start(), TestServer::start().await);
    let (status, answer) = server.post("/crawl", json!({"urls": [site.url("/nowhere")]})).await;
    assert_eq!((status, &answer["detail"]), (500, &json!("Crawl request failed: HTTP 404 Not Found")));
}

#[actix::test]
async fn who_waits_stands_behind_none_of_his_own_jobs_that_nobody_waits_for() {
    let (site, server) = (TestSite::start(), TestServer::with_config("jobs: {crawl_workers: 1}").await);
    assert_eq!(server.post("/crawl", json!({"urls": ["raw:<p>w"]})).await.0, 200);
    let (_, jobs) = server.get("/jobs").await;
    let waited_for = jobs["jobs"][0]["task_id"].as_str().expect("an id").to_owned();
    server.post("/crawl/job", json!({"urls": [site.url("/gated")]})).await;
    site.wait_for_gated_request().await;
    // When it is run again, nobody waits for it.
    let again = format!("/jobs/{waited_for}/rerun");
    for _ in 0..3 {
        assert_eq!(server.post(&again, Value::Null).await.0, 202);
    }
    let all_there = async {
        while server.get("/jobs").await.1["jobs"].as_array().map(Vec::len) != Some(6) {}
        site.open_gate();
    };
    let ((status, answer), ()) = tokio::join!(server.post("/crawl", json!({"urls": ["raw:<p>x"]})), all_there);
    assert_eq!((status, &answer["success"]), (200, &json!(true)), "{answer}");
    // Only what was done or under way already began before it.
    let (_, jobs) = server.get("/jobs").await;
    let jobs = jobs["jobs"].as_array().expect("a list");
    let began = |job: &&Value| job["started_at"].as_str().map(str::to_owned);
    let own = jobs.iter().max_by_key(|job| job["created_at"].as_str()).and_then(|job| began(&job));
    let before = jobs.iter().filter_map(|job| began(&job)).filter(|began| Some(began) < own.as_ref());
    assert_eq!(before.count(), 2, "{jobs:?}");
}

#[actix::test]
async fn each_address_is_read_by_the_first_configuration_that_is_for_it() {
    let (site, server) = (TestSite::start(), TestServer::start().await);
    let urls: Vec<_> = ["?one", "?two", "?three"].map(|query| site.url(&format!("/full{query}"))).into();
    let configs = json!([
        {"url_matcher": ["*/full*", "*one"], "match_mode": "and", "css_selector": "h1"},
        {"type": "CrawlerRunConfig", "params": {
            "url_matcher": ["*two", "*four"], "match_mode": {"type": "MatchMode", "params": "or"}, "css_selector": "table"}},
        {"url_matcher": ["*/full*", "*four"], "match_mode": "and", "css_selector": "p"},
    ]);
    let (status, answer) = server.post("/crawl", json!({"urls": urls, "crawler_configs": configs})).await;
    assert_eq!(status, 200, "{answer}");
    let held = |index: usize| {
        let markdown = answer["results"][index]["markdown"]["raw_markdown"].as_str().expect("text");
        ["A title", "bold", "A table"].map(|text| markdown.contains(text))
    };
    assert_eq!([0, 1, 2].map(held), [[true, false, false], [false, false, true], [true, true, true]], "{answer}");
    let wrong = json!({"urls": urls, "crawler_configs": [{"url_matcher": "*", "match_mode": "xor"}]});
    let (status, answer) = server.post("/crawl", wrong).await;
    let place = json!(["body", "crawler_configs", 0, "match_mode"]);
    assert_eq!((status, &answer["detail"][0]["loc"]), (422, &place), "{answer}");
}

#[actix::test]
async fn keys_that_known_clients_send_in_the_wrong_place_are_named_and_stop_nothing() {
    let server = TestServer::start().await;
    let stray = json!({"urls": ["raw:<p>x"], "max_concurrent": 3, "wait_for": "css:p", "fit_markdown": true});
    let (status, answer) = server.post("/crawl", stray).await;
    assert_eq!((status, &answer["success"]), (200, &json!(true)), "{answer}");
    let named: Vec<_> = answer["warnings"].as_array().expect("a list").iter().map(|warning| &warning["key"]).collect();
    assert_eq!(named, ["max_concurrent", "wait_for", "fit_markdown"]);
}

#[actix::test]
async fn a_stream_shows_each_page_as_it_is_ready_and_then_the_end() {
    let (site, server) = (TestSite::start(), TestServer::start().await);
    let urls = [site.url("/gated"), site.url("/article")];
    for (path, config) in [("/crawl/stream", json!({})), ("/crawl", json!({"stream": true}))] {
        let body = json!({"urls": urls, "crawler_config": config});
        let response = json_post(&server, path, body).send().await.expect("the server responds");
        assert_eq!(response.headers()["content-type"], "application/x-ndjson");
        let mut response = response;
        let first = response.chunk().await.expect("the connection holds").expect("a line");
        let first: Value = serde_json::from_slice(&first).expect("one whole line");
        assert_eq!((&first["url"], first.get("error")), (&json!(urls[1]), None), "the other one is still at the gate");
        site.open_gate();
        let mut rest = Vec::new();
        while let Some(piece) = response.chunk().await.expect("the connection holds") {
            rest.extend_from_slice(&piece);
        }
        let rest = String::from_utf8(rest).expect("text");
        let rest: Vec<Value> = rest.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        assert_eq!((rest.len(), &rest[0]["url"], &rest[1]), (2, &json!(urls[0]), &json!({"status": "completed"})));
        site.close_gate();
    }
}

#[actix::test]
async fn a_client_that_leaves_a_stream_stops_the_work() {
    let (site, server) = (TestSite::start(), TestServer::start().await);
    let urls = [site.url("/gated"), site.url("/article"), site.url("/article")];
    let response =
        json_post(&server, "/crawl/stream", json!({"urls": urls})).send().await.expect("the server responds");
    site.wait_for_gated_request().await;
    drop(response);
    assert_eq!(server.wait_for_settled_status().await, "cancelled");
}

#[actix::test]
async fn a_client_that_leaves_while_it_waits_stops_the_work() {
    let site = TestSite::start();
    let gated = site.url("/gated");
    for (path, body) in [("/crawl", json!({"urls": [gated]})), ("/md", json!({"url": gated}))] {
        let server = TestServer::start().await;
        let asked = actix::spawn(json_post(&server, path, body).send());
        site.wait_for_gated_request().await;
        asked.abort();
        assert_eq!(server.wait_for_settled_status().await, "cancelled", "{path}");
    }
}

#[actix::test]
async fn markdown_html_and_the_configurations_are_answered_as_clients_of_the_peer_expect() {
    let (site, server) = (TestSite::start(), TestServer::start().await);
    let url = site.url("/article");
    let (status, answer) = server.post("/md", json!({"url": url, "f": "raw"})).await;
    assert_eq!(
        (status, &answer["filter"], &answer["cache"], &answer["success"]),
        (200, &json!("raw"), &json!("0"), &json!(true))
    );
    assert!(answer["markdown"].as_str().expect("text").contains("# A title"), "{answer}");
    let (status, answer) = server.post("/md", json!({"url": url})).await;
    assert_eq!((status, &answer["filter"]), (200, &json!("fit")), "{answer}");
    assert!(answer["markdown"].as_str().is_some_and(|fit| !fit.is_empty()), "{answer}");
    let (status, answer) = server.post("/md", json!({"url": site.url("/text")})).await;
    assert_eq!((status, &answer["markdown"]), (200, &json!(support::TEXT)), "a text is its own main content");
    let (status, answer) = server.post("/md", json!({"url": url, "f": "bm25", "q": "a title"})).await;
    assert!(status == 200 && answer["markdown"].as_str().is_some_and(|fit| fit.contains("A title")), "{answer}");
    let (status, answer) = server.post("/md", json!({"url": url, "f": "bm25", "q": "submarines"})).await;
    assert_eq!((status, &answer["markdown"]), (200, &json!("")));
    let (status, answer) = server.post("/md", json!({"url": url, "f": "bm25", "q": "q".repeat(2001)})).await;
    assert_eq!((status, &answer["detail"][0]["loc"]), (422, &json!(["body", "q"])));
    let (status, answer) = server.post("/html", json!({"url": url})).await;
    assert_eq!((status, &answer["url"]), (200, &json!(url)));
    assert!(answer["html"].as_str().expect("text").contains("<h1>A title</h1>"), "{answer}");
    let (status, answer) = server.post("/md", json!({"url": site.url("/nowhere"), "f": "raw"})).await;
    assert_eq!((status, &answer["detail"]), (502, &json!("HTTP 404 Not Found")));
    let (status, answer) = server.post("/md", json!({"url": "nonsense", "f": "x"})).await;
    let places: Vec<_> = answer["detail"].as_array().expect("a list").iter().map(|error| &error["loc"][1]).collect();
    assert_eq!((status, places), (422, vec![&json!("url"), &json!("f")]));
    let (status, schema) = server.get("/schema").await;
    assert_eq!((status, &schema["crawler"]["params"]["page_timeout"]), (200, &json!(60000)));
    let config = json!({"type": "CrawlerRunConfig", "params": {"page_timeout": 5000, "verbos": true}});
    let (status, dumped) = server.post("/config/dump", config).await;
    let plain = json!({"type": "CrawlerRunConfig", "params": {"page_timeout": 5000}});
    assert_eq!((status, &dumped["type"], &dumped["params"]), (200, &plain["type"], &plain["params"]));
    assert_eq!(dumped["warnings"][0]["key"], "params.verbos");
    // What is for a synchronous crawl only stays as it is.
    let params = json!({"stream": true, "url_matcher": "*x*", "match_mode": "and", "css_selector": "h1"});
    let (status, dumped) = server.post("/config/dump", json!({"type": "CrawlerRunConfig", "params": params})).await;
    assert_eq!((status, &dumped["params"], &dumped["warnings"]), (200, &params, &Value::Null), "{dumped}");
    let wrong = json!({"type": "CrawlerRunConfig", "params": {"url_matcher": 3}});
    let (status, answer) = server.post("/config/dump", wrong).await;
    assert_eq!((status, &answer["detail"][0]["loc"]), (422, &json!(["body", "params", "url_matcher"])));
    // What the schema says may be sent back.
    assert_eq!(server.post("/config/dump", schema["browser"].clone()).await.0, 200);
}

#[actix::test]
async fn what_needs_a_browser_says_so() {
    let server = TestServer::start().await;
    for path in ["/screenshot", "/pdf", "/execute_js"] {
        let (status, answer) = server.post(path, json!({"url": "https://example.com"})).await;
        assert_eq!(status, 501, "{path}");
        assert!(answer["detail"].as_str().expect("a sentence").contains("browser"));
    }
    for path in ["/artifacts/x", "/hooks/info"] {
        let (status, answer) = server.get(path).await;
        assert!(
            status == 501 && answer["detail"].as_str().is_some_and(|why| why.contains("browser")),
            "{path}: {answer}"
        );
    }
}

#[actix::test]
async fn the_last_line_of_a_stream_names_what_had_no_effect() {
    let server = TestServer::start().await;
    let body = json!({"urls": ["raw:<p>x"], "priority": 10});
    let response = json_post(&server, "/crawl/stream", body).send().await.expect("the server responds");
    let last = lines_of(response).await.pop().expect("a last line");
    assert_eq!((&last["status"], &last["warnings"][0]["key"]), (&json!("completed"), &json!("priority")));
}

#[actix::test]
async fn a_jobs_pages_can_be_asked_for_one_by_one_in_part_and_as_lines() {
    let (site, server) = (TestSite::start(), TestServer::start().await);
    let urls: Vec<_> = (0..5).map(|n| format!("raw:<h1>Page {n}</h1>")).collect();
    let webhook = json!({"webhook_url": site.webhook_url()});
    let (_, job) = server.post("/crawl/job", json!({"urls": urls, "webhook_config": webhook})).await;
    site.next_webhook().await;
    let path = format!("/crawl/job/{}", job["task_id"].as_str().expect("an id"));
    let (_, part) = server.get(&format!("{path}?offset=1&limit=2&fields=url,success")).await;
    let expected = json!([{"url": urls[1], "success": true}, {"url": urls[2], "success": true}]);
    assert_eq!((&part["results"], &part["result"]["results"]), (&expected, &expected));
    let (status, page) = server.get(&format!("{path}/pages/3")).await;
    assert_eq!((status, &page["url"]), (200, &json!(urls[3])));
    assert_eq!(server.get(&format!("{path}/pages/5")).await.0, 404);
    let ndjson = server.client().get(format!("{}{path}?limit=3&fields=url", server.base()));
    let lines =
        lines_of(ndjson.header("accept", "application/x-ndjson").send().await.expect("the server responds")).await;
    assert_eq!(lines, [json!({"url": urls[0]}), json!({"url": urls[1]}), json!({"url": urls[2]})]);
    assert_eq!(server.get(&format!("{path}?offset=x")).await.0, 422);
    let either = format!("/task/{}", job["task_id"].as_str().expect("an id"));
    assert_eq!(server.get(&either).await.1["status"], "completed");
}

#[actix::test]
async fn a_result_of_many_megabytes_comes_in_pieces_and_whole() {
    let (site, server) = (TestSite::start(), TestServer::start().await);
    let text = "word ".repeat(100_000);
    let urls: Vec<_> = (0..8).map(|n| format!("raw:<p>{n} {text}</p>")).collect();
    let webhook = json!({"webhook_url": site.webhook_url()});
    let (status, job) = server.post("/crawl/job", json!({"urls": urls, "webhook_config": webhook})).await;
    assert_eq!(status, 202, "{job}");
    site.next_webhook().await;
    let url = format!("{}/crawl/job/{}", server.base(), job["task_id"].as_str().expect("an id"));
    let response = server.client().get(&url).send().await.expect("the server responds");
    assert_eq!(response.headers().get("transfer-encoding").map(|value| value.as_bytes()), Some(&b"chunked"[..]));
    let answer: Value = serde_json::from_slice(&response.bytes().await.expect("complete")).expect("one JSON value");
    for (index, page) in answer["result"]["results"].as_array().expect("a list").iter().enumerate() {
        assert_eq!(page["url"], json!(urls[index]));
        assert_eq!(answer["results"][index], *page);
    }
    assert_eq!(answer["results"].as_array().map(Vec::len), Some(8));
}

#[actix::test]
async fn a_listener_hears_everything_once_also_when_it_is_cut_off_and_comes_back() {
    let (site, mut server) = (TestSite::start(), TestServer::start().await);
    let urls = [site.url("/gated"), site.url("/article"), site.url("/nowhere")];
    let (_, job) = server.post("/crawl/job", json!({"urls": urls})).await;
    let path = format!("/jobs/{}/events", job["task_id"].as_str().expect("an id"));
    let before = events_until(&server, &path, None, "page").await;
    let names: Vec<_> = before.iter().map(|event| event.name.as_str()).collect();
    assert_eq!(names, ["queued", "started", "page"]);
    let last = before.last().expect("there is one");
    assert_eq!(last.data["task_id"], job["task_id"]);
    site.wait_for_gated_request().await;
    server.kill().await;
    server.restart().await;
    site.open_gate();
    let after = events_until(&server, &path, Some(&last.id), "nothing").await;
    let names: Vec<_> = after.iter().map(|event| event.name.as_str()).collect();
    assert_eq!(names, ["page", "page", "completed"], "and then the stream ends");
    let mut pages: Vec<_> = after[..2].iter().chain([last]).map(|event| event.data["index"].as_u64()).collect();
    pages.sort();
    assert_eq!(pages, [Some(0), Some(1), Some(2)], "no page twice");
    let ended = &after[2];
    assert_eq!(ended.data["progress"], json!({"done": 3, "failed": 1, "total": 3}));
    let again = server.client().get(format!("{}{path}", server.base())).header("last-event-id", &ended.id);
    assert_eq!(again.send().await.expect("the server responds").status().as_u16(), 204, "there is no more to come");
    assert_eq!(server.get("/jobs/crawl_nope/events").await.0, 404);
}

#[actix::test]
async fn a_cancelled_job_has_one_last_event_that_says_so() {
    let (site, server) = (TestSite::start(), TestServer::start().await);
    let (_, job) = server.post("/crawl/job", json!({"urls": [site.url("/gated")]})).await;
    site.wait_for_gated_request().await;
    let id = job["task_id"].as_str().expect("an id");
    let path = format!("/jobs/{id}/events");
    let (events, _) = tokio::join!(events_until(&server, &path, None, "nothing"), async {
        server.delete(&format!("/crawl/job/{id}")).await
    });
    assert_eq!(events.iter().filter(|event| event.name == "cancelled").count(), 1);
    assert_eq!(events.last().map(|event| event.name.as_str()), Some("cancelled"));
}

#[actix::test]
async fn keys_without_effect_are_named_in_the_answer_and_with_the_job() {
    let server = TestServer::start().await;
    let named = |answer: &Value| -> Vec<String> {
        let warnings = answer["warnings"].as_array().expect("there are some");
        warnings.iter().map(|warning| warning["key"].as_str().expect("a key").to_owned()).collect()
    };
    let body = json!({"url": "raw:<p>x", "f": "raw", "temperature": 9, "zz": 1});
    let (status, answer) = server.post("/md", body).await;
    assert_eq!((status, named(&answer)), (200, vec!["temperature".to_owned(), "zz".to_owned()]));
    let (_, list) = server.get("/jobs").await;
    assert_eq!(named(&list["jobs"][0]), named(&answer));
    let (status, answer) = server.post("/html", json!({"url": "raw:<p>x", "q": "x"})).await;
    assert_eq!((status, named(&answer)), (200, vec!["q".to_owned()]));
    let absent = json!({"url": "raw:<p>x", "f": "raw", "c": "0", "provider": null, "temperature": null, "zz": null});
    let (_, answer) = server.post("/md", absent).await;
    assert_eq!(answer["warnings"], Value::Null, "what is null is absent");
}

#[actix::test]
async fn callers_who_wait_when_the_server_leaves_are_told_and_their_jobs_end() {
    let config = "app: {shutdown_grace: 1s}\njobs: {crawl_workers: 1}";
    let (site, mut server) = (TestSite::start(), TestServer::with_config(config).await);
    let (client, base) = (server.client().clone(), server.base().to_owned());
    let call = |url: String| {
        let request = client.post(format!("{base}/crawl")).header("content-type", "application/json");
        let request = request.body(json!({"urls": [url]}).to_string());
        actix_web::rt::spawn(async move {
            let answer = request.send().await.expect("an answer, not a broken connection");
            (answer.status().as_u16(), answer.headers().contains_key("retry-after"))
        })
    };
    let running = call(site.url("/gated"));
    site.wait_for_gated_request().await;
    let queued = call(site.url("/article"));
    while server.get("/jobs").await.1["jobs"].as_array().map(Vec::len) != Some(2) {}
    server.send_sigterm();
    assert_eq!(queued.await.expect("it was asked"), (503, true));
    assert_eq!(running.await.expect("it was asked"), (503, true));
    assert!(server.wait_for_exit().await.success());
    server.restart().await;
    let (_, list) = server.get("/jobs").await;
    let ends: Vec<_> = list["jobs"].as_array().expect("a list").iter().map(|job| &job["status"]).collect();
    assert_eq!(ends, ["cancelled", "cancelled"]);
}

#[actix::test]
async fn lines_are_sent_to_who_wants_them_most() {
    let server = TestServer::start().await;
    let (_, job) = server.post("/crawl/job", json!({"urls": ["raw:<p>x"]})).await;
    let path = format!("/crawl/job/{}", job["task_id"].as_str().expect("an id"));
    while server.get(&path).await.1["status"] == "processing" {}
    for (accept, lines) in [
        ("application/x-ndjson", true),
        ("application/x-ndjson, application/json;q=0.5", true),
        ("application/json, application/x-ndjson;q=0.1", false),
        ("application/x-ndjson;q=0", false),
        ("*/*", false),
    ] {
        let asked = server.client().get(format!("{}{path}", server.base())).header("accept", accept);
        let answer = asked.send().await.expect("the server responds");
        let kind = answer.headers()["content-type"].to_str().expect("text").to_owned();
        assert_eq!(kind.starts_with("application/x-ndjson"), lines, "{accept}: {kind}");
    }
    let (status, answer) = server.get(&format!("{path}/pages/7")).await;
    assert!(status == 404 && answer["detail"].as_str().is_some_and(|why| why.contains("Page not found")), "{answer}");
    let (_, answer) = server.get(&format!("{path}/pages/0?fields=url,success")).await;
    assert_eq!(answer, json!({"url": "raw:<p>x", "success": true}));
}
