//! The synchronous routes, on the real binary.

mod support;

use serde_json::{Value, json};

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
async fn synchronous_crawl_returns_its_pages_in_order() {
    let (site, server) = (TestSite::start(), TestServer::start().await);
    let urls = [site.url("/article"), site.url("/nowhere"), "raw:<h1>Hi</h1>".to_owned()];
    let (status, response) = server.post("/crawl", json!({"urls": urls, "priority": 10})).await;
    assert_eq!((status, &response["success"]), (200, &json!(true)));
    let pages = response["results"].as_array().expect("a list");
    let success: Vec<_> = pages.iter().map(|page| (page["url"].as_str(), page["success"].as_bool())).collect();
    assert_eq!(success, [(Some(&*urls[0]), Some(true)), (Some(&*urls[1]), Some(false)), (Some(&*urls[2]), Some(true))]);
    assert!(response["server_processing_time_s"].is_number());
    assert!(response["server_memory_delta_mb"].is_number(), "{response}");
    assert!(response["server_peak_memory_mb"].as_f64().is_some_and(|mib| mib > 1.0), "{response}");
    assert_eq!(response["warnings"][0]["key"], "priority");
    // The request created a job.
    let (_, jobs) = server.get("/jobs?status=completed").await;
    assert_eq!(jobs["jobs"].as_array().map(Vec::len), Some(1));
}

#[actix::test]
async fn synchronous_crawl_without_a_success_returns_its_pages() {
    let (site, server) = (TestSite::start(), TestServer::start().await);
    let (status, response) = server.post("/crawl", json!({"urls": [site.url("/nowhere")]})).await;
    assert_eq!((status, &response["success"]), (200, &json!(false)));
    let page = &response["results"][0];
    let expected = (&json!(false), &json!(404), &json!("HTTP 404 Not Found"));
    assert_eq!((&page["success"], &page["status_code"], &page["error_message"]), expected);
}

#[actix::test]
async fn invalid_url_beside_a_valid_one_fails_only_its_page() {
    let server = TestServer::with_config("egress: {allow_internal: false}").await;
    let too_long = format!("https://example.com/{}", "x".repeat(8192));
    let urls = ["raw:<p>x", "http://", "ftp://example.com/", "http://10.0.0.1/", "raw: ", &too_long];
    let reasons = ["", "valid URL", "scheme", "URL blocked", "followed by HTML", "longer than"];
    let (_, job) = server.post("/crawl/job", json!({ "urls": urls })).await;
    let job = server.wait_until_settled(job["task_id"].as_str().expect("an id")).await;
    let (status, sync) = server.post("/crawl", json!({ "urls": urls })).await;
    assert_eq!((&job["status"], status, &sync["success"]), (&json!("completed"), 200, &json!(true)));
    for results in [&job["results"], &sync["results"]] {
        for ((page, url), reason) in results.as_array().expect("a list").iter().zip(urls).zip(reasons) {
            assert_eq!((&page["url"], &page["success"]), (&json!(url), &json!(reason.is_empty())), "{page}");
            assert!(page["error_message"].as_str().is_some_and(|error| error.contains(reason)), "{page}");
        }
        assert_eq!(results.as_array().map(Vec::len), Some(urls.len()));
    }
}

#[actix::test]
async fn interactive_job_precedes_batch_jobs_of_its_principal() {
    let (site, server) = (TestSite::start(), TestServer::with_config("jobs: {crawl_workers: 1}").await);
    assert_eq!(server.post("/crawl", json!({"urls": ["raw:<p>w"]})).await.0, 200);
    let (_, jobs) = server.get("/jobs").await;
    let interactive = jobs["jobs"][0]["task_id"].as_str().expect("an id").to_owned();
    server.post("/crawl/job", json!({"urls": [site.url("/gated")]})).await;
    site.wait_for_gated_request().await;
    // A rerun is a batch job.
    let rerun = format!("/jobs/{interactive}/rerun");
    for _ in 0..3 {
        assert_eq!(server.post(&rerun, Value::Null).await.0, 202);
    }
    let all_submitted = async {
        server.wait_for_job_count(6).await;
        site.open_gate();
    };
    let ((status, response), ()) = tokio::join!(server.post("/crawl", json!({"urls": ["raw:<p>x"]})), all_submitted);
    assert_eq!((status, &response["success"]), (200, &json!(true)), "{response}");
    // Only the jobs that had already started came before it.
    let (_, jobs) = server.get("/jobs").await;
    let jobs = jobs["jobs"].as_array().expect("a list");
    let started = |job: &&Value| job["started_at"].as_str().map(str::to_owned);
    let own = jobs.iter().max_by_key(|job| job["created_at"].as_str()).and_then(|job| started(&job));
    let before = jobs.iter().filter_map(|job| started(&job)).filter(|time| Some(time) < own.as_ref());
    assert_eq!(before.count(), 2, "{jobs:?}");
}

