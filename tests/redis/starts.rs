//! What a start says about the Redis that it finds, and what it never says.

use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::Command;

use super::on_redis::Redis;

/// All that the server writes until it has begun to listen, and whether it has.
async fn start(environment: &[(&str, &str)]) -> (bool, String) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut child = Command::new(env!("CARGO_BIN_EXE_opilio"))
        .args(["serve", "--port", "0"])
        .current_dir(folder.path())
        .envs(environment.iter().copied())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("the binary is built");
    let mut errors = child.stderr.take().expect("it is piped");
    let errors = actix::spawn(async move {
        let mut said = String::new();
        errors.read_to_string(&mut said).await.expect("it is text");
        said
    });
    let mut output = BufReader::new(child.stdout.take().expect("it is piped"));
    let mut said = String::new();
    output.read_line(&mut said).await.expect("it is text");
    let listens = said.starts_with("listening on");
    if listens {
        child.kill().await.expect("it was running");
    }
    output.read_to_string(&mut said).await.expect("it is text");
    (listens, said + &errors.await.expect("it is text"))
}

#[actix::test]
async fn a_start_on_a_safe_redis_has_nothing_to_say_about_it() {
    let redis = Redis::start();
    let (listens, said) = start(&redis.wire().variables()).await;
    assert!(listens && !said.contains("WARN"), "{said}");
}

#[actix::test]
async fn what_is_unsafe_about_a_redis_is_said_in_a_line_each() {
    let redis = Redis::start_with(&["--appendonly", "no", "--maxmemory-policy", "allkeys-lru"]);
    let (listens, said) = start(&redis.wire().variables()).await;
    let warnings: Vec<_> = said.lines().filter(|line| line.contains("WARN")).collect();
    assert!(listens && warnings.len() == 2, "{said}");
    assert!(warnings[0].contains("maxmemory-policy is allkeys-lru"), "{said}");
    assert!(warnings[1].contains("appendonly is no"), "{said}");

    let redis = Redis::start_with(&["--appendonly", "yes"]);
    let (_, said) = start(&redis.wire().variables()).await;
    assert!(said.lines().any(|line| line.contains("WARN") && line.contains("appendfsync is everysec")), "{said}");
}

#[actix::test]
async fn a_redis_that_is_too_old_stops_the_start_by_its_version() {
    let redis = Redis::start();
    let wire = redis.wire_that_says("redis_version:7", "redis_version:6");
    let (listens, said) = start(&wire.variables()).await;
    assert!(!listens && said.contains("7.0 is the oldest that will do"), "{said}");
}

#[actix::test]
async fn data_of_a_version_that_is_too_new_stop_the_start() {
    let redis = Redis::start();
    redis.tell(&["SET", "{opilio}:layout", "2"]);
    let (listens, said) = start(&redis.wire().variables()).await;
    assert!(!listens && said.contains("a newer version's"), "{said}");
}

#[actix::test]
async fn a_redis_that_is_away_is_a_warning_and_no_reason_to_stop() {
    let redis = Redis::start();
    let wire = redis.wire();
    wire.cut();
    let (listens, said) = start(&wire.variables()).await;
    assert!(listens && said.lines().any(|line| line.contains("WARN") && line.contains("is away")), "{said}");
}

#[actix::test]
async fn no_password_is_ever_said_whether_redis_takes_it_or_not() {
    let redis = Redis::start_with(&["--appendonly", "yes", "--appendfsync", "always", "--requirepass", "open-sesame"]);
    let loud = ("OPILIO__LOGGING__LEVEL", "TRACE");
    for (password, taken) in [("open-sesame", true), ("wrong-sesame", false)] {
        let wire = redis.wire();
        let (listens, said) = start(
            &[&wire.variables()[..], &[loud, ("REDIS_PASSWORD", password), ("REDIS_USERNAME", "default")]].concat(),
        )
        .await;
        assert!(listens && !said.contains("sesame"), "{said}");
        assert_eq!(said.contains("is away"), !taken, "{said}");
    }
}
