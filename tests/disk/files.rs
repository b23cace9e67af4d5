//! Files of the store that are moved, removed or copied.

use std::process::Command;

use rusqlite::Connection;
use serde_json::json;

use super::submit;
use super::support::{TestServer, TestSite};

async fn assert_unavailable(server: &TestServer, site: &TestSite) {
    let (status, response) = server.post("/crawl/job", super::job(site, "/article")).await;
    assert_eq!(status, 503, "{response}");
    assert_eq!((server.get("/ready").await.0, server.get("/health").await.0), (503, 200));
}

#[actix::test]
async fn removed_store_file_causes_503_and_is_logged() {
    for name in ["opilio.db", "opilio.db-wal"] {
        let site = TestSite::start();
        let mut server = TestServer::start().await;
        submit(&server, &site, "/article").await;
        site.next_webhook().await;
        std::fs::remove_file(server.folder().join("data").join(name)).unwrap();
        assert_unavailable(&server, &site).await;
        let expected = format!("{name} was moved or removed");
        while !server.next_log_line().await.contains(&expected) {}
    }
}

#[actix::test]
async fn moved_store_is_used_again_when_it_is_back() {
    let site = TestSite::start();
    let mut server = TestServer::start().await;
    let (data, moved) = (server.folder().join("data"), server.folder().join("moved"));
    let first = submit(&server, &site, "/article").await;
    site.next_webhook().await;
    std::fs::rename(&data, &moved).unwrap();
    assert_unavailable(&server, &site).await;
    std::fs::rename(&moved, &data).unwrap();
    let second = submit(&server, &site, "/article").await;
    assert_eq!(site.next_webhook().await.body["task_id"], second.as_str());
    server.kill().await;
    server.restart().await;
    for id in [first, second] {
        assert_eq!(server.get(&format!("/crawl/job/{id}")).await.1["status"], "completed");
    }
}

#[actix::test]
async fn store_file_alone_is_complete_after_a_clean_stop() {
    let site = TestSite::start();
    let mut server = TestServer::start().await;
    let id = submit(&server, &site, "/article").await;
    site.next_webhook().await;
    server.wait_for_webhook_state(&id, "delivered").await;
    server.send_sigterm();
    assert!(server.wait_for_exit().await.success());
    let copy = tempfile::tempdir().unwrap();
    let file = copy.path().join("copy.db");
    std::fs::copy(server.folder().join("data/opilio.db"), &file).unwrap();
    let state: String =
        Connection::open(&file).unwrap().query_row("SELECT state FROM jobs", [], |row| row.get(0)).unwrap();
    assert_eq!(state, "completed");
}

#[actix::test]
async fn backup_of_a_used_store_can_be_restored() {
    let site = TestSite::start();
    let mut server = TestServer::start().await;
    let running = submit(&server, &site, "/gated").await;
    site.wait_for_gated_request().await;
    let backup = |server: &TestServer| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_opilio"));
        command.args(["backup", "backup.db"]).current_dir(server.folder()).output().unwrap()
    };
    let output = backup(&server);
    assert!(output.status.success(), "{output:?}");
    let repeated = backup(&server);
    let errors = String::from_utf8_lossy(&repeated.stderr);
    assert!(!repeated.status.success() && errors.contains("backup.db exists"), "{errors}");

    server.kill().await;
    let data = server.folder().join("data");
    for name in ["opilio.db", "opilio.db-wal", "opilio.db-shm"] {
        std::fs::remove_file(data.join(name)).unwrap();
    }
    std::fs::copy(server.folder().join("backup.db"), data.join("opilio.db")).unwrap();
    site.open_gate();
    server.restart().await;
    assert_eq!(server.wait_until_settled(&running).await["status"], json!("completed"));
}
