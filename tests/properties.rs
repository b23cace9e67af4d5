//! The properties of the fuzz targets, for their corpus and for generated input.

#[path = "../fuzz/src/lib.rs"]
mod properties;

use std::fs;
use std::path::Path;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestRunner};

/// The corpus of a fuzz target.
fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let files = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let seeds: Vec<_> = files.map(|file| fs::read(file.expect("a file").path()).expect("readable")).collect();
    assert!(seeds.len() >= 4, "the corpus of {target} is too small");
    seeds
}

fn texts(target: &str) -> Vec<String> {
    corpus(target).iter().map(|seed| String::from_utf8_lossy(seed).into_owned()).collect()
}

/// Checks the property for the corpus, for recombined parts of it, and for `generated` input.
fn check(target: &str, property: fn(&str), generated: impl Strategy<Value = String>) {
    let seeds = texts(target);
    seeds.iter().for_each(|seed| property(seed));
    let settings = Config { cases: 1000, failure_persistence: None, ..Config::default() };
    let test = |input: String| {
        property(&input);
        Ok(())
    };
    TestRunner::new(settings.clone()).run(&recombined(seeds), test).unwrap_or_else(|failure| panic!("{failure}"));
    TestRunner::new(settings).run(&generated, test).unwrap_or_else(|failure| panic!("{failure}"));
}

fn recombined(seeds: Vec<String>) -> impl Strategy<Value = String> {
    let part = (select(seeds), any::<prop::sample::Index>(), any::<prop::sample::Index>()).prop_map(|(seed, a, b)| {
        let at = |index: prop::sample::Index| seed.floor_char_boundary(index.index(seed.len() + 1));
        let (a, b) = (at(a), at(b));
        seed[a.min(b)..a.max(b)].to_owned()
    });
    vec(prop_oneof![8 => part, 1 => any::<String>()], 1..5).prop_map(|parts| parts.concat())
}

fn v4() -> impl Strategy<Value = String> {
    let notation = |(bits, form): (u32, u8)| {
        let [a, b, c, d] = bits.to_be_bytes();
        match form % 6 {
            0 => format!("{a}.{b}.{c}.{d}"),
            1 => bits.to_string(),
            2 => format!("{bits:#x}"),
            3 => format!("0{a:o}.{b:#x}.{}", bits & 0xffff),
            4 => format!("[::ffff:{a}.{b}.{c}.{d}]"),
            _ => format!("[2002:{:x}:{:x}::1]", bits >> 16, bits & 0xffff),
        }
    };
    // Including the edges of the special-purpose blocks.
    let edges =
        select(vec![0x0a00_0000_u32, 0x7f00_0001, 0xa9fe_a9fe, 0xac10_0000, 0xc0a8_0000, 0x6440_0000, 0xe000_0000]);
    let near = (edges, 0..4_u32).prop_map(|(edge, by)| edge.wrapping_sub(2).wrapping_add(by));
    (prop_oneof![any::<u32>(), near], any::<u8>()).prop_map(notation)
}

fn v6() -> impl Strategy<Value = String> {
    let head = select(vec![0_u16, 0x64, 0x100, 0x2001, 0x2002, 0x2606, 0x3fff, 0xfc00, 0xfe80, 0xff02]);
    (head, any::<[u8; 14]>(), any::<bool>()).prop_map(|(head, rest, empty)| {
        let rest = if empty { [0; 14] } else { rest };
        let bits = rest.iter().fold(u128::from(head), |bits, byte| (bits << 8) | u128::from(*byte));
        format!("[{}]", std::net::Ipv6Addr::from_bits(bits))
    })
}

#[test]
fn guard_allows_only_globally_reachable_urls() {
    let host = prop_oneof![v4(), v6(), "[a-z0-9.%@\\\\:-]{1,20}"];
    let resolved = vec(prop_oneof![v4(), v6()].prop_map(|host| host.replace(['[', ']'], "")), 0..3);
    let generated = ("(http|https|ftp)://", "(a@|a:b@|)", host, "(:[0-9]{1,5}|)", resolved).prop_map(
        |(scheme, user, host, port, resolved)| format!("{scheme}{user}{host}{port}/\n{}", resolved.join("\n")),
    );
    check("address", properties::address, generated);
}

#[test]
fn printed_configuration_loads_again() {
    let section = select(vec!["limits", "crawler", "webhooks", "security", "egress", "jobs", "llm", "app", "redis"]);
    let key = select(vec![
        "max_urls",
        "page_timeout",
        "headers",
        "api_token",
        "allow",
        "lease",
        "families",
        "port",
        "tokens",
    ]);
    let value =
        prop_oneof!["[0-9]{1,19}(ms|s|m|h|d|y|)", "[\\PC]{0,12}", "\\{[a-z]{1,3}: [\\PC]{0,6}\\}", "\\[[\\PC]{0,8}\\]"];
    let generated = vec((section, key, value), 1..3);
    let generated = generated.prop_map(|lines| lines.iter().map(|(s, k, v)| format!("{s}: {{{k}: {v}}}\n")).collect());
    check("configuration", properties::configuration, generated);
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        any::<String>().prop_map(Into::into),
        select(vec!["https://a.example/", "raw:<p>x", "http://127.0.0.1/", "div > p", "bypass"]).prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let key = prop_oneof![
            "[a-z_]{1,8}",
            select(vec!["type", "params", "value", "css_selector", "headers"]).prop_map(str::to_owned)
        ];
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Into::into),
            vec((key, inner), 0..4).prop_map(|members| members.into_iter().collect::<serde_json::Map<_, _>>().into()),
        ]
    })
}

#[test]
fn body_becomes_its_job_or_errors_with_locations() {
    let key =
        select(vec!["urls", "url", "q", "schema", "webhook_config", "crawler_config", "browser_config", "temperature"]);
    let generated = vec((key, json()), 0..5).prop_map(|members| {
        let members: serde_json::Map<_, _> = members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        serde_json::Value::from(members).to_string()
    });
    check("body", |text| properties::body(text.as_bytes()), generated);
}

#[test]
fn every_page_result_has_all_keys() {
    corpus("page").iter().for_each(|seed| properties::page(seed));
    let tag =
        "<(/|)(p|b|a href=[a-z/:#.]{0,9}|table|tr|td|li|ul|pre|img src=[a-z/:]{0,9}|svg|title|base href=[a-z/:]{0,9})>";
    let generated = vec(prop_oneof![tag, "[\\PC]{0,9}", "&[a-z#0-9]{1,5};"], 0..40).prop_map(|parts| parts.concat());
    check("page", |text| properties::page(text.as_bytes()), generated);
}

#[test]
fn webhook_header_is_rejected_or_sent_unchanged() {
    let generated = ("[!-~]{0,24}", "(\\PC|[\\x00-\\x1f]){0,40}").prop_map(|(name, value)| format!("{name}:{value}"));
    check("webhook_header", properties::webhook_header, generated);
}

#[test]
fn repaired_model_response_is_valid_json() {
    let around =
        select(vec![("", ""), ("```json\n", "\n```"), ("Here: ", ". Bye"), ("<think>{}</think>", ""), ("", ",}")]);
    let generated = (around, json(), any::<bool>()).prop_map(|((before, after), value, quoted)| {
        let text = value.to_string();
        let text = if quoted { text.replace('"', "'") } else { text };
        format!("{before}{text}{after}")
    });
    check("model_response", properties::model_response, generated);
}
