//! What a disk can do to the real binary: be full, be read-only, lose half a file, have another process on it, or hold what
//! a newer version wrote. Each is a clear sentence, nothing is damaged, and room that comes back is used.

mod namespaces;
mod support;

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use namespaces::{run, within};
use serde_json::{Value, json};
use support::{TestServer, TestSite};

fn job(site: &TestSite, page: &str) -> Value {
    json!({"urls": [site.url(page)], "webhook_config": {"webhook_url": site.webhook_url()}})
}

async fn submit(server: &TestServer, site: &TestSite, page: &str) -> String {
    let (status, answer) = server.post("/crawl/job", job(site, page)).await;
    assert_eq!(status, 202, "{answer}");
    answer["task_id"].as_str().expect("an id").to_owned()
}

/// From now on no file of the server's may become longer than so many bytes: to who writes, a disk without room.
fn bound_files(server: &TestServer, bytes: &str) {
    let (pid, bound) = (server.pid().to_string(), format!("--fsize={bytes}:"));
    let set = Command::new("prlimit").args(["--pid", &pid, &bound]).status().expect("prlimit is there (util-linux)");
    assert!(set.success());
}

#[actix::test]
async fn while_the_disk_is_full_new_jobs_are_503_and_afterwards_all_goes_on_without_a_restart() {
    let site = TestSite::start();
    let mut server = TestServer::with_config("jobs: {crawl_workers: 1}").await;
    let done = submit(&server, &site, "/article").await;
    assert_eq!(site.next_webhook().await.body["task_id"], done.as_str());
    let running = submit(&server, &site, "/gated").await;
    site.wait_for_gated_request().await;
    let queued = submit(&server, &site, "/article").await;

    bound_files(&server, "0");
    let body = job(&site, "/article").to_string().into_bytes();
    let json_type = [("content-type", "application/json")];
    for _ in 0..20 {
        let (status, headers, answer) = server.request("POST", "/crawl/job", &json_type, body.clone()).await;
        assert_eq!(status, 503, "{answer}");
        assert!(headers.contains_key("retry-after"), "{headers:?}");
        assert!(answer["detail"].is_string(), "{answer}");
    }
    assert_eq!((server.get("/ready").await.0, server.get("/health").await.0), (503, 200));
    // The page comes and cannot be written down; what was accepted is known all the same.
    site.open_gate();
    for id in [&done, &running, &queued] {
        assert_eq!(server.get(&format!("/crawl/job/{id}")).await.0, 200);
    }
    assert_eq!(server.delete(&format!("/crawl/job/{queued}")).await.0, 503);

    bound_files(&server, "unlimited");
    let late = submit(&server, &site, "/article").await;
    assert_eq!(server.get("/ready").await.0, 200);
    let mut next_webhook = Vec::new();
    for _ in 0..3 {
        next_webhook.push(site.next_webhook().await.body);
    }
    let ids: Vec<_> =
        next_webhook.iter().map(|next_webhook| next_webhook["task_id"].as_str().expect("an id")).collect();
    assert_eq!(ids, [&running, &queued, &late], "in their order, each once");
    server.kill().await;
    server.restart().await;
    for id in [&done, &running, &queued, &late] {
        let (_, status) = server.get(&format!("/crawl/job/{id}")).await;
        assert_eq!((&status["status"], &status["attempt"]), (&json!("completed"), &json!(1)), "{status}");
    }
}

#[actix::test]
async fn a_kill_while_the_disk_is_full_loses_nothing_either() {
    let site = TestSite::start();
    let mut server = TestServer::start().await;
    let running = submit(&server, &site, "/gated").await;
    site.wait_for_gated_request().await;
    bound_files(&server, "0");
    site.open_gate();
    assert_eq!(server.post("/crawl/job", job(&site, "/article")).await.0, 503);
    server.kill().await;
    server.restart().await;
    assert_eq!(site.next_webhook().await.body["task_id"], running.as_str());
}

