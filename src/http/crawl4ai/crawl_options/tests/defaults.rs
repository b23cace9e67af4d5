//! What the peer's own client sends by default is never refused and never warned about.

use super::*;

const FIXTURE: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/crawl4ai-default-configs.json"));

fn fixture() -> Value {
    serde_json::from_str(FIXTURE).unwrap()
}

#[test]
fn what_the_peers_client_sends_by_default_is_accepted_and_means_nothing() {
    let form = &fixture()["as_its_client_sends_them"];
    assert_eq!(accepted(parse(Some(&form["browser_config"]), Some(&form["crawler_config"]))), Default::default());
}

#[test]
fn every_default_of_the_peer_is_accepted_in_each_of_its_forms() {
    for (form, configs) in fixture().as_object().unwrap() {
        let options = accepted(parse(Some(&configs["browser_config"]), Some(&configs["crawler_config"])));
        assert!(options.fetch.headers.is_empty() && options.fetch.user_agent.is_none(), "{form}");
        assert_eq!(options.page, Default::default(), "{form}");
    }
}

#[test]
fn every_default_of_the_peer_is_accepted_alone() {
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
fn the_table_has_the_peers_keys_and_defaults_and_no_others() {
    let parameters = &fixture()["every_parameter"];
    for (section, config) in [(Section::Browser, "browser_config"), (Section::Crawler, "crawler_config")] {
        let peer = parameters[config].as_object().unwrap();
        let mut known: Vec<_> = section.keys().iter().map(|key| key.name).collect();
        let mut theirs: Vec<_> = peer.keys().map(String::as_str).collect();
        known.sort_unstable();
        theirs.sort_unstable();
        assert_eq!(known, theirs);
        for (name, default) in peer {
            let entry = section.entry(name).unwrap();
            let value = super::super::normalize::settled(entry.key.kind, super::super::normalize::plain(default))
                .unwrap_or_default();
            assert!(default.is_null() || entry.is_harmless(&value), "{name}: {default}");
        }
    }
}

#[test]
fn an_explicit_default_of_an_honoured_number_counts() {
    let options = accepted(crawler(json!({"page_timeout": 60000, "max_retries": 0, "semaphore_count": 5.0})));
    assert_eq!(options.fetch.page_timeout, Some(Duration::from_secs(60)));
    assert_eq!(options.fetch.max_retries, Some(0));
    assert_eq!(options.concurrency.map(|count| count.get()), Some(5));
}

#[test]
fn every_harmless_value_is_accepted_without_a_word() {
    for section in Section::ALL {
        for key in section.keys() {
            for value in key.harmless {
                accepted(given(section, key.name, serde_json::from_str(value).unwrap()));
            }
        }
    }
}
