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

fn family(loaded: &Loaded, name: &str) -> Family {
    loaded.settings.llm.families.get(name).expect("the family exists").clone()
}

fn key(loaded: &Loaded, name: &str) -> Option<String> {
    family(loaded, name).api_key.map(|key| key.expose().to_owned())
}

#[test]
fn each_family_has_its_own_api_key() {
    let variables = environment(&[("OPENAI_API_KEY", "a"), ("ANTHROPIC_API_KEY", "b"), ("GROQ_TEMPERATURE", "0.5")]);
    let loaded = load(None, &variables, &[]).unwrap();
    assert_eq!((key(&loaded, "openai"), key(&loaded, "anthropic")), (Some("a".into()), Some("b".into())));
    assert_eq!((key(&loaded, "groq"), family(&loaded, "groq").temperature), (None, Some(0.5)));
    assert!(family(&loaded, "openai").needs_key && !family(&loaded, "ollama").needs_key);
}

#[test]
fn general_keys_apply_to_default_family_only() {
    let variables = environment(&[("LLM_PROVIDER", "groq/llama"), ("LLM_API_KEY", "k"), ("LLM_TEMPERATURE", "0.2")]);
    let loaded = load(None, &variables, &[]).unwrap();
    assert_eq!((key(&loaded, "groq"), key(&loaded, "openai")), (Some("k".into()), None));
    assert_eq!(family(&loaded, "groq").temperature, Some(0.2));
    let both = environment(&[("LLM_API_KEY", "general"), ("OPENAI_API_KEY", "own")]);
    assert_eq!(key(&load(None, &both, &[]).unwrap(), "openai"), Some("own".into()));
}

#[test]
fn custom_or_moved_family_needs_no_api_key() {
    let variables = environment(&[("LLM_PROVIDER", "vLLM/qwen"), ("LLM_BASE_URL", "http://10.0.0.7:8000/v1")]);
    let own = family(&load(None, &variables, &[]).unwrap(), "vllm");
    assert_eq!(
        (own.base_url.as_str(), own.needs_key, own.protocol),
        ("http://10.0.0.7:8000/v1", false, Protocol::OpenAi)
    );
    let moved = load(None, &environment(&[("OPENAI_BASE_URL", "http://proxy.lan/v1")]), &[]).unwrap();
    assert_eq!((family(&moved, "openai").needs_key, family(&moved, "mistral").needs_key), (false, true));
}

#[test]
fn file_that_repeats_defaults_overrides_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.yml");
    std::fs::write(&path, defaults::TEXT).unwrap();
    let variables = environment(&[("LLM_BASE_URL", "http://a.lan/v1"), ("GROQ_BASE_URL", "http://b.lan/v1")]);
    let loaded = load(Some(&path), &variables, &[]).unwrap();
    let moved = |name: &str| (family(&loaded, name).base_url.to_string(), family(&loaded, name).needs_key);
    assert_eq!(moved("openai"), ("http://a.lan/v1".to_owned(), false));
    assert_eq!(moved("groq"), ("http://b.lan/v1".to_owned(), false));
    assert_eq!(moved("xai"), ("https://api.x.ai/v1".to_owned(), true));
    let line = |text: &str| defaults::TEXT.lines().position(|line| line.contains(text)).unwrap() + 1;
    let own = format!("{}:{}", path.display(), line("https://api.anthropic.com"));
    let report = loaded.report();
    let reported = report.lines().find(|line| line.contains("https://api.anthropic.com")).unwrap();
    assert!(reported.ends_with(&own), "{reported}: {own}");
}