#[actix::test]
async fn first_matching_configuration_applies_to_each_url() {
    let (site, server) = (TestSite::start(), TestServer::start().await);
    let urls: Vec<_> = ["?one", "?two", "?three"].map(|query| site.url(&format!("/full{query}"))).into();
    let configs = json!([
        {"url_matcher": ["*/full*", "*one"], "match_mode": "and", "css_selector": "h1"},
        {"type": "CrawlerRunConfig", "params": {
            "url_matcher": ["*two", "*four"], "match_mode": {"type": "MatchMode", "params": "or"}, "css_selector": "table"}},
        {"url_matcher": ["*/full*", "*four"], "match_mode": "and", "css_selector": "p"},
    ]);
    let (status, response) = server.post("/crawl", json!({"urls": urls, "crawler_configs": configs})).await;
    assert_eq!(status, 200, "{response}");
    let contents = |index: usize| {
        let markdown = response["results"][index]["markdown"]["raw_markdown"].as_str().expect("text");
        ["A title", "bold", "A table"].map(|text| markdown.contains(text))
    };
    assert_eq!([0, 1, 2].map(contents), [[true, false, false], [false, false, true], [true, true, true]], "{response}");
    let wrong = json!({"urls": urls, "crawler_configs": [{"url_matcher": "*", "match_mode": "xor"}]});
    let (status, response) = server.post("/crawl", wrong).await;
    let location = json!(["body", "crawler_configs", 0, "match_mode"]);
    assert_eq!((status, &response["detail"][0]["loc"]), (422, &location), "{response}");
}

#[actix::test]
async fn misplaced_keys_are_warnings() {
    let server = TestServer::start().await;
    let misplaced = json!({"urls": ["raw:<p>x"], "max_concurrent": 3, "wait_for": "css:p", "fit_markdown": true});
    let (status, response) = server.post("/crawl", misplaced).await;
    assert_eq!((status, &response["success"]), (200, &json!(true)), "{response}");
    let named: Vec<_> =
        response["warnings"].as_array().expect("a list").iter().map(|warning| &warning["key"]).collect();
    assert_eq!(named, ["max_concurrent", "wait_for", "fit_markdown"]);
}

#[actix::test]
async fn stream_sends_each_page_when_ready_and_then_the_status() {
    let (site, server) = (TestSite::start(), TestServer::start().await);
    let urls = [site.url("/gated"), site.url("/article")];
    for (path, config) in [("/crawl/stream", json!({})), ("/crawl", json!({"stream": true}))] {
        let body = json!({"urls": urls, "crawler_config": config});
        let response = json_post(&server, path, body).send().await.expect("the server responds");
        assert_eq!(response.headers()["content-type"], "application/x-ndjson");
        let mut response = response;
        let first = response.chunk().await.expect("the connection holds").expect("a line");
        let first: Value = serde_json::from_slice(&first).expect("one complete line");
        assert_eq!((&first["url"], first.get("error")), (&json!(urls[1]), None), "the other page waits at the gate");
        site.open_gate();
        let mut rest = Vec::new();
        while let Some(chunk) = response.chunk().await.expect("the connection holds") {
            rest.extend_from_slice(&chunk);
        }
        let rest = String::from_utf8(rest).expect("text");
        let rest: Vec<Value> = rest.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        assert_eq!((rest.len(), &rest[0]["url"], &rest[1]), (2, &json!(urls[0]), &json!({"status": "completed"})));
        site.close_gate();
    }
}

