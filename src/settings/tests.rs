mod providers;

use std::time::Duration;

use serde_json::Value;

use super::*;

fn load_file(text: &str) -> Result<Loaded, SettingsError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.yml");
    std::fs::write(&path, text).unwrap();
    load(Some(&path), &[], &[])
}

fn environment(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn shipped_file_equals_defaults() {
    let defaults = load(None, &[], &[]).unwrap();
    let shipped = load_file(defaults::TEXT).unwrap();
    assert_eq!(format!("{:?}", defaults.settings), format!("{:?}", shipped.settings));
    assert_eq!(defaults.settings.webhooks.retry.initial_delay, Duration::from_secs(1));
}

#[test]
fn durations_accept_every_unit_suffix() {
    let text = "webhooks:\n  retry:\n    initial_delay_ms: 500\n    max_delay: 2m\n    timeout_s: 2.5\nredis:\n  task_ttl_seconds: 60\n";
    let settings = load_file(text).unwrap().settings;
    assert_eq!(settings.webhooks.retry.initial_delay, Duration::from_millis(500));
    assert_eq!(settings.webhooks.retry.max_delay, Duration::from_secs(120));
    assert_eq!(settings.webhooks.retry.timeout, Duration::from_millis(2500));
    assert_eq!(settings.redis.task_ttl, Duration::from_secs(60));
}

#[test]
fn two_spellings_in_one_layer_are_an_error() {
    let twice = load_file("webhooks: {retry: {timeout: 1s, timeout_ms: 5}}").unwrap_err().to_string();
    assert!(twice.contains("duplicate key `webhooks.retry.timeout`"), "{twice}");
    let later = environment(&[("OPILIO__WEBHOOKS__RETRY__TIMEOUT_MS", "250"), ("REDIS_TASK_TTL", "5")]);
    let settings = load(None, &later, &[]).unwrap().settings;
    assert_eq!(settings.webhooks.retry.timeout, Duration::from_millis(250));
    assert_eq!(settings.redis.task_ttl, Duration::from_secs(5));
}

#[test]
fn unknown_key_error_names_line_and_closest_key() {
    let text = "webhooks:\n  enabled: true\n  retry:\n    max_atempts: 3\n";
    let error = load_file(text).unwrap_err().to_string();
    assert!(error.contains("config.yml:4") && error.contains("`webhooks.retry.max_attempts`"), "{error}");
    let section = load_file("webhooks: {retri: {max_attempts: 3}}").unwrap_err().to_string();
    assert!(section.contains("did you mean `webhooks.retry`?"), "{section}");
    let variable = load(None, &environment(&[("OPILIO__APP__PROT", "1")]), &[]).unwrap_err().to_string();
    assert!(variable.contains("OPILIO__APP__PROT") && variable.contains("`app.port`"), "{variable}");
}

#[test]
fn invalid_value_error_names_line_and_key() {
    let error = load_file("app:\n  port: many\n").unwrap_err().to_string();
    assert!(error.contains("config.yml:2") && error.contains("app.port"), "{error}");
    let error = load_file("webhooks:\n  retry:\n    timeout: soon\n").unwrap_err().to_string();
    assert!(error.contains("config.yml:3") && error.contains("webhooks.retry.timeout"), "{error}");
}

#[test]
fn repeated_key_is_an_error() {
    let error = load_file("app:\n  port: 1\n  port: 2\n").unwrap_err().to_string();
    assert!(error.contains("port"), "{error}");
}

#[test]
fn crawl4ai_file_loads_and_keys_without_effect_are_reported() {
    let loaded = load_file(include_str!("../../tests/fixtures/crawl4ai-config.yml")).unwrap();
    assert_eq!(loaded.settings.limits.queue.maxsize, 1000);
    assert_eq!(loaded.settings.crawler.pool.max_pages, 40);
    assert_eq!(loaded.settings.webhooks.retry.max_delay, Duration::from_secs(32));
    assert!(loaded.settings.redis.ssl_ca_certs.is_none());
    for key in ["app.reload", "crawler.browser", "limits.queue.workers", "logging.format"] {
        assert!(loaded.notices.iter().any(|notice| notice.starts_with(key)), "{key}: {:?}", loaded.notices);
    }
}

#[test]
fn internal_addresses_are_blocked_behind_proxy_unless_allowed() {
    let proxied = "rate_limiting: {trusted_proxies: [127.0.0.1]}\nsecurity: {allow_unauthenticated: true}";
    for (text, internal) in [
        ("", true),
        ("security: {allow_unauthenticated: true}", true),
        (proxied, false),
        (&format!("{proxied}\negress: {{allow_internal: true}}"), true),
    ] {
        let settings = load_file(text).unwrap_or_else(|error| panic!("{text}: {error}")).settings;
        assert_eq!(settings.internal_allowed(), internal, "{text}");
    }
}

#[test]
fn report_masks_secrets_and_names_origins() {
    let variables =
        environment(&[("CRAWL4AI_API_TOKEN", "hunter2"), ("OPILIO__WEBHOOKS__HEADERS", "{X-Key: hunter2}")]);
    let report = load(None, &variables, &[("app.port", "7".to_owned(), "port")]).unwrap().report();
    assert!(!report.contains("hunter2"), "{report}");
    assert!(report.contains("# CRAWL4AI_API_TOKEN") && report.contains("# --port"), "{report}");
}

#[test]
fn redis_host_selects_redis_store() {
    let settings = load(None, &environment(&[("REDIS_HOST", "cache")]), &[]).unwrap().settings;
    assert_eq!(settings.store.backend, StoreBackend::Redis);
    assert_eq!(settings.redis.host, "cache");
}

#[test]
fn report_masks_every_key_of_type_secret() {
    const PLANTED: &str = "planted-0123456789-abcdefghijklmno";
    let mut secrets = Vec::new();
    let of_other_family = |path: &str| path.starts_with("llm.families.") && !path.starts_with("llm.families.openai.");
    let keys = load(None, &[], &[]).unwrap().layers.keys;
    for key in keys.into_iter().filter(|key| !of_other_family(&key.path)) {
        let value = match key.value {
            Value::Null | Value::String(_) => PLANTED.to_owned(),
            Value::Array(_) => format!("[{PLANTED}]"),
            Value::Object(_) => format!("{{name: {PLANTED}}}"),
            Value::Bool(_) | Value::Number(_) => continue,
        };
        let variable = format!("OPILIO__{}", key.path.to_ascii_uppercase().replace('.', "__"));
        let Ok(loaded) = load(None, &environment(&[(&variable, &value)]), &[]) else { continue };
        // Debug masks secrets.
        if !format!("{:?}", loaded.settings).contains(PLANTED) {
            assert!(!loaded.report().contains(PLANTED), "{}", key.path);
            secrets.push(key.path);
        }
    }
    assert!(secrets.len() > 6, "{secrets:?}");
}

#[test]
fn conflicting_settings_are_an_error() {
    for (text, expected) in [
        ("app: {heartbeat: 0s}", "app.heartbeat (0ns) must be between 100ms and 45s"),
        ("app: {heartbeat: 1m}", "app.heartbeat (60s) must be between"),
        ("app: {host: 0.0.0.0}", "app.host (0.0.0.0): set security.api_token"),
        ("rate_limiting: {trusted_proxies: [127.0.0.1, 10.0.0.0/8]}", "trusted_proxies (127.0.0.1, 10.0.0.0/8)"),
        ("rate_limiting: {default_limit: often}", "1000/minute"),
        ("jobs: {lease: 10ms}", "jobs.lease (10ms) must be at least 1s"),
        (
            "jobs: {retry: {max_delay: 100ms}}",
            "jobs.retry.initial_delay (1s) must not be longer than jobs.retry.max_delay",
        ),
        ("jobs: {retry: {jitter: -0.5}}", "jobs.retry.jitter (-0.5) must be between 0.0 and 1.0"),
        ("jobs: {stall_timeout: 30s}", "jobs.stall_timeout (30s) must be longer than limits.max_page_timeout"),
        ("limits: {header_timeout: 0s}", "limits.header_timeout"),
        ("crawler: {page_timeout: 0s}", "crawler.page_timeout and crawler.parse_timeout must be longer than 0s"),
        ("crawler: {parse_timeout: 1h}", "jobs.stall_timeout (600s) must be longer than limits.max_page_timeout"),
        ("crawler: {retry: {max_retries: 11}}", "(11) must be at most limits.max_retries (10)"),
        ("crawler: {page_timeout: 6m}", "(360s) must be at most limits.max_page_timeout (300s)"),
        ("limits: {max_page_timeout: 0s}", "limits.max_page_timeout must be longer than 0s"),
        ("crawler: {retry: {initial_delay: 1m}}", "crawler.retry.initial_delay (60s) must not be longer than"),
        ("crawler: {retry: {jitter: 2}}", "crawler.retry.jitter (2) must be between"),
        (
            "crawler: {retry: {max_delay: 1h}}",
            "(600s) must be longer than limits.max_page_timeout + crawler.retry.max_delay",
        ),
        ("webhooks: {lease: 30s}", "webhooks.lease (30s) must be longer than webhooks.retry.timeout (30s)"),
        ("webhooks: {lease: 1m, retry: {timeout: 2m}}", "webhooks.retry.timeout (120s)"),
        ("webhooks: {retry: {initial_delay: 1m}}", "webhooks.retry.initial_delay (60s) must not be longer than"),
        ("webhooks: {retry: {timeout: 0s}}", "webhooks.retry.timeout must be longer than 0s"),
        ("webhooks: {retry: {jitter: 1.5}}", "webhooks.retry.jitter (1.5) must be between 0.0 and 1.0"),
        ("llm: {retry: {max_inline_wait: 1h}}", "jobs.stall_timeout (600s) must be longer than llm.timeout"),
        ("llm: {retry: {max_delay: 100ms}}", "llm.retry.initial_delay (1s)"),
        ("security: {jwt_enabled: true}", "SECRET_KEY"),
        ("security: {secret_key: changeme}", "at least 32 random characters"),
        ("security: {secret_key: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa}", "at least 32 random characters"),
        ("security: {cors_allow_origins: [app.example]}", "app.example"),
        ("logging: {format: xml}", "text or json"),
    ] {
        let error = load_file(text).unwrap_err().to_string();
        assert!(error.contains(expected), "{text}: {error}");
    }
    // Crawl4AI's file has no lease, so any timeout is valid.
    assert!(load_file("webhooks: {retry: {timeout_ms: 90000}}").is_ok());
}