#[test]
fn families_are_added_by_file_and_environment() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.yml");
    let text = "llm:\n  families:\n    My-vLLM:\n      base_url: http://10.0.0.7:8000/v1\n      api_key_env: GPU_KEY\n      \
        models: [qwen]\n      context_tokens: 32000\n    lm-studio: {base_url: \"http://localhost:1234/v1\"}\n";
    std::fs::write(&path, text).unwrap();
    let variables = environment(&[
        ("GPU_KEY", "hidden"),
        ("OPILIO__LLM__FAMILIES__MY_VLLM__CONCURRENCY", "2"),
        ("OPILIO__LLM__FAMILIES__THIRD__BASE_URL", "http://third.lan/v1"),
        ("OPILIO__LLM__FAMILIES__LM_STUDIO__API_KEY", "hidden-too"),
        ("LM_STUDIO_API_KEY", "not this one"),
    ]);
    let loaded = load(Some(&path), &variables, &[]).unwrap();
    let own = family(&loaded, "my-vllm");
    assert_eq!((own.context_tokens.get(), own.concurrency, own.models), (32_000, 2, vec!["qwen".to_owned()]));
    assert_eq!(key(&loaded, "my-vllm"), Some("hidden".into()));
    assert_eq!(key(&loaded, "lm-studio"), Some("hidden-too".into()));
    assert_eq!(family(&loaded, "third").base_url.as_str(), "http://third.lan/v1");
    let report = loaded.report();
    assert!(
        report.contains("# GPU_KEY") && report.contains("# OPILIO__LLM__FAMILIES__MY_VLLM__CONCURRENCY"),
        "{report}"
    );
    assert!(!report.contains("hidden") && !report.contains("tokens_per_minute"), "{report}");
}

#[test]
fn invalid_family_error_names_line() {
    for (text, expected) in [
        (
            "llm:\n  families:\n    own:\n      base_ur: http://a.lan\n",
            "config.yml:4: unknown key `llm.families.own.base_ur`; did you mean `llm.families.own.base_url`?",
        ),
        (
            "llm:\n  families:\n    own:\n      base_url: a.lan\n",
            "config.yml:4: `llm.families.own.base_url`: expected an http(s) URL",
        ),
        ("llm:\n  families:\n    own:\n      base_url: http://me:pw@a.lan\n", "set api_key instead"),
        ("llm:\n  families:\n    own:\n      context_tokens: 0\n", "base_url`: required"),
        ("llm:\n  families:\n    openai:\n      context_tokens: 0\n", "config.yml:4"),
        ("llm:\n  families:\n    openai:\n      protocol: french\n", "config.yml:4"),
        ("llm:\n  families:\n    openai:\n      temperature: 3\n", "config.yml:4"),
        ("llm:\n  families:\n    llama.cpp:\n      base_url: http://a.lan\n", "`llama.cpp` must not contain a `.`"),
        ("llm: {fallback: unknown/x}", "llm.fallback (`unknown/x`)"),
        ("llm: {allowed_providers: [unknown]}", "llm.allowed_providers contains `unknown`"),
        ("llm: {timeout: 0s}", "llm.timeout"),
        ("llm: {timeout: 1h}", "jobs.stall_timeout (600s) must be longer than llm.timeout"),
        ("llm: {temperature: hot}", "config.yml:1"),
    ] {
        let error = load_file(text).unwrap_err().to_string();
        assert!(error.contains(expected), "{text}: {error}");
    }
    let bad = load(None, &environment(&[("OPENAI_BASE_URL", "10.0.0.7")]), &[]).unwrap_err().to_string();
    assert!(bad.starts_with("OPENAI_BASE_URL: "), "{bad}");
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
fn default_model_of_unknown_family_is_a_notice() {
    let loaded = load(None, &environment(&[("LLM_PROVIDER", "bedrock/x")]), &[]).unwrap();
    assert!(loaded.notices.iter().any(|notice| notice.starts_with("llm.provider: ")), "{:?}", loaded.notices);
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
        ("jobs: {stall_timeout: 30s}", "jobs.stall_timeout (30s) must be longer than crawler.page_timeout"),
        ("limits: {header_timeout: 0s}", "limits.header_timeout"),
        ("crawler: {page_timeout: 0s}", "crawler.page_timeout and crawler.parse_timeout must be longer than 0s"),
        ("crawler: {parse_timeout: 1h}", "jobs.stall_timeout (600s) must be longer than crawler.page_timeout"),
        ("crawler: {retry: {max_retries: 101}}", "crawler.retry.max_retries (101) must be at most 100"),
        ("crawler: {retry: {initial_delay: 1m}}", "crawler.retry.initial_delay (60s) must not be longer than"),
        ("crawler: {retry: {jitter: 2}}", "crawler.retry.jitter (2) must be between"),
        (
            "crawler: {retry: {max_delay: 1h}}",
            "(600s) must be longer than crawler.page_timeout + crawler.retry.max_delay",
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
