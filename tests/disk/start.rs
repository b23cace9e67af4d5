//! Stores that cannot be opened. The error is one line, and the files are not changed.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use rusqlite::Connection;
use serde_json::json;

use super::submit;
use super::support::{TestServer, TestSite};

/// Starts a server in this directory that must exit at once; returns its error output.
fn failed_start(directory: &Path) -> String {
    // Root drops the capability that ignores file permissions.
    let script = "[ $(id -u) = 0 ] && exec setpriv --bounding-set=-dac_override \"$0\" \"$@\"; exec \"$0\" \"$@\"";
    let output = Command::new("sh")
        .args(["-c", script, env!("CARGO_BIN_EXE_opilio"), "serve", "--port", "0"])
        .current_dir(directory)
        .output()
        .unwrap();
    assert!(!output.status.success());
    assert!(output.stdout.is_empty());
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(errors.lines().count(), 1, "{errors}");
    errors
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// The bytes of the store file and of its write-ahead log.
fn store_bytes(directory: &Path) -> [Vec<u8>; 2] {
    ["opilio.db", "opilio.db-wal"].map(|name| std::fs::read(directory.join("data").join(name)).unwrap_or_default())
}

fn database(server: &TestServer) -> Connection {
    Connection::open(server.folder().join("data/opilio.db")).unwrap()
}

/// A stopped server whose store file has many pages and an empty write-ahead log, and the id of its job.
async fn stopped_server(site: &TestSite) -> (TestServer, String) {
    let mut server = TestServer::start().await;
    let html = format!("raw:<p>{}", "words ".repeat(50_000));
    let body = json!({"urls": [html], "webhook_config": {"webhook_url": site.webhook_url()}});
    let (_, response) = server.post("/crawl/job", body).await;
    site.next_webhook().await;
    server.kill().await;
    database(&server).execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    (server, response["task_id"].as_str().unwrap().to_owned())
}

#[actix::test]
async fn unwritable_directory_or_file_prevents_the_start() {
    let site = TestSite::start();
    let empty = tempfile::tempdir().unwrap();
    set_mode(empty.path(), 0o555);
    let error = failed_start(empty.path());
    assert!(error.contains("the store directory ./data cannot be used: Permission denied"), "{error}");
    set_mode(empty.path(), 0o755);

    let mut server = TestServer::start().await;
    let id = submit(&server, &site, "/article").await;
    site.next_webhook().await;
    server.kill().await;
    let data = server.folder().join("data");
    let files = ["opilio.db", "opilio.db-wal", "opilio.lock"].map(|name| data.join(name));
    files.iter().for_each(|path| set_mode(path, 0o444));
    let error = failed_start(server.folder());
    assert!(error.contains("the store directory ./data cannot be used: Permission denied"), "{error}");
    set_mode(&files[2], 0o644);
    let error = failed_start(server.folder());
    assert!(error.contains("the store file ./data/opilio.db cannot be used"), "{error}");
    files.iter().for_each(|path| set_mode(path, 0o644));
    server.restart().await;
    assert_eq!(server.get(&format!("/crawl/job/{id}")).await.1["status"], "completed");
}

#[actix::test]
async fn file_in_place_of_the_store_directory_prevents_the_start() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("data"), "text").unwrap();
    let error = failed_start(directory.path());
    assert!(error.contains("the store directory ./data cannot be used"), "{error}");
    assert_eq!(std::fs::read(directory.path().join("data")).unwrap(), b"text");
}

#[actix::test]
async fn store_of_another_process_is_not_opened() {
    let site = TestSite::start();
    let mut server = TestServer::start().await;
    let first = submit(&server, &site, "/article").await;
    let error = failed_start(server.folder());
    assert!(error.contains("the store directory ./data is in use by another process"), "{error}");
    assert_eq!(site.next_webhook().await.body["task_id"], first.as_str());
    let second = submit(&server, &site, "/article").await;
    assert_eq!(site.next_webhook().await.body["task_id"], second.as_str());
    // A killed process holds no lock.
    server.kill().await;
    server.restart().await;
    assert_eq!(server.get(&format!("/crawl/job/{first}")).await.0, 200);
}

#[actix::test]
async fn truncated_store_file_is_rejected_and_unchanged() {
    let site = TestSite::start();
    let (mut server, id) = stopped_server(&site).await;
    let path = server.folder().join("data/opilio.db");
    let complete = std::fs::read(&path).unwrap();
    for length in [complete.len() - 4096, complete.len() / 2, 4096, 50] {
        std::fs::write(&path, &complete[..length]).unwrap();
        let before = store_bytes(server.folder());
        let error = failed_start(server.folder());
        assert!(error.contains("the store file ./data/opilio.db is truncated"), "{error}");
        assert!(store_bytes(server.folder()) == before);
    }
    std::fs::write(&path, &complete).unwrap();
    server.restart().await;
    assert_eq!(server.get(&format!("/crawl/job/{id}")).await.1["status"], "completed");
}

#[actix::test]
async fn file_that_is_not_a_database_is_rejected_and_unchanged() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join("data")).unwrap();
    std::fs::write(directory.path().join("data/opilio.db"), "something else ".repeat(1000)).unwrap();
    let before = store_bytes(directory.path());
    let error = failed_start(directory.path());
    assert!(error.contains("the store file ./data/opilio.db cannot be used: file is not a database"), "{error}");
    assert!(store_bytes(directory.path()) == before);
}

#[actix::test]
async fn unsupported_store_format_is_rejected_and_unchanged() {
    let site = TestSite::start();
    let (mut server, id) = stopped_server(&site).await;
    let set_format = |format: i64| {
        let db = database(&server);
        db.pragma_update(None, "user_version", format).unwrap();
        db.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    };
    set_format(99);
    let before = store_bytes(server.folder());
    let error = failed_start(server.folder());
    assert!(error.contains("has format 99; this version of Opilio supports only format 1"), "{error}");
    assert!(store_bytes(server.folder()) == before);
    set_format(1);
    server.restart().await;
    assert_eq!(server.get(&format!("/crawl/job/{id}")).await.1["status"], "completed");
}

#[actix::test]
async fn unreadable_job_is_an_error_logged_with_its_reason() {
    let site = TestSite::start();
    let (mut server, id) = stopped_server(&site).await;
    database(&server).execute("UPDATE jobs SET spec = '{'", ()).unwrap();
    server.restart().await;
    let (status, response) = server.get(&format!("/crawl/job/{id}")).await;
    let correlation_id = response["correlation_id"].as_str().unwrap().to_owned();
    let expected = json!({"error": "Internal server error", "correlation_id": correlation_id});
    assert_eq!((status, &response), (500, &expected));
    server.send_sigterm();
    let log = server.remaining_log().await;
    let line = log.lines().find(|line| line.contains(&correlation_id)).unwrap();
    assert!(line.contains("invalid job spec"), "{line}");
}
