//! The configuration of the real binary.

#[path = "configured/compose.rs"]
mod compose;
mod support;

use std::process::{Command, Output};

use serde_json::json;
use support::{TestServer, TestSite};

fn opilio(config: &str, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("config.yml"), config).expect("a writable folder");
    Command::new(env!("CARGO_BIN_EXE_opilio"))
        .args(arguments)
        .envs(environment.iter().copied())
        .current_dir(folder.path())
        .output()
        .expect("the binary is built")
}

#[actix::test]
async fn example_5_default_url_receives_webhook_of_job_without_config() {
    let site = TestSite::start();
    let config =
        format!("webhooks:\n  enabled: true\n  default_url: \"{}\"\n  data_in_payload: false\n", site.webhook_url());
    let server = TestServer::with_config(&config).await;
    let (status, job) = server.post("/crawl/job", json!({"urls": [site.url("/article")]})).await;
    assert_eq!(status, 202);
    let webhook = site.next_webhook().await;
    assert_eq!(webhook.body["task_id"], job["task_id"]);
    assert_eq!(webhook.body["status"], "completed");
    assert!(webhook.body.get("data").is_none());
}

#[actix::test]
async fn webhooks_have_configured_headers_signature_and_data() {
    let site = TestSite::start();
    let config =
        "webhooks: {headers: {User-Agent: Mine/1.0, X-Team: blue}, secrets: [whsec_c2VjcmV0], data_in_payload: true}";
    let server = TestServer::with_config(config).await;
    let body = json!({"urls": [site.url("/article")], "webhook_config": {"webhook_url": site.webhook_url()}});
    server.post("/crawl/job", body).await;
    let webhook = site.next_webhook().await;
    assert_eq!(webhook.header("user-agent"), Some("Mine/1.0"));
    assert_eq!(webhook.header("x-team"), Some("blue"));
    assert!(webhook.header("webhook-signature").is_some_and(|signature| signature.starts_with("v1,")));
    assert!(webhook.body["data"]["markdown"].is_string());
}

#[actix::test]
async fn disabled_webhooks_are_not_sent() {
    let site = TestSite::start();
    let server = TestServer::with_config("webhooks: {enabled: false}").await;
    let body = json!({"urls": ["raw:<p>x</p>"], "webhook_config": {"webhook_url": site.webhook_url()}});
    let (_, job) = server.post("/crawl/job", body).await;
    let (_, status) = server.get(&format!("/crawl/job/{}", job["task_id"].as_str().expect("an id"))).await;
    assert!(status.get("webhook").is_none());
}

#[actix::test]
async fn webhook_retries_follow_configured_schedule() {
    let site = TestSite::start();
    let server = TestServer::with_config("webhooks: {retry: {max_attempts: 2, initial_delay_ms: 10}}").await;
    site.set_webhook_statuses(&[500, 500]);
    let body = json!({"urls": ["raw:<p>x</p>"], "webhook_config": {"webhook_url": site.webhook_url()}});
    let (_, job) = server.post("/crawl/job", body).await;
    site.next_webhook().await;
    site.next_webhook().await;
    let status = server.wait_for_webhook_state(job["task_id"].as_str().expect("an id"), "exhausted").await;
    assert_eq!(status["webhook"]["attempts"], 2);
}

#[actix::test]
async fn requests_without_valid_token_are_rejected() {
    let server = TestServer::with_config("security: {api_token: letmein}").await;
    let (status, error) = server.get("/jobs").await;
    assert_eq!(status, 401);
    assert!(error["detail"].is_string());
    assert_eq!(server.get("/health").await.0, 200);
    for (name, value, expected) in [
        ("authorization", "Bearer letmein", 200),
        ("authorization", "bearer letmein", 200),
        ("x-api-key", "letmein", 200),
        ("authorization", "Bearer letmei", 401),
        ("authorization", "letmein", 401),
        ("x-api-key", "", 401),
    ] {
        assert_eq!(server.get_status_with_header("/jobs", name, value).await, expected, "{name}: {value}");
    }
}

#[actix::test]
async fn health_command_reports_whether_server_is_alive() {
    let server = TestServer::start().await;
    let port = server.port();
    assert!(opilio("", &["health", "--port", &port], &[]).status.success());
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let unused = free.local_addr().expect("bound").port().to_string();
    drop(free);
    assert!(!opilio("", &["health", "--port", &unused], &[]).status.success());
}

#[test]
fn config_command_prints_values_and_origins() {
    let output = opilio("app:\n  port: 7\n", &["config"], &[("CRAWL4AI_API_TOKEN", "hunter2")]);
    let text = String::from_utf8(output.stdout).expect("text");
    assert!(output.status.success());
    assert!(text.contains("port: 7") && text.contains("# config.yml:2"), "{text}");
    assert!(!text.contains("hunter2") && text.contains("# CRAWL4AI_API_TOKEN"), "{text}");
}