#[actix::test]
async fn disconnect_from_a_stream_cancels_the_job() {
    let (site, server) = (TestSite::start(), TestServer::start().await);
    let urls = [site.url("/gated"), site.url("/article"), site.url("/article")];
    let response =
        json_post(&server, "/crawl/stream", json!({"urls": urls})).send().await.expect("the server responds");
    site.wait_for_gated_request().await;
    drop(response);
    assert_eq!(server.wait_for_settled_status().await, "cancelled");
}

#[actix::test]
async fn disconnect_from_a_synchronous_request_cancels_the_job() {
    let site = TestSite::start();
    let gated = site.url("/gated");
    for (path, body) in [("/crawl", json!({"urls": [gated]})), ("/md", json!({"url": gated}))] {
        let server = TestServer::start().await;
        let request = actix::spawn(json_post(&server, path, body).send());
        site.wait_for_gated_request().await;
        request.abort();
        assert_eq!(server.wait_for_settled_status().await, "cancelled", "{path}");
    }
}

#[actix::test]
async fn md_html_and_config_routes_are_crawl4ai_compatible() {
    let (site, server) = (TestSite::start(), TestServer::start().await);
    let url = site.url("/article");
    let (status, response) = server.post("/md", json!({"url": url, "f": "raw"})).await;
    assert_eq!(
        (status, &response["filter"], &response["cache"], &response["success"]),
        (200, &json!("raw"), &json!("0"), &json!(true))
    );
    assert!(response["markdown"].as_str().expect("text").contains("# A title"), "{response}");
    let (status, response) = server.post("/md", json!({"url": url})).await;
    assert_eq!((status, &response["filter"]), (200, &json!("fit")), "{response}");
    assert!(response["markdown"].as_str().is_some_and(|fit| !fit.is_empty()), "{response}");
    let (status, response) = server.post("/md", json!({"url": site.url("/text")})).await;
    assert_eq!((status, &response["markdown"]), (200, &json!(support::TEXT)), "plain text is its own main content");
    let (status, response) = server.post("/md", json!({"url": url, "f": "bm25", "q": "a title"})).await;
    assert!(status == 200 && response["markdown"].as_str().is_some_and(|fit| fit.contains("A title")), "{response}");
    let (status, response) = server.post("/md", json!({"url": url, "f": "bm25", "q": "submarines"})).await;
    assert_eq!((status, &response["markdown"]), (200, &json!("")));
    let (status, response) = server.post("/md", json!({"url": url, "f": "bm25", "q": "q".repeat(2001)})).await;
    assert_eq!((status, &response["detail"][0]["loc"]), (422, &json!(["body", "q"])));
    let (status, response) = server.post("/html", json!({"url": url})).await;
    assert_eq!((status, &response["url"]), (200, &json!(url)));
    assert!(response["html"].as_str().expect("text").contains("<h1>A title</h1>"), "{response}");
    let (status, response) = server.post("/md", json!({"url": site.url("/nowhere"), "f": "raw"})).await;
    assert_eq!((status, &response["detail"]), (502, &json!("HTTP 404 Not Found")));
    let (status, response) = server.post("/md", json!({"url": "nonsense", "f": "x"})).await;
    let locations: Vec<_> =
        response["detail"].as_array().expect("a list").iter().map(|error| &error["loc"][1]).collect();
    assert_eq!((status, locations), (422, vec![&json!("f")]));
    let (status, schema) = server.get("/schema").await;
    assert_eq!((status, &schema["crawler"]["params"]["page_timeout"]), (200, &json!(60000)));
    let config = json!({"type": "CrawlerRunConfig", "params": {"page_timeout": 5000, "verbos": true}});
    let (status, dumped) = server.post("/config/dump", config).await;
    let plain = json!({"type": "CrawlerRunConfig", "params": {"page_timeout": 5000}});
    assert_eq!((status, &dumped["type"], &dumped["params"]), (200, &plain["type"], &plain["params"]));
    assert_eq!(dumped["warnings"][0]["key"], "params.verbos");
    // Keys of synchronous crawls are unchanged.
    let params = json!({"stream": true, "url_matcher": "*x*", "match_mode": "and", "css_selector": "h1"});
    let (status, dumped) = server.post("/config/dump", json!({"type": "CrawlerRunConfig", "params": params})).await;
    assert_eq!((status, &dumped["params"], &dumped["warnings"]), (200, &params, &Value::Null), "{dumped}");
    let wrong = json!({"type": "CrawlerRunConfig", "params": {"url_matcher": 3}});
    let (status, response) = server.post("/config/dump", wrong).await;
    assert_eq!((status, &response["detail"][0]["loc"]), (422, &json!(["body", "params", "url_matcher"])));
    // The defaults of /schema are a valid configuration.
    assert_eq!(server.post("/config/dump", schema["browser"].clone()).await.0, 200);
}

