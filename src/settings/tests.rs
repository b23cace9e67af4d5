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
        ("rate_limiting: {trusted_proxies: [127.0.0.1, 10.0.0.0/8]}", "names 127.0.0.1, 10.0.0.0/8, by which others"),
        ("jobs: {lease: 10ms}", "jobs.lease"),
        ("logging: {format: xml}", "text or json"),
        ("security: {jwt_enabled: true}", "SECRET_KEY"),
        ("security: {secret_key: changeme}", "can be guessed"),
        ("security: {secret_key: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa}", "can be guessed"),
        ("security: {cors_allow_origins: [app.example]}", "app.example"),
        ("rate_limiting: {default_limit: often}", "1000/minute"),
        ("limits: {head_timeout: 0s}", "limits.head_timeout"),
    ] {
        let error = load_file(text).unwrap_err().to_string();
        assert!(error.contains(says), "{text}: {error}");
    }
}

#[test]
fn behind_a_proxy_internal_addresses_are_for_nobody_unless_that_is_said() {
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

fn family(loaded: &Loaded, name: &str) -> Family {
    loaded.settings.llm.families.get(name).expect("it is known").clone()
}

fn key(loaded: &Loaded, name: &str) -> Option<String> {
    family(loaded, name).api_key.map(|key| key.expose().to_owned())
}

#[test]
fn each_family_of_models_has_its_own_key() {
    let given = environment(&[("OPENAI_API_KEY", "a"), ("ANTHROPIC_API_KEY", "b"), ("GROQ_TEMPERATURE", "0.5")]);
    let loaded = load(None, &given, &[]).unwrap();
    assert_eq!((key(&loaded, "openai"), key(&loaded, "anthropic")), (Some("a".into()), Some("b".into())));
    assert_eq!((key(&loaded, "groq"), family(&loaded, "groq").temperature), (None, Some(0.5)));
    assert!(family(&loaded, "openai").needs_key && !family(&loaded, "ollama").needs_key);
}

#[test]
fn the_general_keys_go_to_the_default_models_family_only() {
    let given = environment(&[("LLM_PROVIDER", "groq/llama"), ("LLM_API_KEY", "k"), ("LLM_TEMPERATURE", "0.2")]);
    let loaded = load(None, &given, &[]).unwrap();
    assert_eq!((key(&loaded, "groq"), key(&loaded, "openai")), (Some("k".into()), None));
    assert_eq!(family(&loaded, "groq").temperature, Some(0.2));
    let both = environment(&[("LLM_API_KEY", "general"), ("OPENAI_API_KEY", "own")]);
    assert_eq!(key(&load(None, &both, &[]).unwrap(), "openai"), Some("own".into()));
}

#[test]
fn a_family_of_ones_own_is_an_address_and_needs_no_key() {
    let given = environment(&[("LLM_PROVIDER", "vLLM/qwen"), ("LLM_BASE_URL", "http://10.0.0.7:8000/v1")]);
    let own = family(&load(None, &given, &[]).unwrap(), "vllm");
    assert_eq!((own.base_url.as_str(), own.needs_key, own.speaks), ("http://10.0.0.7:8000/v1", false, Speaks::OpenAi));
    let moved = load(None, &environment(&[("OPENAI_BASE_URL", "http://proxy.lan/v1")]), &[]).unwrap();
    assert_eq!((family(&moved, "openai").needs_key, family(&moved, "mistral").needs_key), (false, true));
}

#[test]
fn a_file_that_repeats_the_defaults_is_in_nobodys_way() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.yml");
    std::fs::write(&path, DEFAULTS).unwrap();
    let given = environment(&[("LLM_BASE_URL", "http://a.lan/v1"), ("GROQ_BASE_URL", "http://b.lan/v1")]);
    let loaded = load(Some(&path), &given, &[]).unwrap();
    let moved = |name: &str| (family(&loaded, name).base_url.to_string(), family(&loaded, name).needs_key);
    assert_eq!(moved("openai"), ("http://a.lan/v1".to_owned(), false));
    assert_eq!(moved("groq"), ("http://b.lan/v1".to_owned(), false));
    assert_eq!(moved("xai"), ("https://api.x.ai/v1".to_owned(), true));
    let line = |text: &str| DEFAULTS.lines().position(|line| line.contains(text)).unwrap() + 1;
    let own = format!("{}:{}", path.display(), line("https://api.anthropic.com"));
    let report = loaded.report();
    let reported = report.lines().find(|line| line.contains("https://api.anthropic.com")).unwrap();
    assert!(reported.ends_with(&own), "{reported}: {own}");
}

