//! Previews of the pages that a page links to.

use std::num::NonZeroUsize;
use std::time::Duration;

use glob::Pattern;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// Bytes of all patterns times bytes of all links that are matched for one page. Further links are not previewed.
const MAX_MATCHING_WORK: usize = 2_000_000;

/// Characters of a title or description.
const MAX_CHARS: usize = 1000;

/// Which links of each page are previewed, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LinkPreviews {
    pub internal: bool,
    pub external: bool,
    /// Glob patterns, one of which a URL must match; empty: any URL.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub include: Vec<String>,
    /// Glob patterns, none of which a URL may match.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<String>,
    /// Of one page.
    pub max_links: usize,
    /// Previews of one page that are requested at the same time.
    pub concurrency: NonZeroUsize,
    /// For each preview.
    pub timeout: Duration,
}

impl LinkPreviews {
    /// The URLs to preview among `links` of a page's result, each once, in order, at most `max`.
    pub fn select(&self, links: &Value, max: usize) -> Vec<String> {
        let parse = |patterns: &[String]| -> Vec<Pattern> {
            patterns.iter().filter_map(|pattern| Pattern::new(pattern).ok()).collect()
        };
        let (include, exclude) = (parse(&self.include), parse(&self.exclude));
        let matches = |patterns: &[Pattern], url: &str| patterns.iter().any(|pattern| pattern.matches(url));
        let lists = [("internal", self.internal), ("external", self.external)];
        let links = lists.iter().filter(|(_, included)| *included).filter_map(|(list, _)| links[*list].as_array());
        let urls = links.flatten().filter_map(|link| link["href"].as_str());
        // Matching takes at most the product of both lengths.
        let pattern_bytes: usize = self.include.iter().chain(&self.exclude).map(String::len).sum();
        let mut work = 0;
        let urls = urls.take_while(|url| {
            work += pattern_bytes * url.len();
            work <= MAX_MATCHING_WORK
        });
        let urls = urls.filter(|url| self.include.is_empty() || matches(&include, url));
        let urls = urls.filter(|url| !matches(&exclude, url)).take(max.min(self.max_links));
        urls.map(str::to_owned).collect()
    }
}

/// The limit on the previews of the page at `index` of a job with `pages` pages: its share of `max`. It depends on nothing
/// that a crash changes.
pub fn share(max: usize, pages: usize, index: usize) -> usize {
    let pages = pages.max(1);
    max / pages + usize::from(index < max % pages)
}

/// What is known of a linked page, or the reason why nothing is.
pub type Preview = Result<Value, String>;

/// `head_data` of a link, in Crawl4AI's form, from `metadata` of the linked page's result.
pub fn head_data(metadata: &Value) -> Value {
    let shortened = |value: &Value| value.as_str().map(|text| text.chars().take(MAX_CHARS).collect::<String>());
    let meta = ["description", "keywords", "author"].into_iter();
    let meta = meta.filter_map(|name| Some((name.to_owned(), shortened(&metadata[name])?.into())));
    let meta: Map<String, Value> = meta.collect();
    json!({"title": shortened(&metadata["title"]), "charset": null, "meta": meta, "link": {}, "jsonld": []})
}

/// Adds the previews to the links of a page's result.
pub fn add_to(links: &mut Value, preview: impl Fn(&str) -> Option<Preview>) {
    for list in ["internal", "external"] {
        for link in links[list].as_array_mut().into_iter().flatten() {
            match link["href"].as_str().and_then(&preview) {
                Some(Ok(head_data)) => {
                    (link["head_data"], link["head_extraction_status"]) = (head_data, "valid".into());
                }
                Some(Err(reason)) => {
                    (link["head_data"], link["head_extraction_status"]) = (json!({}), "not_valid".into());
                    link["head_extraction_error"] = reason.into();
                }
                None => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn previews() -> LinkPreviews {
        LinkPreviews {
            internal: true,
            external: false,
            include: vec![],
            exclude: vec![],
            max_links: 3,
            concurrency: NonZeroUsize::MIN,
            timeout: Duration::from_secs(5),
        }
    }

    fn links() -> Value {
        let list = |host: &str| (0..5).map(|n| json!({"href": format!("https://{host}/{n}")})).collect::<Value>();
        json!({"internal": list("a.example"), "external": list("b.example")})
    }

    #[test]
    fn links_are_selected_by_kind_pattern_and_number() {
        let selected = |previews: LinkPreviews, max| previews.select(&links(), max).join(" ").replace("https://", "");
        assert_eq!(selected(previews(), 100), "a.example/0 a.example/1 a.example/2");
        assert_eq!(selected(previews(), 2), "a.example/0 a.example/1");
        let patterns = LinkPreviews {
            external: true,
            include: vec!["*/1".to_owned(), "*b.example/*".to_owned()],
            exclude: vec!["*/0".to_owned()],
            ..previews()
        };
        assert_eq!(selected(patterns, 100), "a.example/1 b.example/1 b.example/2");
    }

    #[test]
    fn matching_of_patterns_is_limited() {
        let links: Value =
            (0..100).map(|n| json!({"href": format!("https://a.example/{}{n}", "a".repeat(8000))})).collect();
        let long = LinkPreviews { exclude: vec![format!("*{}b", "a".repeat(100))], max_links: 100, ..previews() };
        assert_eq!(long.select(&json!({"internal": links, "external": []}), 100).len(), 2);
    }

    #[test]
    fn shares_of_all_pages_are_the_maximum() {
        for (max, pages) in [(10, 3), (10, 10), (3, 10), (0, 2), (10_000, 1)] {
            assert_eq!((0..pages).map(|index| share(max, pages, index)).sum::<usize>(), max, "{max} {pages}");
        }
        assert_eq!((share(3, 10, 2), share(3, 10, 3)), (1, 0));
    }

    #[test]
    fn links_get_their_preview_or_the_reason() {
        let mut links = links();
        let head = head_data(&json!({"title": "T", "description": "d".repeat(2000), "keywords": null}));
        add_to(&mut links, |url| match url {
            "https://a.example/1" => Some(Ok(head.clone())),
            "https://b.example/2" => Some(Err("HTTP 404 Not Found".to_owned())),
            _ => None,
        });
        let valid = &links["internal"][1];
        assert_eq!((&valid["head_data"]["title"], &valid["head_extraction_status"]), (&json!("T"), &json!("valid")));
        assert_eq!(valid["head_data"]["meta"]["description"].as_str().map(str::len), Some(1000));
        let failed = &links["external"][2];
        assert_eq!((&failed["head_extraction_status"], &failed["head_data"]), (&json!("not_valid"), &json!({})));
        assert_eq!(failed["head_extraction_error"], "HTTP 404 Not Found");
        assert_eq!(links["internal"][0], json!({"href": "https://a.example/0"}));
    }
}
