//! Configurations for a part of a crawl's URLs: `crawler_configs`, and a `crawler_config` that has a `url_matcher`.

use opilio_actors::domain::crawl::CrawlSpec;
use opilio_actors::domain::crawl_options::CrawlOptions;
use serde_json::Value;

use super::crawl_options::{self, OptionsBuilder, UrlMatcher, Usage};
use super::report::Report;
use super::url_policy::PageUrl;
use crate::http::field_error::{FieldPath, InvalidValue};

/// Each URL may be compared with the patterns of each.
const MAX_CONFIGS: usize = 100;
/// Bytes of all patterns times bytes of all URLs: bounds the work of matching each with each.
const MAX_MATCHING_WORK: usize = 1 << 28;

/// One configuration of the list.
struct UrlConfig {
    options: CrawlOptions,
    /// `None`: the configuration is for every URL.
    matcher: Option<UrlMatcher>,
}

impl UrlConfig {
    fn matches(&self, url: &PageUrl) -> bool {
        self.matcher.as_ref().is_none_or(|matcher| matcher.matches(matched_text(url)))
    }
}

/// The options of each URL: those of the first configuration that matches it, else `own` (`crawler_config`), else those of
/// `browser` alone. The `urls` of the result are empty.
pub fn options_per_url(
    configs: Option<&Value>,
    browser: &OptionsBuilder,
    own: OptionsBuilder,
    urls: &[PageUrl],
    report: &mut Report,
) -> CrawlSpec {
    let path = FieldPath::body().child("crawler_configs");
    let list = match configs {
        None => Ok(&[][..]),
        Some(Value::Array(list)) if list.len() <= MAX_CONFIGS => Ok(list.as_slice()),
        Some(Value::Array(_)) => {
            Err(InvalidValue::new("too_long", format!("must have at most {MAX_CONFIGS} configurations")))
        }
        Some(_) => Err(InvalidValue::new("list_type", "must be a list of configurations")),
    };
    let list = report.check(&path, list).unwrap_or_default();
    let config = |(index, config)| url_config(config, &path.child(index), browser, report);
    let mut configs: Vec<_> = list.iter().enumerate().map(config).collect();
    let own = UrlConfig { matcher: own.url_matcher(), options: own.finish() };
    // Of the whole crawl.
    let concurrency = own.options.concurrency;
    let options = match own.matcher {
        None => own.options,
        Some(_) => {
            configs.push(own);
            CrawlOptions { concurrency, ..browser.clone().finish() }
        }
    };
    if configs.is_empty() {
        return CrawlSpec { options, ..CrawlSpec::default() };
    }
    let pattern_bytes: usize = configs.iter().filter_map(|config| config.matcher.as_ref()).map(UrlMatcher::bytes).sum();
    let url_bytes: usize = urls.iter().map(|url| matched_text(url).len()).sum();
    if pattern_bytes.saturating_mul(url_bytes) > MAX_MATCHING_WORK {
        report.fail(&path, InvalidValue::new("too_long", "has too many patterns for URLs of this length"));
        return CrawlSpec::default();
    }
    let variant_of = urls.iter().map(|url| configs.iter().position(|config| config.matches(url))).collect();
    let variants = configs.into_iter().map(|config| config.options).collect();
    CrawlSpec { options, variants, variant_of, ..CrawlSpec::default() }
}

/// What patterns are matched with. The HTML of a `raw:` page is left out.
fn matched_text(url: &PageUrl) -> &str {
    if url.is_raw() { "raw:" } else { url.as_str() }
}

fn url_config(config: &Value, path: &FieldPath, browser: &OptionsBuilder, report: &mut Report) -> UrlConfig {
    let mut builder = browser.clone();
    crawl_options::parse_crawler(config, path, Usage::PerUrl, &mut builder, report);
    UrlConfig { matcher: builder.url_matcher(), options: builder.finish() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::http::field_error::Rejection;

    fn options(configs: &Value, urls: &[&str]) -> (CrawlSpec, Report) {
        let mut report = Report::default();
        // Long URLs are invalid, but matched as well.
        let urls: Vec<_> = urls.iter().map(|url| PageUrl::invalid(url)).collect();
        let builder = OptionsBuilder::default;
        (options_per_url(Some(configs), &builder(), builder(), &urls, &mut report), report)
    }

    fn timeouts(configs: Value, urls: &[&str]) -> Vec<Option<u64>> {
        let (crawl, report) = options(&configs, urls);
        assert_eq!(report.into_parts(), (None, vec![]));
        let timeout = |index| crawl.options_of(index).fetch.page_timeout.map(|time| time.as_secs());
        (0..urls.len()).map(timeout).collect()
    }

    fn error_count(configs: &Value, urls: &[&str]) -> usize {
        options(configs, urls).1.error_count()
    }

    #[test]
    fn first_matching_configuration_applies() {
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
        assert_eq!(timeouts(json!([]), &["http://x"]), [None]);
    }

    #[test]
    fn errors_and_warnings_name_the_index() {
        let invalid = json!([{}, {"url_matcher": 3, "match_mode": "xor", "page_timeout": "x", "verbos": 1}]);
        let (rejection, warnings) = options(&invalid, &[]).1.into_parts();
        let paths: Vec<_> =
            rejection.iter().flat_map(Rejection::errors).map(|error| json!(error.loc).to_string()).collect();
        assert_eq!(
            paths,
            [
                r#"["body","crawler_configs",1,"url_matcher"]"#,
                r#"["body","crawler_configs",1,"match_mode"]"#,
                r#"["body","crawler_configs",1,"page_timeout"]"#,
            ]
        );
        assert_eq!(warnings[0].key, "crawler_configs.1.verbos");
    }

    #[test]
    fn matching_work_is_bounded_without_raw_pages() {
        let (url, raw) = (format!("http://x.example/{}", "a".repeat(300_000)), format!("raw:{}", "a".repeat(300_000)));
        let configs = json!([{"url_matcher": vec!["*a*b"; 300]}]);
        assert_eq!(error_count(&configs, &[&url]), 1);
        assert_eq!(error_count(&configs, &[&raw]), 0);
        assert_eq!(
            timeouts(json!([{"url_matcher": "raw:*", "page_timeout": 1000}]), &["raw:<p>", "http://x"]),
            [Some(1), None]
        );
    }

    #[test]
    fn patterns_are_bounded() {
        let url = format!("http://x.example/{}", "a".repeat(30_000));
        for (pattern, errors) in [
            ("*a".repeat(30_000), 1),
            ("*a".repeat(33), 1),
            ("a".repeat(1025), 1),
            ("*a".repeat(32), 0),
            ("**".repeat(9), 0),
        ] {
            let configs = json!([{"url_matcher": pattern}]);
            assert_eq!(error_count(&configs, &[&url]), errors, "{} bytes", pattern.len());
        }
    }
}