#[test]
fn any_number_of_families_are_added_in_the_file_and_by_environment() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.yml");
    let text = "llm:\n  families:\n    My-vLLM:\n      base_url: http://10.0.0.7:8000/v1\n      api_key_env: GPU_KEY\n      \
        models: [qwen]\n      context_tokens: 32000\n    lm-studio: {base_url: \"http://localhost:1234/v1\"}\n";
    std::fs::write(&path, text).unwrap();
    let given = environment(&[
        ("GPU_KEY", "hidden"),
        ("OPILIO__LLM__FAMILIES__MY_VLLM__CONCURRENCY", "2"),
        ("OPILIO__LLM__FAMILIES__THIRD__BASE_URL", "http://third.lan/v1"),
        ("OPILIO__LLM__FAMILIES__LM_STUDIO__API_KEY", "hidden-too"),
        ("LM_STUDIO_API_KEY", "not this one"),
    ]);
    let loaded = load(Some(&path), &given, &[]).unwrap();
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
fn what_is_wrong_with_a_family_is_named_with_its_line() {
    for (text, says) in [
        (
            "llm:\n  families:\n    own:\n      base_ur: http://a.lan\n",
            "config.yml:4: unknown key `llm.families.own.base_ur`; is `llm.families.own.base_url` meant?",
        ),
        (
            "llm:\n  families:\n    own:\n      base_url: a.lan\n",
            "config.yml:4: `llm.families.own.base_url`: is not an http(s) address",
        ),
        ("llm:\n  families:\n    own:\n      base_url: http://me:pw@a.lan\n", "a key belongs in api_key"),
        ("llm:\n  families:\n    own:\n      context_tokens: 0\n", "base_url`: is needed"),
        ("llm:\n  families:\n    openai:\n      context_tokens: 0\n", "config.yml:4"),
        ("llm:\n  families:\n    openai:\n      speaks: french\n", "config.yml:4"),
        ("llm:\n  families:\n    openai:\n      temperature: 3\n", "config.yml:4"),
        ("llm:\n  families:\n    llama.cpp:\n      base_url: http://a.lan\n", "`llama.cpp` holds a `.`"),
        ("llm: {fallback: nobody/x}", "llm.fallback is `nobody/x`"),
        ("llm: {allowed_providers: [nobody]}", "llm.allowed_providers holds `nobody`"),
        ("llm: {timeout: 0s}", "llm.timeout"),
        ("llm: {timeout: 1h}", "jobs.stall_timeout is 600s, not longer than llm.timeout"),
        ("llm: {temperature: hot}", "config.yml:1"),
    ] {
        let error = load_file(text).unwrap_err().to_string();
        assert!(error.contains(says), "{text}: {error}");
    }
    let bad = load(None, &environment(&[("OPENAI_BASE_URL", "10.0.0.7")]), &[]).unwrap_err().to_string();
    assert!(bad.starts_with("OPENAI_BASE_URL: "), "{bad}");
}

#[test]
fn every_key_of_a_family_is_in_the_shipped_file() {
    for (name, _) in families::keys() {
        assert!(DEFAULTS.contains(&format!("    #   {name}: ")), "{name}");
    }
}

#[test]
fn a_default_model_that_nobody_has_is_said_once_and_stops_nothing() {
    let loaded = load(None, &environment(&[("LLM_PROVIDER", "bedrock/x")]), &[]).unwrap();
    assert!(loaded.notices.iter().any(|notice| notice.starts_with("llm.provider: ")), "{:?}", loaded.notices);
}

#[test]
fn settings_that_contradict_each_other_stop_the_start_with_a_sentence() {
    for (text, says) in [
        ("webhooks: {lease: 30s}", "webhooks.lease is 30s, not longer than webhooks.retry.timeout"),
        ("webhooks: {lease: 1m, retry: {timeout: 2m}}", "webhooks.retry.timeout, 120s"),
        ("jobs: {stall_timeout: 30s}", "jobs.stall_timeout is 30s, not longer than crawler.page_timeout"),
        ("webhooks: {retry: {initial_delay: 1m}}", "webhooks.retry.initial_delay is longer than"),
        ("app: {heartbeat: 0s}", "app.heartbeat is 0ns; it lies between 100ms and 45s"),
        ("app: {heartbeat: 1m}", "app.heartbeat is 60s; it lies between"),
        ("jobs: {lease: 100ms}", "jobs.lease is shorter than 1s"),
        ("webhooks: {retry: {timeout: 0s}}", "webhooks.retry.timeout must not be zero"),
        ("webhooks: {retry: {jitter: 1.5}}", "webhooks.retry.jitter is 1.5; it lies between 0 and 1"),
        ("crawler: {page_timeout: 0s}", "crawler.page_timeout and crawler.parse_timeout must not be zero"),
        ("crawler: {parse_timeout: 1h}", "jobs.stall_timeout is 600s, not longer than crawler.page_timeout"),
        ("llm: {retry: {patience: 1h}}", "a slow model would be taken for a job that hangs"),
    ] {
        let error = load_file(text).unwrap_err().to_string();
        assert!(error.contains(says), "{text}: {error}");
    }
    // A file of the peer's names no lease: the time-out may be any.
    assert!(load_file("webhooks: {retry: {timeout_ms: 90000}}").is_ok());
}
