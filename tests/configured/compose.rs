//! `docker-compose.yml`, `.env.example` and what docs/getting-started.md shows, held against our own settings, so that they
//! cannot drift. `make test-compose` runs them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use opilio::settings::{self, Settings, StoreBackend};
use serde_json::Value;

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn text(name: &str) -> String {
    std::fs::read_to_string(file(name)).expect("the file exists")
}

fn yaml(text: &str) -> Value {
    serde_saphyr::from_str(text).expect("YAML")
}

fn stack() -> Value {
    yaml(&text("docker-compose.yml"))
}

/// The environment of the server's container: the values of the stack, overridden by those of `overrides`. Variables without
/// a value are taken from `.env`.
fn environment(dot_env: &[(&str, &str)], overrides: &Value) -> Vec<(String, String)> {
    let mut all = BTreeMap::new();
    for file in [&stack(), overrides] {
        let Some(variables) = file["services"]["opilio"]["environment"].as_object() else { continue };
        for (name, value) in variables {
            let site = || dot_env.iter().find(|(known, _)| known == name).map(|(_, value)| (*value).to_owned());
            let value = if value.is_null() { site() } else { Some(variable(value)) };
            all.extend(value.map(|value| (name.clone(), value)));
        }
    }
    all.into_iter().collect()
}

fn variable(value: &Value) -> String {
    value.as_str().expect("values of variables are quoted").to_owned()
}

fn settings_of(dot_env: &[(&str, &str)], overrides: &Value) -> Settings {
    let mounted = file("config.yml");
    settings::load(Some(&mounted), &environment(dot_env, overrides), &[]).expect("valid settings").settings
}

fn duration(value: &Value) -> Duration {
    humantime::parse_duration(value.as_str().expect("a duration")).expect("a duration")
}

fn list(value: &Value) -> Vec<&str> {
    value.as_array().expect("a list").iter().map(|one| one.as_str().expect("text")).collect()
}

#[test]
fn settings_of_stack_are_valid_and_match_its_services() {
    let (stack, settings) = (stack(), settings_of(&[], &Value::Null));
    let opilio = &stack["services"]["opilio"];
    assert_eq!(settings.store.backend, StoreBackend::Redis);
    assert!(stack["services"].get(&settings.redis.host).is_some(), "Redis is a service");
    assert!(settings.app.host.is_unspecified() && settings.security.api_token.is_none());
    assert!(!settings.internal_allowed() && settings.egress.allow.is_empty());
    let ports = format!("127.0.0.1:${{OPILIO_PORTS:-11235}}:{}", settings.app.port);
    assert_eq!(list(&opilio["ports"]), [ports]);
    let (grace, stop_timeout) = (settings.app.shutdown_grace, duration(&opilio["stop_grace_period"]));
    assert_eq!(stop_timeout, Duration::from_secs(30));
    assert!(
        grace + Duration::from_secs(2) < stop_timeout && stop_timeout < grace + Duration::from_secs(10),
        "{grace:?}"
    );
}

#[test]
fn redis_is_durable_and_not_published() {
    let stack = stack();
    let redis = &stack["services"]["redis"];
    let command = list(&redis["command"]);
    for (flag, value) in
        [("--appendonly", "yes"), ("--appendfsync", "always"), ("--maxmemory-policy", "noeviction"), ("--save", "")]
    {
        assert!(command.windows(2).any(|pair| pair == [flag, value]), "{flag} {value}");
    }
    assert!(redis.get("ports").is_none());
    assert_eq!(
        (list(&redis["networks"]), &stack["networks"]["store"]["internal"]),
        (vec!["store"], &Value::Bool(true))
    );
    assert_eq!(list(&redis["volumes"]), ["redis:/data"]);
}

#[test]
fn every_service_is_restricted_and_restarted() {
    for (name, service) in stack()["services"].as_object().expect("services") {
        assert_eq!(service["restart"], "unless-stopped", "{name}");
        assert_eq!(service["read_only"], true, "{name}");
        assert_eq!(list(&service["cap_drop"]), ["ALL"], "{name}");
        assert!(
            service["user"].as_str().is_some_and(|user| !user.starts_with(['0', 'r']) || user == "redis"),
            "{name}"
        );
        for key in ["mem_limit", "healthcheck", "stop_grace_period"] {
            assert!(service.get(key).is_some(), "{name} has no {key}");
        }
    }
}

#[test]
fn every_variable_of_env_example_reaches_the_server() {
    let (example, shipped) = (text(".env.example"), text("docker-compose.yml"));
    let is_name = |name: &str| name.bytes().all(|byte| matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b'_'));
    let lines = example.lines().filter_map(|line| line.strip_prefix('#')?.split_once('='));
    let documented: Vec<(&str, &str)> = lines.filter(|(name, _)| is_name(name)).collect();
    assert!(documented.len() > 10);
    let names = stack()["services"]["opilio"]["environment"].clone();
    for (name, _) in &documented {
        let is_used = names.get(name).is_some_and(Value::is_null) || shipped.contains(&format!("${{{name}:-"));
        assert!(is_used, "{name} is not used by docker-compose.yml");
    }
    for name in names.as_object().expect("variables").iter().filter(|(_, value)| value.is_null()).map(|(name, _)| name)
    {
        assert!(documented.iter().any(|(other, _)| other == name), "{name} is not in .env.example");
    }
    let settings = settings_of(&documented, &Value::Null);
    assert_eq!(settings.security.api_token.expect("a token").expose(), "change-me");
    assert_eq!(settings.egress.allow, ["host.docker.internal", "receiver"]);
    let empty: Vec<(&str, &str)> = documented.iter().map(|(name, _)| (*name, "")).collect();
    assert!(settings_of(&empty, &Value::Null).security.api_token.is_none(), "an empty variable is ignored");
}

#[test]
fn documented_receiver_service_is_allowed_by_its_name() {
    let page = text("docs/getting-started.md");
    let (_, example) = page.split_once("```yaml\n").expect("an example");
    let overrides = yaml(example.split_once("```").expect("the end of the example").0);
    let settings = settings_of(&[], &overrides);
    let added: Vec<&String> = overrides["services"].as_object().expect("services").keys().collect();
    assert_eq!(added, ["receiver", "opilio"]);
    assert_eq!(settings.egress.allow, ["receiver"]);
}
