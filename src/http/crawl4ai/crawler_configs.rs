//! `crawler_configs` of a synchronous crawl: a configuration for those of its addresses that a pattern names.

use glob::Pattern;
use opilio_actors::domain::crawl_options::CrawlOptions;
use opilio_actors::domain::job::Warning;
use serde_json::{Map, Value};

use super::crawl_options;
use super::crawl_request::{Fields, field_error};
use crate::http::field_error::{FieldError, Loc};

/// More than these would be one for each address of a request.
const MOST: usize = 100;

/// Bytes of a pattern, and stars in it.
const LONGEST_PATTERN: usize = 1024;
const MOST_STARS: usize = 32;
/// Bytes of all patterns times bytes of all addresses: what it may take to match each with each.
const MOST_MATCHING: usize = 1 << 28;

/// One of the list, and for which addresses it is.
struct Choice {
    options: CrawlOptions,
    matcher: Option<Matcher>,
}

pub struct Matcher {
    patterns: Vec<Pattern>,
    /// All of them must match, not any.
    all: bool,
}

impl Matcher {
    fn matches(&self, url: &str) -> bool {
        match self.all {
            true => !self.patterns.is_empty() && self.patterns.iter().all(|pattern| pattern.matches(url)),
            false => self.patterns.iter().any(|pattern| pattern.matches(url)),
        }
    }
}

/// The options of each address: those of the first configuration that is for it, else `otherwise`. Empty where there
/// are no such configurations.
pub fn each(
    configs: Option<&Value>,
    browser: Option<&Value>,
    urls: &[String],
    otherwise: &CrawlOptions,
    fields: &mut Fields,
) -> Vec<CrawlOptions> {
    let configs = match configs.filter(|configs| !configs.is_null()) {
        None => return vec![],
        Some(Value::Array(configs)) if configs.len() <= MOST => configs,
        Some(Value::Array(_)) => {
            fields.errors.push(field_error(&["crawler_configs"], "too_long", format!("at most {MOST} configurations")));
            return vec![];
        }
        Some(_) => {
            let msg = "a list of configurations is needed";
            fields.errors.push(field_error(&["crawler_configs"], "list_type", msg));
            return vec![];
        }
    };
    let choices: Vec<_> =
        configs.iter().enumerate().map(|(index, config)| choice(index, config, browser, fields)).collect();
    if choices.is_empty() {
        return vec![];
    }
    let patterns = choices.iter().filter_map(|choice| choice.matcher.as_ref()).flat_map(|matcher| &matcher.patterns);
    let patterns: usize = patterns.map(|pattern| pattern.as_str().len()).sum();
    let addresses: usize = urls.iter().map(|url| matched(url).len()).sum();
    if patterns.saturating_mul(addresses) > MOST_MATCHING {
        let msg = "too many patterns for addresses this long";
        fields.errors.push(field_error(&["crawler_configs"], "too_long", msg));
        return vec![];
    }
    let of = |url: &String| {
        let url = matched(url);
        let fitting = choices.iter().find(|choice| choice.matcher.as_ref().is_none_or(|matcher| matcher.matches(url)));
        fitting.map_or(otherwise, |choice| &choice.options).clone()
    };
    urls.iter().map(of).collect()
}

/// What patterns see of an address: of a page that was brought along, only that it was.
fn matched(url: &str) -> &str {
    if url.starts_with("raw:") { "raw:" } else { url }
}

fn choice(index: usize, config: &Value, browser: Option<&Value>, fields: &mut Fields) -> Choice {
    let mut config = crawl_options::plain(config);
    let params = match config.get("params").is_some() {
        true => config.get_mut("params").and_then(Value::as_object_mut),
        false => config.as_object_mut(),
    };
    let within = ["body".into(), "crawler_configs".into(), Loc::from(index)];
    let matcher = params.and_then(|params| matcher(&within, params, fields));
    let parsed = crawl_options::parse(browser, Some(&config));
    let place = |loc: &mut Vec<Loc>| {
        loc.splice(1..2, [Loc::from("crawler_configs"), Loc::from(index)]);
    };
    let of_crawler = |error: &FieldError| error.loc.get(1) == Some(&Loc::from("crawler_config"));
    fields.errors.extend(parsed.errors.into_iter().filter(of_crawler).map(|mut error| {
        place(&mut error.loc);
        error
    }));
    fields.warn(parsed.warnings.into_iter().filter_map(|warning| {
        let key = warning.key.strip_prefix("crawler_config.")?;
        Some(Warning { key: format!("crawler_configs.{index}.{key}"), reason: warning.reason })
    }));
    Choice { options: parsed.options, matcher }
}

