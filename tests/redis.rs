//! Several servers on one Redis: the real binary, a real redis-server, and a proxy between them that can be cut.

#[path = "redis/event_streams.rs"]
mod event_streams;
#[path = "redis/failover.rs"]
mod failover;
#[path = "redis/nodes.rs"]
mod nodes;
mod on_redis;
#[path = "redis/outages.rs"]
mod outages;
#[path = "redis/permissions.rs"]
mod permissions;
#[path = "redis/starts.rs"]
mod starts;
mod support;
#[path = "redis/tls.rs"]
mod tls;

use on_redis::Redis;
use serde_json::{Value, json};
use support::{TestServer, TestSite};

/// Submits a crawl of one page with a webhook; returns the path of the job.
async fn submit(server: &TestServer, site: &TestSite, page: &str) -> String {
    let job = json!({"urls": [site.url(page)], "webhook_config": {"webhook_url": site.webhook_url()}});
    let (status, job) = server.post("/crawl/job", job).await;
    assert_eq!(status, 202, "{job}");
    format!("/crawl/job/{}", job["task_id"].as_str().unwrap())
}

/// Waits until the job at `path` is settled, and returns it.
async fn settled(server: &TestServer, path: &str) -> Value {
    server.get_until(path, |job| job["stage"] == "settled").await
}

#[actix::test]
async fn job_is_visible_at_every_server() {
    let (site, redis) = (TestSite::start(), Redis::start());
    let (first, second) = (redis.server(&[]).await, redis.server(&[]).await);
    let path = submit(&first, &site, "/article").await;
    assert_eq!(site.next_webhook().await.body["status"], "completed");
    let job = settled(&second, &path).await;
    assert!(job["results"][0]["markdown"]["raw_markdown"].as_str().unwrap().contains("A title"), "{job}");
    let (_, list) = second.get("/jobs").await;
    assert_eq!(list["jobs"].as_array().map(Vec::len), Some(1), "{list}");
}

#[actix::test]
async fn job_can_be_cancelled_at_any_server() {
    let (site, redis) = (TestSite::start(), Redis::start());
    let first = redis.server(&[]).await;
    let path = submit(&first, &site, "/gated").await;
    site.wait_for_gated_request().await;
    let second = redis.server(&[]).await;
    assert_eq!(second.delete(&path).await.0, 202);
    assert_eq!(site.next_webhook().await.body["status"], "cancelled");
    assert_eq!(settled(&first, &path).await["status"], "cancelled");
}
