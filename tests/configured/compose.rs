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
    std::fs::read_to_string(file(name)).expect("it is there")
}

fn yaml(text: &str) -> Value {
    serde_saphyr::from_str(text).expect("YAML")
}

fn stack() -> Value {
    yaml(&text("docker-compose.yml"))
}

/// The variables of the server's container: those of the file, those that `.env` gives to names without a value, and over
/// them an override's.
fn environment(dot_env: &[(&str, &str)], beside: &Value) -> Vec<(String, String)> {
    let mut all = BTreeMap::new();
    for file in [&stack(), beside] {
        let Some(given) = file["services"]["opilio"]["environment"].as_object() else { continue };
        for (name, value) in given {
            let site = || dot_env.iter().find(|(known, _)| known == name).map(|(_, value)| (*value).to_owned());
            let value = if value.is_null() { site() } else { Some(said(value)) };
            all.extend(value.map(|value| (name.clone(), value)));
        }
    }
    all.into_iter().collect()
}

fn said(value: &Value) -> String {
    value.as_str().expect("values of variables are quoted where they would be something else").to_owned()
}

fn settings_of(dot_env: &[(&str, &str)], beside: &Value) -> Settings {
    let mounted = file("config.yml");
    settings::load(Some(&mounted), &environment(dot_env, beside), &[]).expect("the server starts by it").settings
}

fn duration(value: &Value) -> Duration {
    humantime::parse_duration(value.as_str().expect("a duration")).expect("a duration")
}

fn list(value: &Value) -> Vec<&str> {
    value.as_array().expect("a list").iter().map(|one| one.as_str().expect("text")).collect()
}

#[test]
fn the_stacks_settings_are_settings_of_ours_and_fit_the_rest_of_the_file() {
    let (stack, settings) = (stack(), settings_of(&[], &Value::Null));
    let opilio = &stack["services"]["opilio"];
    assert_eq!(settings.store.backend, StoreBackend::Redis);
    assert!(stack["services"].get(&settings.redis.host).is_some(), "Redis is a service of the stack");
    assert!(settings.app.host.is_unspecified() && settings.security.api_token.is_none());
    assert!(!settings.internal_allowed() && settings.egress.allow.is_empty());
    let ports = format!("127.0.0.1:${{OPILIO_PORTS:-11235}}:{}", settings.app.port);
    assert_eq!(list(&opilio["ports"]), [ports]);
    let (grace, patience) = (settings.app.shutdown_grace, duration(&opilio["stop_grace_period"]));
    assert_eq!(patience, Duration::from_secs(30));
    assert!(grace + Duration::from_secs(2) < patience && patience < grace + Duration::from_secs(10), "{grace:?}");
}

#[test]
fn its_redis_loses_nothing_and_is_published_to_nobody() {
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
fn every_service_is_bounded_bare_and_comes_back() {
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
fn whatever_the_example_of_an_env_file_offers_reaches_the_server() {
    let (example, shipped) = (text(".env.example"), text("docker-compose.yml"));
    let is_name = |name: &str| name.bytes().all(|byte| matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b'_'));
    let lines = example.lines().filter_map(|line| line.strip_prefix('#')?.split_once('='));
    let offered: Vec<(&str, &str)> = lines.filter(|(name, _)| is_name(name)).collect();
    assert!(offered.len() > 10);
    let names = stack()["services"]["opilio"]["environment"].clone();
    for (name, _) in &offered {
        let is_used = names.get(name).is_some_and(Value::is_null) || shipped.contains(&format!("${{{name}:-"));
        assert!(is_used, "{name} is not taken by docker-compose.yml");
    }
    for name in names.as_object().expect("variables").iter().filter(|(_, value)| value.is_null()).map(|(name, _)| name)
    {
        assert!(offered.iter().any(|(offer, _)| offer == name), "{name} is not in .env.example");
    }
    let settings = settings_of(&offered, &Value::Null);
    assert_eq!(settings.security.api_token.expect("a token closes it").expose(), "change-me");
    assert_eq!(settings.egress.allow, ["host.docker.internal", "receiver"]);
    let none: Vec<(&str, &str)> = offered.iter().map(|(name, _)| (*name, "")).collect();
    assert!(settings_of(&none, &Value::Null).security.api_token.is_none(), "what is empty is not there");
}

#[test]
fn documented_receiver_service_is_allowed_by_its_name() {
    let page = text("docs/getting-started.md");
    let (_, piece) = page.split_once("```yaml\n").expect("the page shows it");
    let beside = yaml(piece.split_once("```").expect("it ends").0);
    let settings = settings_of(&[], &beside);
    let added: Vec<&String> = beside["services"].as_object().expect("services").keys().collect();
    assert_eq!(added, ["receiver", "opilio"]);
    assert_eq!(settings.egress.allow, ["receiver"]);
}
