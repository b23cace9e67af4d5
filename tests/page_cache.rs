//! The page cache, used by crawl jobs and LLM jobs.

mod providers;
mod support;

use providers::{KEY, Providers};
use serde_json::{Value, json};
use support::{TestServer, TestSite};

/// The single page of a crawl with these options.
async fn crawled(server: &TestServer, site: &TestSite, options: Value) -> Value {
    let body = json!({"urls": [site.url("/counted")], "crawler_config": options,
        "webhook_config": {"webhook_url": site.webhook_url()}});
    let (status, job) = server.post("/crawl/job", body).await;
    assert_eq!((status, job.get("warnings")), (202, None), "{job}");
    site.next_webhook().await;
    let (_, status) = server.get(&format!("/crawl/job/{}", job["task_id"].as_str().expect("an id"))).await;
    status["result"]["results"][0].clone()
}

#[actix::test]
async fn cache_mode_controls_reads_and_writes_of_the_cache() {
    let (server, site) = (TestServer::start().await, TestSite::start());
    for (mode, visits, shown, status) in [
        (json!({"cache_mode": "read_only"}), 1, "visit 1", "miss"),
        (json!({"cache_mode": "bypass"}), 2, "visit 2", "miss"),
        (json!({"cache_mode": "write_only"}), 3, "visit 3", "miss"),
        (json!({"cache_mode": {"type": "CacheMode", "params": "enabled"}}), 3, "visit 3", "hit"),
        (json!({"cache_mode": "disabled"}), 4, "visit 4", "miss"),
        (json!({}), 5, "visit 5", "miss"),
        (json!({"cache_mode": "enabled", "check_cache_freshness": true}), 6, "visit 3", "hit_validated"),
        (json!({"cache_mode": "READ_ONLY"}), 6, "visit 3", "hit"),
        (json!({"cache_mode": "enabled", "user_agent": "another"}), 7, "visit 7", "miss"),
        (json!({"cache_mode": "read_only"}), 7, "visit 3", "hit"),
    ] {
        let page = crawled(&server, &site, mode.clone()).await;
        assert_eq!((site.visits(), &page["cache_status"]), (visits, &json!(status)), "{mode}");
        assert!(page["markdown"]["raw_markdown"].as_str().is_some_and(|text| text.contains(shown)), "{mode}: {page}");
        assert_eq!((&page["success"], &page["status_code"]), (&json!(true), &json!(200)), "{mode}");
        assert_eq!(page["cached_at"].as_f64().is_some_and(|at| at > 1.7e9), status != "miss", "{mode}: {page}");
    }
}

#[actix::test]
async fn cached_pages_survive_a_restart() {
    let (mut server, site) = (TestServer::start().await, TestSite::start());
    for (visits, status) in [(1, "miss"), (1, "hit")] {
        let page = crawled(&server, &site, json!({"cache_mode": "enabled"})).await;
        assert_eq!((site.visits(), &page["cache_status"]), (visits, &json!(status)));
        server.kill().await;
        server.restart().await;
    }
}

#[actix::test]
async fn llm_job_uses_a_cached_page_if_requested() {
    let (providers, site) = (Providers::start(), TestSite::start());
    let base_url = providers.url("openai");
    let environment =
        [("LLM_PROVIDER", "openai/good"), ("OPENAI_API_KEY", KEY), ("OPENAI_BASE_URL", base_url.as_str())];
    let server = TestServer::with_env(&environment).await;
    for (cache, visits) in [(json!(false), 1), (json!(true), 1), (json!("1"), 1), (json!(null), 2)] {
        let body = json!({"url": site.url("/counted"), "q": "the title", "cache": cache,
            "webhook_config": {"webhook_url": site.webhook_url()}});
        let (status, job) = server.post("/llm/job", body).await;
        assert_eq!((status, job.get("warnings")), (202, None), "{job}");
        assert_eq!(site.next_webhook().await.body["status"], "completed");
        assert_eq!(site.visits(), visits, "{cache}");
    }
}

#[actix::test]
async fn max_bytes_0_disables_the_cache() {
    let (server, site) = (TestServer::with_config("crawler: {cache: {max_bytes: 0}}").await, TestSite::start());
    for visits in [1, 2] {
        let page = crawled(&server, &site, json!({"cache_mode": "enabled"})).await;
        assert_eq!((site.visits(), &page["cache_status"]), (visits, &json!("miss")));
    }
}