#[test]
fn invalid_configuration_prevents_start() {
    for (config, arguments, environment, expected) in [
        ("webhooks:\n  retries: 3\n", &["serve"][..], &[][..], "config.yml:2: unknown key `webhooks.retries`"),
        ("", &["serve", "--host", "0.0.0.0"], &[], "security.allow_unauthenticated"),
        ("rate_limiting: {trusted_proxies: [127.0.0.1]}", &["serve"], &[], "security.allow_unauthenticated"),
        ("redis: {ssl: true, ssl_certfile: a.pem}", &["serve"], &[("REDIS_HOST", "cache")], "redis.ssl_keyfile"),
        ("", &["serve", "--config", "missing.yml"], &[], "missing.yml"),
        ("webhooks: {lease: 10s}", &["serve"], &[], "otherwise an attempt is repeated while it is in flight"),
        ("jobs: {stall_timeout: 10s}", &["serve"], &[], "otherwise a slow job counts as stalled"),
        ("webhooks: {headers: {\"X Y\": z}}", &["serve"], &[], "webhooks"),
        ("egress: {allow: [\"a b\"]}", &["serve"], &[], "egress.allow"),
        ("egress: {allow_webhooks: [10.0.0.0/40]}", &["serve"], &[], "egress.allow_webhooks"),
        ("", &["serve"], &[("OPILIO__EGRESS__PORTS__DENY", "[25, 9-8]")], "egress.ports"),
        ("logging: {level: \"=\"}", &["serve"], &[], "logging.level"),
    ] {
        let output = opilio(config, arguments, environment);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && output.stdout.is_empty(), "{config} {arguments:?}: {error}");
        assert!(error.contains(expected), "{config} {arguments:?}: {error}");
    }
}

#[actix::test]
async fn unauthenticated_server_on_network_blocks_internal_addresses() {
    let site = TestSite::start();
    let server = TestServer::with_config("app: {host: 0.0.0.0}\nsecurity: {allow_unauthenticated: true}").await;
    let (status, error) = server.post("/crawl/job", json!({"urls": [site.url("/article")]})).await;
    let loc = json!(["body", "urls", 0]);
    assert_eq!((status, &error["detail"][0]["msg"]), (422, &json!("URL blocked")), "{error}");
    assert_eq!(error["detail"][0]["loc"], loc);
}

#[actix::test]
async fn log_is_json_if_configured() {
    let site = TestSite::start();
    let mut server = TestServer::with_config("logging: {format: json}").await;
    let body = json!({"urls": ["raw:<p>x</p>"], "webhook_config": {"webhook_url": site.webhook_url()}});
    let (_, job) = server.post("/crawl/job", body).await;
    site.next_webhook().await;
    loop {
        let line = server.next_log_line().await;
        let line: serde_json::Value = serde_json::from_str(&line).expect("each line is JSON");
        if line["target"] == "webhook" && line["fields"].to_string().contains(job["task_id"].as_str().expect("an id")) {
            break;
        }
    }
}

#[test]
fn page_command_reads_file() {
    let story = "The old bridge over the river was closed on Monday, after engineers had found cracks in its arches.";
    let html = format!(
        "<title>Bridge closed</title><nav class=menu><a href=/>Home</a> <a href=/jobs>Jobs</a></nav>\
         <article><h1>Bridge closed</h1><p>{story} <a href=map>Map</a></p><p>{story}</p></article>"
    );
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("page.html");
    std::fs::write(&file, html).expect("a writable folder");
    let printed = |arguments: &[&str]| {
        let file = file.to_str().expect("a UTF-8 path");
        let output = opilio("", &[&["page", file, "--url", "https://a.example/x/"], arguments].concat(), &[]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    };
    let raw = printed(&["--markdown"]);
    assert!(raw.contains("[Jobs](https://a.example/jobs)") && raw.contains("[Map](https://a.example/x/map)"), "{raw}");
    assert_eq!(printed(&[]), raw);
    let fit = printed(&["--fit"]);
    assert!(fit.contains("cracks in its arches") && !fit.contains("Jobs"), "{fit}");
    let all: serde_json::Value = serde_json::from_str(&printed(&["--fit", "--json"])).expect("JSON");
    assert_eq!((&all["markdown"]["fit_markdown"], &all["metadata"]["title"]), (&json!(fit), &json!("Bridge closed")));
    let explained = printed(&["--fit", "--explain"]);
    let lines: Vec<&str> = explained.lines().collect();
    let is_kept = |text: &str| lines.iter().find(|line| line.ends_with(text)).map(|line| line.starts_with("kept"));
    assert_eq!((is_kept("Bridge closed"), is_kept("Jobs")), (Some(true), Some(false)), "{explained}");
    assert!(explained.contains("  title heading: ") || explained.contains("  content: Bridge closed"), "{explained}");
    std::fs::write(&file, "%PDF-1.7\n\x01").expect("a writable folder");
    let other = opilio("", &["page", file.to_str().expect("a UTF-8 path")], &[]);
    let error = String::from_utf8_lossy(&other.stderr).into_owned();
    assert!(!other.status.success() && error.contains("Unsupported content type application/pdf"), "{error}");
    let missing = opilio("", &["page", "missing.html"], &[]);
    assert!(!missing.status.success() && String::from_utf8_lossy(&missing.stderr).contains("missing.html"));
}

#[actix::test]
async fn page_command_fetches_url() {
    let site = TestSite::start();
    let read = async |path: &str, how: &'static str| {
        let url = site.url(path);
        let output =
            actix_web::web::block(move || opilio("", &["page", &url, how], &[])).await.expect("the command ran");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    };
    assert!(read("/article", "--markdown").await.contains("# A title"));
    for how in ["--markdown", "--fit"] {
        assert_eq!(read("/text", how).await, support::TEXT, "{how}");
    }
}

#[actix::test]
async fn configured_content_filter_applies_to_all_jobs() {
    let (site, server) = (TestSite::start(), TestServer::with_config("crawler: {content_filter: main}\n").await);
    let (status, answer) = server.post("/crawl", json!({"urls": [site.url("/article")]})).await;
    let page = &answer["results"][0];
    assert!(status == 200 && page["markdown"]["fit_markdown"].as_str().is_some_and(|fit| !fit.is_empty()), "{answer}");
    assert_eq!(page["fit_html"], page["markdown"]["fit_html"]);
}
