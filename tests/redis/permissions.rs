//! A Redis user whose ACL denies commands.

use serde_json::json;

use super::on_redis::Redis;
use super::starts::start;
use super::support::TestSite;
use super::{settled, submit};

const DOCUMENTATION: &str = include_str!("../../docs/redis.md");
const LOGIN: [(&str, &str); 2] = [("REDIS_USERNAME", "opilio"), ("REDIS_PASSWORD", "PASSWORD")];

/// Redis with a user that has the documented ACL.
fn redis_with_user() -> Redis {
    let redis = Redis::start();
    let line = DOCUMENTATION.lines().find(|line| line.starts_with("ACL SETUSER ")).unwrap();
    redis.execute(&line.split(' ').collect::<Vec<_>>());
    redis
}

fn change_acl(redis: &Redis, rule: &str) {
    redis.execute(&["ACL", "SETUSER", "opilio", rule]);
}

#[actix::test]
async fn missing_permissions_prevent_the_start_and_are_named() {
    let redis = redis_with_user();
    let proxy = redis.proxy();
    let environment = [&proxy.variables()[..], &LOGIN].concat();
    let (listens, output) = start(&environment).await;
    assert!(listens && !output.contains("WARN"), "{output}");
    change_acl(&redis, "-zadd");
    change_acl(&redis, "-hincrby");
    let (listens, output) = start(&environment).await;
    assert!(!listens && output.contains("{opilio}:*: HINCRBY, ZADD"), "{output}");
    change_acl(&redis, "-evalsha");
    let (listens, output) = start(&environment).await;
    assert!(!listens && output.contains("'evalsha'"), "{output}");
}

#[actix::test]
async fn permission_revoked_later_causes_503_and_stores_nothing() {
    let (site, redis) = (TestSite::start(), redis_with_user());
    let server = redis.server(&LOGIN).await;
    for command in ["zadd", "hset", "publish", "unlink", "hmget", "evalsha"] {
        change_acl(&redis, &format!("-{command}"));
        let (status, response) = server.post("/crawl/job", json!({"urls": [site.url("/article")]})).await;
        // Notifications are optional, and a submission removes nothing.
        let admitted = command == "publish";
        assert_eq!(status, if admitted { 202 } else { 503 }, "{command}: {response}");
        assert_eq!(server.get("/ready").await.0, if admitted { 200 } else { 503 }, "{command}");
        change_acl(&redis, &format!("+{command}"));
        server.get_until("/ready", |ready| ready["status"] == "ready").await;
        server.get_until("/jobs?status=processing", |list| list["jobs"] == json!([])).await;
    }
    assert_eq!(
        server.get("/jobs").await.1["jobs"].as_array().map(Vec::len),
        Some(1),
        "only the admitted job is stored"
    );
    let path = submit(&server, &site, "/article").await;
    assert_eq!(settled(&server, &path).await["status"], "completed");
}

#[actix::test]
async fn jobs_run_without_permission_for_the_channel() {
    let (site, redis) = (TestSite::start(), redis_with_user());
    change_acl(&redis, "resetchannels");
    let proxy = redis.proxy();
    let (listens, output) = start(&[&proxy.variables()[..], &LOGIN].concat()).await;
    assert!(
        listens && output.contains("denies PUBLISH or SUBSCRIBE on the channel {opilio}:notifications"),
        "{output}"
    );
    let server = redis.server(&LOGIN).await;
    let path = submit(&server, &site, "/article").await;
    let job = settled(&server, &path).await;
    assert_eq!((&job["status"], &job["attempt"]), (&json!("completed"), &json!(1)), "{job}");
    assert_eq!(site.next_webhook().await.body["status"], "completed");
}