#[actix::test]
async fn browser_routes_are_501() {
    let server = TestServer::start().await;
    for path in ["/screenshot", "/pdf", "/execute_js"] {
        let (status, response) = server.post(path, json!({"url": "https://example.com"})).await;
        assert_eq!(status, 501, "{path}");
        assert!(response["detail"].as_str().expect("a sentence").contains("browser"));
    }
    let (status, response) = server.get("/artifacts/x").await;
    assert!(status == 501 && response["detail"].as_str().is_some_and(|why| why.contains("browser")), "{response}");
}

#[actix::test]
async fn last_line_of_a_stream_has_the_warnings() {
    let server = TestServer::start().await;
    let body = json!({"urls": ["raw:<p>x"], "priority": 10});
    let response = json_post(&server, "/crawl/stream", body).send().await.expect("the server responds");
    let last = lines_of(response).await.pop().expect("a last line");
    assert_eq!((&last["status"], &last["warnings"][0]["key"]), (&json!("completed"), &json!("priority")));
}

#[actix::test]
async fn warnings_are_in_the_response_and_the_job() {
    let server = TestServer::start().await;
    let named = |response: &Value| -> Vec<String> {
        let warnings = response["warnings"].as_array().expect("there are some");
        warnings.iter().map(|warning| warning["key"].as_str().expect("a key").to_owned()).collect()
    };
    let body = json!({"url": "raw:<p>x", "f": "raw", "temperature": 9, "zz": 1});
    let (status, response) = server.post("/md", body).await;
    assert_eq!((status, named(&response)), (200, vec!["temperature".to_owned(), "zz".to_owned()]));
    let (_, list) = server.get("/jobs").await;
    assert_eq!(named(&list["jobs"][0]), named(&response));
    let (status, response) = server.post("/html", json!({"url": "raw:<p>x", "q": "x"})).await;
    assert_eq!((status, named(&response)), (200, vec!["q".to_owned()]));
    let absent = json!({"url": "raw:<p>x", "f": "raw", "c": "0", "provider": null, "temperature": null, "zz": null});
    let (_, response) = server.post("/md", absent).await;
    assert_eq!(response["warnings"], Value::Null, "null is the same as absent");
}

#[actix::test]
async fn shutdown_answers_synchronous_requests_with_503() {
    let config = "app: {shutdown_grace: 1s}\njobs: {crawl_workers: 1}";
    let (site, mut server) = (TestSite::start(), TestServer::with_config(config).await);
    let (client, base) = (server.client().clone(), server.base().to_owned());
    let call = |url: String| {
        let request = client.post(format!("{base}/crawl")).header("content-type", "application/json");
        let request = request.body(json!({"urls": [url]}).to_string());
        actix_web::rt::spawn(async move {
            let response = request.send().await.expect("a response, not a broken connection");
            (response.status().as_u16(), response.headers().contains_key("retry-after"))
        })
    };
    let running = call(site.url("/gated"));
    site.wait_for_gated_request().await;
    let queued = call(site.url("/article"));
    server.wait_for_job_count(2).await;
    server.send_sigterm();
    assert_eq!(queued.await.expect("the request completes"), (503, true));
    assert_eq!(running.await.expect("the request completes"), (503, true));
    assert!(server.wait_for_exit().await.success());
    server.restart().await;
    let (_, list) = server.get("/jobs").await;
    let statuses: Vec<_> = list["jobs"].as_array().expect("a list").iter().map(|job| &job["status"]).collect();
    assert_eq!(statuses, ["cancelled", "cancelled"]);
}
