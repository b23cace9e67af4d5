//! What a server logs about Redis at start.

use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::Command;

use super::on_redis::Redis;

/// Starts a server; returns whether it listens, and its output up to then.
pub async fn start(environment: &[(&str, &str)]) -> (bool, String) {
    let directory = tempfile::tempdir().unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_opilio"))
        .args(["serve", "--port", "0"])
        .current_dir(directory.path())
        .envs(environment.iter().copied())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut stderr = child.stderr.take().unwrap();
    let errors = actix::spawn(async move {
        let mut errors = String::new();
        stderr.read_to_string(&mut errors).await.unwrap();
        errors
    });
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut output = String::new();
    stdout.read_line(&mut output).await.unwrap();
    let listens = output.starts_with("listening on");
    if listens {
        child.kill().await.unwrap();
    }
    stdout.read_to_string(&mut output).await.unwrap();
    (listens, output + &errors.await.unwrap())
}

#[actix::test]
async fn safe_redis_causes_no_warning() {
    let redis = Redis::start();
    let (listens, output) = start(&redis.proxy().variables()).await;
    assert!(listens && !output.contains("WARN"), "{output}");
}

#[actix::test]
async fn each_unsafe_redis_setting_is_a_warning() {
    let redis = Redis::start_with(&["--appendonly", "no", "--maxmemory-policy", "allkeys-lru"]);
    let (listens, output) = start(&redis.proxy().variables()).await;
    let warnings: Vec<_> = output.lines().filter(|line| line.contains("WARN")).collect();
    assert!(listens && warnings.len() == 2, "{output}");
    assert!(warnings[0].contains("maxmemory-policy is allkeys-lru"), "{output}");
    assert!(warnings[1].contains("appendonly is no"), "{output}");

    let redis = Redis::start_with(&["--appendonly", "yes"]);
    let (_, output) = start(&redis.proxy().variables()).await;
    let warned = |line: &str| line.contains("WARN") && line.contains("appendfsync is everysec");
    assert!(output.lines().any(warned), "{output}");
}

#[actix::test]
async fn old_redis_version_prevents_the_start() {
    let redis = Redis::start();
    let proxy = redis.proxy_that_replaces("redis_version:7", "redis_version:6");
    let (listens, output) = start(&proxy.variables()).await;
    assert!(!listens && output.contains("version 7.0 or newer is required"), "{output}");
}

#[actix::test]
async fn unsupported_data_format_prevents_the_start() {
    let redis = Redis::start();
    redis.execute(&["SET", "{opilio}:format", "2"]);
    let (listens, output) = start(&redis.proxy().variables()).await;
    assert!(!listens && output.contains("format 2; this version of Opilio supports only format 1"), "{output}");
}

#[actix::test]
async fn unavailable_redis_is_a_warning() {
    let redis = Redis::start();
    let proxy = redis.proxy();
    proxy.cut();
    let (listens, output) = start(&proxy.variables()).await;
    let warned = |line: &str| line.contains("WARN") && line.contains("Redis is unavailable");
    assert!(listens && output.lines().any(warned), "{output}");
}

#[actix::test]
async fn passwords_are_never_logged() {
    let redis = Redis::start_with(&["--appendonly", "yes", "--appendfsync", "always", "--requirepass", "open-sesame"]);
    let verbose = ("OPILIO__LOGGING__LEVEL", "TRACE");
    for (password, accepted) in [("open-sesame", true), ("wrong-sesame", false)] {
        let proxy = redis.proxy();
        let login = [verbose, ("REDIS_PASSWORD", password), ("REDIS_USERNAME", "default")];
        let (listens, output) = start(&[&proxy.variables()[..], &login].concat()).await;
        assert!(listens && !output.contains("sesame"), "{output}");
        assert_eq!(output.contains("Redis is unavailable"), !accepted, "{output}");
    }
}
