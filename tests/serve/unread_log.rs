//! A server whose standard output is not read.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;
use tokio::time::timeout;

use super::support::DEADLINE;

#[actix::test]
async fn unread_log_blocks_neither_requests_nor_shutdown() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut child = Command::new(env!("CARGO_BIN_EXE_opilio"))
        .args(["serve", "--port", "0"])
        .env("OPILIO__LOGGING__LEVEL", "trace")
        .current_dir(folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("the binary is built");
    // The pipe stays open and is not read any further.
    let mut stdout = BufReader::new(child.stdout.take().expect("it is piped"));
    let mut first = String::new();
    stdout.read_line(&mut first).await.expect("it is text");
    let base = first.trim().strip_prefix("listening on ").expect("the first line names the address").to_owned();
    // reqwest is built without a default TLS provider.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().build().expect("a plain client");
    let get = async |path: &str| {
        let response = client.get(format!("{base}{path}")).send().await.expect("the server responds");
        response.text().await.expect("the response is complete")
    };
    let dropped = async {
        loop {
            for _ in 0..100 {
                let job = client.post(format!("{base}/crawl/job")).header("content-type", "application/json");
                let response = job.body(r#"{"urls": ["raw:<p>text"]}"#).send().await.expect("the server responds");
                assert_eq!(response.status(), 202);
            }
            let metrics = get("/metrics").await;
            let line = metrics.lines().find(|line| line.starts_with("opilio_log_lines_dropped_total"));
            let count = line.and_then(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
            if count.expect("the counter exists") > 0.0 {
                return;
            }
        }
    };
    timeout(DEADLINE, dropped).await.expect("lines are dropped");
    let pid = child.id().expect("it runs").to_string();
    let sent = std::process::Command::new("kill").args(["-TERM", &pid]).status();
    assert!(sent.expect("kill is installed").success());
    let exit = timeout(DEADLINE + Duration::from_secs(1), child.wait()).await.expect("it exits");
    assert!(exit.expect("it was started").success());
}
