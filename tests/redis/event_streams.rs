//! Event streams over several servers.

use serde_json::json;
use tokio::time::timeout;

use super::on_redis::Redis;
use super::submit;
use super::support::events::events_until;
use super::support::{DEADLINE, TestServer, TestSite};

async fn open_stream(server: &TestServer, last_event_id: Option<u64>) -> reqwest::Response {
    let mut request = server.client().get(format!("{}/events", server.base()));
    if let Some(id) = last_event_id {
        request = request.header("last-event-id", id.to_string());
    }
    request.send().await.unwrap()
}

/// Reads the stream until the job at `path` is completed; returns the text and the last event id.
async fn read_until_completed(mut stream: reqwest::Response, path: &str) -> (String, Option<u64>) {
    let mut text = String::new();
    loop {
        let Ok(chunk) = timeout(DEADLINE, stream.chunk()).await else { panic!("{path} is not completed: {text}") };
        let chunk = chunk.unwrap().unwrap();
        text.push_str(std::str::from_utf8(&chunk).unwrap());
        let completed = |event: &str| event.contains("event: completed") && event.contains(path);
        if text.split("\n\n").any(completed) && text.ends_with("\n\n") {
            let last = text.lines().filter_map(|line| line.strip_prefix("id: ")?.parse().ok()).next_back();
            return (text, last);
        }
    }
}

#[actix::test]
async fn stream_of_all_jobs_includes_jobs_of_other_servers() {
    let (site, redis) = (TestSite::start(), Redis::start());
    let (first, second) = (redis.server(&[]).await, redis.server(&[]).await);
    let stream = open_stream(&second, None).await;
    let path = submit(&first, &site, "/article").await;
    read_until_completed(stream, &path).await;
}

#[actix::test]
async fn stream_of_all_jobs_resumes_at_another_server() {
    let (site, redis) = (TestSite::start(), Redis::start());
    let (mut first, second) = (redis.server(&[]).await, redis.server(&[]).await);
    let before = submit(&first, &site, "/article").await;
    let (text, last) = read_until_completed(open_stream(&first, Some(0)).await, &before).await;
    assert_eq!(text.matches("event: completed").count(), 1, "{text}");
    first.kill().await;
    let after = submit(&second, &site, "/article").await;
    let (text, _) = read_until_completed(open_stream(&second, last).await, &after).await;
    assert!(!text.contains(&before), "{text}");
}

#[actix::test]
async fn stream_of_one_job_resumes_at_another_server() {
    let (site, redis) = (TestSite::start(), Redis::start());
    let (mut first, second) = (redis.server(&[]).await, redis.server(&[]).await);
    let (_, job) = first.post("/crawl/job", json!({"urls": [site.url("/gated"), site.url("/article")]})).await;
    let path = format!("/jobs/{}/events", job["task_id"].as_str().unwrap());
    let before = events_until(&first, &path, None, "page").await;
    site.wait_for_gated_request().await;
    first.kill().await;
    site.open_gate();
    let last = before.last().unwrap();
    let after = events_until(&second, &path, Some(&last.id), "none").await;
    let names: Vec<_> = before.iter().chain(&after).map(|event| event.name.as_str()).collect();
    assert_eq!(names, ["queued", "started", "page", "page", "completed"]);
    let mut pages = [last, &after[0]].map(|event| event.data["index"].as_u64());
    pages.sort();
    assert_eq!(pages, [Some(0), Some(1)], "each page once");
}
