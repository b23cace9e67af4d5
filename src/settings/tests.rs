use std::time::Duration;

use super::*;

fn load_file(text: &str) -> Result<Loaded, BadSettings> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.yml");
    std::fs::write(&path, text).unwrap();
    load(Some(&path), &[], &[])
}

fn environment(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn the_shipped_file_is_the_defaults() {
    let defaults = load(None, &[], &[]).unwrap();
    let shipped = load_file(DEFAULTS).unwrap();
    assert_eq!(format!("{:?}", defaults.settings), format!("{:?}", shipped.settings));
    assert_eq!(defaults.settings.webhooks.retry.initial_delay, Duration::from_secs(1));
}

#[test]
fn durations_take_every_spelling() {
    let text = "webhooks:\n  retry:\n    initial_delay_ms: 500\n    max_delay: 2m\n    timeout_s: 2.5\nredis:\n  task_ttl_seconds: 60\n";
    let settings = load_file(text).unwrap().settings;
    assert_eq!(settings.webhooks.retry.initial_delay, Duration::from_millis(500));
    assert_eq!(settings.webhooks.retry.max_delay, Duration::from_secs(120));
    assert_eq!(settings.webhooks.retry.timeout, Duration::from_millis(2500));
    assert_eq!(settings.redis.task_ttl, Duration::from_secs(60));
}

#[test]
fn two_spellings_in_one_file_are_an_error_but_a_later_layer_replaces() {
    let twice = load_file("webhooks: {retry: {timeout: 1s, timeout_ms: 5}}").unwrap_err().to_string();
    assert!(twice.contains("webhooks.retry.timeout") && twice.contains("twice"), "{twice}");
    let later = environment(&[("OPILIO__WEBHOOKS__RETRY__TIMEOUT_MS", "250"), ("REDIS_TASK_TTL", "5")]);
    let settings = load(None, &later, &[]).unwrap().settings;
    assert_eq!(settings.webhooks.retry.timeout, Duration::from_millis(250));
    assert_eq!(settings.redis.task_ttl, Duration::from_secs(5));
}

#[test]
fn an_unknown_key_is_named_with_its_line_and_the_nearest_known_one() {
    let text = "webhooks:\n  enabled: true\n  retry:\n    max_atempts: 3\n";
    let error = load_file(text).unwrap_err().to_string();
    assert!(error.contains("config.yml:4") && error.contains("`webhooks.retry.max_attempts`"), "{error}");
    let variable = load(None, &environment(&[("OPILIO__APP__PROT", "1")]), &[]).unwrap_err().to_string();
    assert!(variable.contains("OPILIO__APP__PROT") && variable.contains("`app.port`"), "{variable}");
}

#[test]
fn a_value_of_the_wrong_kind_is_named_with_its_line() {
    let error = load_file("app:\n  port: many\n").unwrap_err().to_string();
    assert!(error.contains("config.yml:2") && error.contains("app.port"), "{error}");
    let error = load_file("webhooks:\n  retry:\n    timeout: soon\n").unwrap_err().to_string();
    assert!(error.contains("config.yml:3") && error.contains("webhooks.retry.timeout"), "{error}");
}

#[test]
fn a_key_given_twice_is_an_error() {
    let error = load_file("app:\n  port: 1\n  port: 2\n").unwrap_err().to_string();
    assert!(error.contains("port"), "{error}");
}

#[test]
fn a_file_of_the_peer_loads_unchanged_and_its_foreign_keys_are_named() {
    let loaded = load_file(include_str!("../../tests/fixtures/peer-config.yml")).unwrap();
    assert_eq!(loaded.settings.limits.queue.maxsize, 1000);
    assert_eq!(loaded.settings.crawler.pool.max_pages, 40);
    assert_eq!(loaded.settings.webhooks.retry.max_delay, Duration::from_secs(32));
    assert!(loaded.settings.redis.ssl_ca_certs.is_none());
    for key in ["app.reload", "crawler.browser", "limits.queue.workers", "logging.format"] {
        assert!(loaded.notices.iter().any(|notice| notice.starts_with(key)), "{key}: {:?}", loaded.notices);
    }
}

#[test]
fn settings_that_contradict_each_other_stop_the_start() {
    for (text, says) in [
        ("webhooks: {retry: {initial_delay: 1m}}", "max_delay"),
        ("app: {host: 0.0.0.0}", "api_token"),
        ("jobs: {lease: 10ms}", "jobs.lease"),
        ("logging: {format: xml}", "text or json"),
        ("security: {jwt_enabled: true}", "not there yet"),
    ] {
        let error = load_file(text).unwrap_err().to_string();
        assert!(error.contains(says), "{text}: {error}");
    }
}

#[test]
fn the_report_masks_secrets_and_says_where_values_came_from() {
    let given = environment(&[("CRAWL4AI_API_TOKEN", "hunter2"), ("OPILIO__WEBHOOKS__HEADERS", "{X-Key: hunter2}")]);
    let report = load(None, &given, &[("app.port", "7".to_owned(), "port")]).unwrap().report();
    assert!(!report.contains("hunter2"), "{report}");
    assert!(report.contains("# CRAWL4AI_API_TOKEN") && report.contains("# --port"), "{report}");
}

#[test]
fn redis_host_chooses_the_redis_store() {
    let settings = load(None, &environment(&[("REDIS_HOST", "cache")]), &[]).unwrap().settings;
    assert_eq!(settings.store.backend, StoreBackend::Redis);
    assert_eq!(settings.redis.host, "cache");
}