/// Takes `url_matcher` and `match_mode` out of a configuration, whose place in the request is `within`.
pub fn matcher(within: &[Loc], params: &mut Map<String, Value>, fields: &mut Fields) -> Option<Matcher> {
    let (given, mode) = (params.remove("url_matcher"), params.remove("match_mode"));
    let mut wrong = |key: &str, msg: &str| {
        let loc = within.iter().cloned().chain([Loc::from(key)]).collect();
        fields.errors.push(FieldError { loc, msg: msg.to_owned(), kind: "value_error" });
    };
    let mode = mode.filter(|mode| !mode.is_null()).map(|mode| mode.get("params").cloned().unwrap_or(mode));
    let all = match mode.as_ref().map(|mode| mode.as_str().map(str::to_ascii_lowercase)) {
        None => false,
        Some(Some(mode)) if mode == "or" || mode == "and" => mode == "and",
        Some(_) => {
            wrong("match_mode", "must be one of or, and");
            false
        }
    };
    let texts = match given? {
        Value::Null => return None,
        Value::String(text) => vec![Value::String(text)],
        Value::Array(list) => list,
        _ => vec![Value::Null],
    };
    let pattern = |text: &Value| {
        let text = text.as_str()?;
        let mut simple = text.to_owned();
        while simple.contains("**") {
            simple = simple.replace("**", "*");
        }
        // Matching goes a step deeper with each star.
        let bounded = simple.len() <= LONGEST_PATTERN && simple.matches('*').count() <= MOST_STARS;
        bounded.then(|| Pattern::new(&simple).ok())?
    };
    let patterns: Option<Vec<_>> = texts.iter().map(pattern).collect();
    if patterns.is_none() {
        wrong(
            "url_matcher",
            "a pattern, or a list of patterns, of the kind *.example.com/* is needed, each of at most 1024 bytes and 32 stars",
        );
    }
    Some(Matcher { patterns: patterns.unwrap_or_default(), all })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn timeouts(configs: Value, urls: &[&str]) -> Vec<Option<u64>> {
        let mut fields = Fields::default();
        let urls: Vec<_> = urls.iter().map(|url| (*url).to_owned()).collect();
        let each = each(Some(&configs), None, &urls, &CrawlOptions::default(), &mut fields);
        assert_eq!((fields.errors, fields.warnings), (vec![], vec![]));
        each.iter().map(|options| options.fetch.page_timeout.map(|time| time.as_secs())).collect()
    }

    #[test]
    fn the_first_configuration_that_is_for_an_address_applies() {
        let configs = json!([
            {"url_matcher": "*.pdf", "page_timeout": 1000},
            {"type": "CrawlerRunConfig", "params": {"url_matcher": ["*/blog/*", "*draft*"],
                "match_mode": {"type": "MatchMode", "params": "and"}, "page_timeout": 2000}},
            {"url_matcher": ["*a.example/**", "*b.example/?"], "page_timeout": 3000},
        ]);
        let urls =
            ["http://x/y.pdf", "http://x/blog/draft", "http://x/blog/z", "http://a.example/1", "http://b.example/12"];
        assert_eq!(timeouts(configs, &urls), [Some(1), Some(2), None, Some(3), None]);
        assert_eq!(timeouts(json!([{"page_timeout": 4000}]), &["http://x"]), [Some(4)]);
        assert_eq!(timeouts(json!([]), &["http://x"]), []);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place_in_the_list() {
        let mut fields = Fields::default();
        let configs = json!([{}, {"url_matcher": 3, "match_mode": "xor", "page_timeout": "x", "verbos": 1}]);
        each(Some(&configs), None, &[], &CrawlOptions::default(), &mut fields);
        let places: Vec<_> = fields.errors.iter().map(|error| serde_json::to_string(&error.loc).unwrap()).collect();
        assert_eq!(
            places,
            [
                r#"["body","crawler_configs",1,"match_mode"]"#,
                r#"["body","crawler_configs",1,"url_matcher"]"#,
                r#"["body","crawler_configs",1,"page_timeout"]"#,
            ]
        );
        assert_eq!(fields.warnings[0].key, "crawler_configs.1.verbos");
    }

    #[test]
    fn many_patterns_for_long_addresses_are_refused_and_pages_brought_along_are_not_looked_into() {
        let (long, page) =
            (format!("http://x.example/{}", "a".repeat(300_000)), format!("raw:{}", "a".repeat(300_000)));
        let patterns = vec!["*a*b"; 300];
        for (url, errors) in [(long, 1), (page, 0)] {
            let (mut fields, configs) = (Fields::default(), json!([{"url_matcher": patterns}]));
            each(Some(&configs), None, &[url], &CrawlOptions::default(), &mut fields);
            assert_eq!(fields.errors.len(), errors);
        }
        assert_eq!(
            timeouts(json!([{"url_matcher": "raw:*", "page_timeout": 1000}]), &["raw:<p>", "http://x"]),
            [Some(1), None]
        );
    }

    #[test]
    fn a_pattern_that_would_be_matched_without_bounds_is_refused() {
        let urls = [format!("http://x.example/{}", "a".repeat(30_000))];
        for (pattern, errors) in [
            ("*a".repeat(30_000), 1),
            ("*a".repeat(33), 1),
            ("a".repeat(1025), 1),
            ("*a".repeat(32), 0),
            ("**".repeat(9), 0),
        ] {
            let (mut fields, configs) = (Fields::default(), json!([{"url_matcher": pattern}]));
            each(Some(&configs), None, &urls, &CrawlOptions::default(), &mut fields);
            assert_eq!(fields.errors.len(), errors, "{} bytes", pattern.len());
        }
    }
}