#[test]
fn a_disk_that_runs_full_under_the_store_costs_nothing_that_was_accepted_and_is_used_again_once_there_is_room() {
    let name =
        "a_disk_that_runs_full_under_the_store_costs_nothing_that_was_accepted_and_is_used_again_once_there_is_room";
    if !within(&["--mount"], name) {
        return;
    }
    let disk = tempfile::tempdir().expect("a temporary folder");
    let path = disk.path().to_str().expect("text");
    run("mount", &["-t", "tmpfs", "-o", "size=2m", "small", path]);
    actix::System::new().block_on(async {
        let site = TestSite::start();
        let mut server = TestServer::with_config(&format!("store: {{path: {path}/data}}")).await;
        fill(&disk.path().join("filler"));
        let mut accepted = Vec::new();
        // What is left of the store's own files is used up first.
        loop {
            let (status, answer) = server.post("/crawl/job", job(&site, "/article")).await;
            if status != 202 {
                assert_eq!(status, 503, "{answer}");
                break;
            }
            accepted.push(answer["task_id"].as_str().expect("an id").to_owned());
        }
        assert_eq!((server.get("/ready").await.0, server.get("/health").await.0), (503, 200));

        std::fs::remove_file(disk.path().join("filler")).expect("it is ours");
        accepted.push(submit(&server, &site, "/article").await);
        let mut next_webhook = Vec::new();
        while next_webhook.len() < accepted.len() {
            next_webhook.push(site.next_webhook().await.body["task_id"].as_str().expect("an id").to_owned());
        }
        next_webhook.sort();
        server.kill().await;
        server.restart().await;
        for id in &accepted {
            assert_eq!(server.get(&format!("/crawl/job/{id}")).await.1["status"], "completed");
        }
        accepted.sort();
        assert_eq!(next_webhook, accepted, "each once");
    });
}

/// Takes all the room that is left.
fn fill(filler: &Path) {
    let mut filler = std::fs::File::create(filler).expect("there is room for its name");
    let full = std::iter::repeat_with(|| filler.write_all(&[1; 4096])).find_map(Result::err).expect("it ends");
    assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
}

/// Starts a server on this folder that has to end at once; what it says on standard error.
fn refused(folder: &Path) -> String {
    // The superuser writes where nobody may: he gives that up first.
    let plain = "[ $(id -u) = 0 ] && exec setpriv --bounding-set=-dac_override \"$0\" \"$@\"; exec \"$0\" \"$@\"";
    let output: Output = Command::new("sh")
        .args(["-c", plain, env!("CARGO_BIN_EXE_opilio"), "serve", "--port", "0"])
        .current_dir(folder)
        .output()
        .expect("the binary is built");
    assert!(!output.status.success(), "it started");
    assert!(output.stdout.is_empty(), "it said where it listens");
    let said = String::from_utf8(output.stderr).expect("text");
    assert_eq!(said.lines().count(), 1, "one sentence: {said}");
    said
}

fn allow(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("it is ours");
}

#[actix::test]
async fn a_folder_or_a_file_that_cannot_be_written_stops_the_start_with_a_sentence() {
    let site = TestSite::start();
    let empty = tempfile::tempdir().expect("a temporary folder");
    allow(empty.path(), 0o555);
    let said = refused(empty.path());
    assert!(said.contains("the store directory ./data cannot be used: Permission denied"), "{said}");
    allow(empty.path(), 0o755);

    let mut server = TestServer::start().await;
    let kept = submit(&server, &site, "/article").await;
    site.next_webhook().await;
    server.kill().await;
    let data = server.folder().join("data");
    let locked = ["opilio.db", "opilio.db-wal", "opilio.lock"].map(|name| data.join(name));
    locked.iter().for_each(|path| allow(path, 0o444));
    let said = refused(server.folder());
    assert!(said.contains("the store directory ./data cannot be used: Permission denied"), "{said}");
    allow(&locked[2], 0o644);
    let said = refused(server.folder());
    assert!(said.contains("the store file ./data/opilio.db cannot be used"), "{said}");
    locked.iter().for_each(|path| allow(path, 0o644));
    server.restart().await;
    assert_eq!(server.get(&format!("/crawl/job/{kept}")).await.1["status"], "completed");
}

#[actix::test]
async fn a_path_that_is_no_folder_stops_the_start_with_a_sentence() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("data"), "mine").expect("the folder is ours");
    let said = refused(folder.path());
    assert!(said.contains("the store directory ./data cannot be used"), "{said}");
    assert_eq!(std::fs::read(folder.path().join("data")).expect("it is there"), b"mine");
}

#[actix::test]
async fn a_store_that_another_process_has_is_left_to_it() {
    let site = TestSite::start();
    let mut server = TestServer::start().await;
    let first = submit(&server, &site, "/article").await;
    let said = refused(server.folder());
    assert!(said.contains("the store directory ./data is in use by another process"), "{said}");
    assert_eq!(site.next_webhook().await.body["task_id"], first.as_str());
    let second = submit(&server, &site, "/article").await;
    assert_eq!(site.next_webhook().await.body["task_id"], second.as_str());
    // A process that was killed holds nothing any more.
    server.kill().await;
    server.restart().await;
    assert_eq!(server.get(&format!("/crawl/job/{first}")).await.0, 200);
}

