//! What Crawl4AI's client sends by default is accepted without warnings.

use super::*;
use crate::http::crawl4ai::crawl_options::normalize::{normalized, unwrap_dicts};

const FIXTURE: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/crawl4ai-default-configs.json"));

fn fixture() -> Value {
    serde_json::from_str(FIXTURE).unwrap()
}

#[test]
fn defaults_of_crawl4ai_client_have_no_effect() {
    let form = &fixture()["as_its_client_sends_them"];
    assert_eq!(accepted(parse(Some(&form["browser_config"]), Some(&form["crawler_config"]))), Default::default());
}

#[test]
fn defaults_are_accepted_in_each_form() {
    for (form, configs) in fixture().as_object().unwrap() {
        let options = accepted(parse(Some(&configs["browser_config"]), Some(&configs["crawler_config"])));
        assert!(options.fetch.headers.is_empty() && options.fetch.user_agent.is_none(), "{form}");
        assert_eq!(options.page, Default::default(), "{form}");
    }
}

#[test]
fn each_default_is_accepted_alone() {
    for configs in fixture().as_object().unwrap().values() {
        for (section, config) in [(Section::Browser, "browser_config"), (Section::Crawler, "crawler_config")] {
            let config = &configs[config];
            for (key, value) in config.get("params").unwrap_or(config).as_object().unwrap() {
                accepted(given(section, key, value.clone()));
            }
        }
    }
}

#[test]
fn table_has_exactly_the_keys_and_defaults_of_crawl4ai() {
    let parameters = &fixture()["every_parameter"];
    for (section, config) in [(Section::Browser, "browser_config"), (Section::Crawler, "crawler_config")] {
        let crawl4ai = parameters[config].as_object().unwrap();
        let of_version_0_9_2 =
            |name: &&str| !["actions", "body_visibility_timeout"].contains(name) && !OWN_KEYS.contains(name);
        let mut known: Vec<_> = keys(section).iter().map(|key| key.name).filter(of_version_0_9_2).collect();
        let mut expected: Vec<_> = crawl4ai.keys().map(String::as_str).collect();
        known.sort_unstable();
        expected.sort_unstable();
        assert_eq!(known, expected);
        for (name, default) in crawl4ai {
            let entry = find(section, name).unwrap();
            let value = normalized(entry.key.kind, &unwrap_dicts(default)).unwrap_or_default();
            assert!(default.is_null() || entry.is_harmless(&value), "{name}: {default}");
        }
    }
}

#[test]
fn explicit_default_of_an_honoured_number_is_stored() {
    let options = accepted(crawler(json!({"page_timeout": 60000, "max_retries": 0, "semaphore_count": 5.0})));
    assert_eq!(options.fetch.page_timeout, Some(Duration::from_secs(60)));
    assert_eq!(options.fetch.max_retries, Some(0));
    assert_eq!(options.concurrency.map(|count| count.get()), Some(5));
}

#[test]
fn harmless_values_give_no_warning() {
    for section in Section::ALL {
        for key in keys(section) {
            for value in key.harmless {
                accepted(given(section, key.name, serde_json::from_str(value).unwrap()));
            }
        }
    }
}
