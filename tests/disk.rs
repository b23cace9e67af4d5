//! The real binary on a full, read-only, locked or damaged disk.

#[path = "disk/files.rs"]
mod files;
mod namespaces;
#[path = "disk/start.rs"]
mod start;
mod support;

use std::io::Write;
use std::path::Path;
use std::process::Command;

use namespaces::{run, within};
use serde_json::{Value, json};
use support::{DEADLINE, TestServer, TestSite, until};

fn job(site: &TestSite, page: &str) -> Value {
    json!({"urls": [site.url(page)], "webhook_config": {"webhook_url": site.webhook_url()}})
}

async fn submit(server: &TestServer, site: &TestSite, page: &str) -> String {
    let (status, response) = server.post("/crawl/job", job(site, page)).await;
    assert_eq!(status, 202, "{response}");
    response["task_id"].as_str().unwrap().to_owned()
}

/// Limits the size of the server's files, which has the effect of a full disk.
fn limit_file_size(server: &TestServer, bytes: &str) {
    let (pid, limit) = (server.pid().to_string(), format!("--fsize={bytes}:"));
    let status = Command::new("prlimit").args(["--pid", &pid, &limit]).status();
    assert!(status.expect("prlimit is installed (util-linux)").success());
}

#[actix::test]
async fn full_disk_causes_503_and_work_resumes_without_a_restart() {
    let site = TestSite::start();
    let mut server = TestServer::with_config("jobs: {crawl_workers: 1}").await;
    let completed = submit(&server, &site, "/article").await;
    assert_eq!(site.next_webhook().await.body["task_id"], completed.as_str());
    let running = submit(&server, &site, "/gated").await;
    site.wait_for_gated_request().await;
    let queued = submit(&server, &site, "/article").await;

    limit_file_size(&server, "0");
    let body = job(&site, "/article").to_string().into_bytes();
    let json_type = [("content-type", "application/json")];
    for _ in 0..20 {
        let (status, headers, response) = server.request("POST", "/crawl/job", &json_type, body.clone()).await;
        assert_eq!(status, 503, "{response}");
        assert!(headers.contains_key("retry-after"), "{headers:?}");
        assert!(response["detail"].is_string(), "{response}");
    }
    assert_eq!((server.get("/ready").await.0, server.get("/health").await.0), (503, 200));
    // The page cannot be recorded; accepted jobs are readable.
    site.open_gate();
    for id in [&completed, &running, &queued] {
        assert_eq!(server.get(&format!("/crawl/job/{id}")).await.0, 200);
    }
    assert_eq!(server.delete(&format!("/crawl/job/{queued}")).await.0, 503);

    limit_file_size(&server, "unlimited");
    let last = submit(&server, &site, "/article").await;
    assert_eq!(server.get("/ready").await.0, 200);
    let mut notified = Vec::new();
    for _ in 0..3 {
        notified.push(site.next_webhook().await.body["task_id"].as_str().unwrap().to_owned());
    }
    let mut expected = [running.clone(), queued.clone(), last.clone()];
    notified.sort();
    expected.sort();
    assert_eq!(notified, expected);
    server.kill().await;
    server.restart().await;
    let mut finished = Vec::new();
    for id in [&completed, &running, &queued, &last] {
        let (_, job) = server.get(&format!("/crawl/job/{id}")).await;
        assert_eq!((&job["status"], &job["attempt"]), (&json!("completed"), &json!(1)), "{job}");
        finished.push(job["finished_at"].as_str().unwrap().to_owned());
    }
    assert!(finished.is_sorted(), "{finished:?}");
}

#[actix::test]
async fn kill_on_a_full_disk_loses_no_job() {
    let site = TestSite::start();
    let mut server = TestServer::start().await;
    let running = submit(&server, &site, "/gated").await;
    site.wait_for_gated_request().await;
    limit_file_size(&server, "0");
    site.open_gate();
    assert_eq!(server.post("/crawl/job", job(&site, "/article")).await.0, 503);
    server.kill().await;
    server.restart().await;
    assert_eq!(site.next_webhook().await.body["task_id"], running.as_str());
}

#[test]
fn full_filesystem_loses_no_job_and_is_used_again() {
    if !within(&["--mount"], "full_filesystem_loses_no_job_and_is_used_again") {
        return;
    }
    let disk = tempfile::tempdir().unwrap();
    let path = disk.path().to_str().unwrap();
    run("mount", &["-t", "tmpfs", "-o", "size=2m", "small", path]);
    actix::System::new().block_on(async {
        let site = TestSite::start();
        let mut server = TestServer::with_config(&format!("store: {{path: {path}/data}}")).await;
        fill(&disk.path().join("filler"));
        let mut accepted = Vec::new();
        // The free space in the store's own files is used first.
        let submit_until_rejected = async || {
            let (status, response) = server.post("/crawl/job", job(&site, "/article")).await;
            if status == 202 {
                accepted.push(response["task_id"].as_str().unwrap().to_owned());
                return Err(accepted.len());
            }
            assert_eq!(status, 503, "{response}");
            Ok(())
        };
        until(submit_until_rejected, DEADLINE).await;
        assert_eq!((server.get("/ready").await.0, server.get("/health").await.0), (503, 200));

        std::fs::remove_file(disk.path().join("filler")).unwrap();
        accepted.push(submit(&server, &site, "/article").await);
        let mut notified = Vec::new();
        while notified.len() < accepted.len() {
            notified.push(site.next_webhook().await.body["task_id"].as_str().unwrap().to_owned());
        }
        server.kill().await;
        server.restart().await;
        for id in &accepted {
            assert_eq!(server.get(&format!("/crawl/job/{id}")).await.1["status"], "completed");
        }
        accepted.sort();
        notified.sort();
        assert_eq!(notified, accepted);
    });
}

/// Writes a file until the file system is full.
fn fill(path: &Path) {
    let mut file = std::fs::File::create(path).unwrap();
    let error = std::iter::repeat_with(|| file.write_all(&[1; 4096])).find_map(Result::err).unwrap();
    assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
}