/// The bytes of the store's file and of its log.
fn bytes(folder: &Path) -> [Vec<u8>; 2] {
    ["opilio.db", "opilio.db-wal"].map(|name| std::fs::read(folder.join("data").join(name)).unwrap_or_default())
}

/// A stopped server whose store is one file of many pages, and one of its jobs.
async fn stopped_with_a_long_file(site: &TestSite) -> (TestServer, String) {
    let mut server = TestServer::start().await;
    let long = format!("raw:<p>{}", "words ".repeat(50_000));
    let body = json!({"urls": [long], "webhook_config": {"webhook_url": site.webhook_url()}});
    let (_, answer) = server.post("/crawl/job", body).await;
    site.next_webhook().await;
    server.kill().await;
    let db = rusqlite::Connection::open(server.folder().join("data/opilio.db")).expect("the file is there");
    db.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").expect("nobody else has it");
    (server, answer["task_id"].as_str().expect("an id").to_owned())
}

#[actix::test]
async fn a_store_file_that_was_cut_short_is_named_and_left_as_it_is() {
    let site = TestSite::start();
    let (mut server, id) = stopped_with_a_long_file(&site).await;
    let path = server.folder().join("data/opilio.db");
    let whole = std::fs::read(&path).expect("the file is there");
    for length in [whole.len() - 4096, whole.len() / 2, 4096, 50] {
        std::fs::write(&path, &whole[..length]).expect("it is ours");
        let before = bytes(server.folder());
        let said = refused(server.folder());
        assert!(said.contains("the store file ./data/opilio.db is truncated"), "{said}");
        assert!(bytes(server.folder()) == before, "it was touched");
    }
    std::fs::write(&path, &whole).expect("it is ours");
    server.restart().await;
    assert_eq!(server.get(&format!("/crawl/job/{id}")).await.1["status"], "completed");
}

#[actix::test]
async fn a_file_that_is_no_store_is_named_and_left_as_it_is() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::create_dir(folder.path().join("data")).expect("the folder is ours");
    std::fs::write(folder.path().join("data/opilio.db"), "something else ".repeat(1000)).expect("the folder is ours");
    let before = bytes(folder.path());
    let said = refused(folder.path());
    assert!(said.contains("the store file ./data/opilio.db cannot be used: file is not a database"), "{said}");
    assert!(bytes(folder.path()) == before, "it was touched");
}

#[actix::test]
async fn a_store_of_a_newer_version_is_named_and_left_as_it_is() {
    let site = TestSite::start();
    let (mut server, id) = stopped_with_a_long_file(&site).await;
    let version = |version: i64| {
        let db = rusqlite::Connection::open(server.folder().join("data/opilio.db")).expect("the file is there");
        let known: i64 = db.pragma_query_value(None, "user_version", |row| row.get(0)).expect("it has one");
        db.pragma_update(None, "user_version", version).expect("it can be written");
        db.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").expect("nobody else has it");
        known
    };
    let known = version(99);
    let before = bytes(server.folder());
    let said = refused(server.folder());
    assert!(said.contains("has format 99; this version of Opilio supports only format 1"), "{said}");
    assert!(bytes(server.folder()) == before, "it was touched");
    version(known);
    server.restart().await;
    assert_eq!(server.get(&format!("/crawl/job/{id}")).await.1["status"], "completed");
}

#[actix::test]
async fn a_job_that_cannot_be_read_is_an_error_under_whose_id_the_log_has_the_reason() {
    let site = TestSite::start();
    let (mut server, id) = stopped_with_a_long_file(&site).await;
    let db = rusqlite::Connection::open(server.folder().join("data/opilio.db")).expect("the file is there");
    db.execute("UPDATE jobs SET spec = '{'", ()).expect("it can be written");
    drop(db);
    server.restart().await;
    let (status, answer) = server.get(&format!("/crawl/job/{id}")).await;
    let next_webhook = answer["correlation_id"].as_str().expect("an id").to_owned();
    assert_eq!(
        (status, &answer),
        (500, &json!({"error": "Internal server error", "correlation_id": next_webhook})),
        "and nothing else"
    );
    server.send_sigterm();
    let log = server.remaining_log().await;
    let line = log.lines().find(|line| line.contains(&next_webhook)).expect("the log names it");
    assert!(line.contains("invalid job spec"), "{line}");
}
