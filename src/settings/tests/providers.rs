//! Provider families.

use super::*;

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
fn default_model_of_unknown_family_is_a_notice() {
    let loaded = load(None, &environment(&[("LLM_PROVIDER", "bedrock/x")]), &[]).unwrap();
    assert!(loaded.notices.iter().any(|notice| notice.starts_with("llm.provider: ")), "{:?}", loaded.notices);
}
