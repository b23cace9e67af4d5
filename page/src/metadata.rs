//! The metadata of a page: its title and its `<meta>` elements.

use serde_json::{Map, Value};

use crate::index::PageIndex;
use crate::text;
use crate::tree::{Element, Tree};

/// Properties that are always present.
const ALWAYS: [&str; 4] = ["title", "description", "keywords", "author"];
const PREFIXES: [&str; 3] = ["og:", "twitter:", "article:"];
/// The `<meta>` elements that the fingerprint contains after the title, in this order.
const DESCRIPTIVE: [&str; 7] = [
    "description",
    "last-modified",
    "og:title",
    "og:description",
    "og:image",
    "og:updated_time",
    "article:modified_time",
];
/// Further properties are dropped.
const MAX_PROPERTIES: usize = 500;

/// The metadata of a page.
pub(crate) struct Metadata {
    /// The properties that the result contains.
    pub(crate) properties: Map<String, Value>,
    /// The text of `<title>`; `properties` may contain another title.
    title: String,
    last_modified: Option<String>,
}

/// The properties that are always present, all `null`.
pub(crate) fn empty() -> Map<String, Value> {
    ALWAYS.iter().map(|&name| (name.to_owned(), Value::Null)).collect()
}

/// Reads the title and all `<meta>` elements, also those in the body: a stray element in the head makes parsers start
/// the body early.
pub(crate) fn metadata(tree: &Tree, index: &PageIndex) -> Metadata {
    let title = index.title.map(|title| text::raw_text(tree, title)).unwrap_or_default();
    let mut metadata = Metadata { properties: empty(), title, last_modified: None };
    for element in index.metas.iter().filter_map(|&meta| tree.element(meta)) {
        metadata.add(element);
    }
    let title = match &metadata.title {
        title if !title.is_empty() => Value::from(title.as_str()),
        _ => ["og:title", "twitter:title"]
            .iter()
            .find_map(|&name| metadata.properties.get(name))
            .cloned()
            .unwrap_or_default(),
    };
    metadata.properties["title"] = title;
    metadata
}

impl Metadata {
    fn add(&mut self, element: &Element) {
        let content = element.attr("content").map(text::collapse_whitespace).unwrap_or_default();
        if content.is_empty() {
            return;
        }
        for name in ["property", "name"].iter().filter_map(|&key| element.attr(key)) {
            let name = name.trim().to_ascii_lowercase();
            if name == "last-modified" {
                self.last_modified.get_or_insert_with(|| content.clone());
            }
            let always = name != "title" && ALWAYS.contains(&&*name);
            if !always && !PREFIXES.iter().any(|prefix| name.starts_with(prefix)) {
                continue;
            }
            // The first of several values counts.
            let is_below_limit = self.properties.len() < MAX_PROPERTIES;
            match self.properties.get_mut(&name) {
                Some(known) if known.is_null() => *known = Value::from(content.as_str()),
                None if is_below_limit => drop(self.properties.insert(name, Value::from(content.as_str()))),
                _ => {}
            }
        }
    }
}

/// A hash of the title and the descriptive `<meta>` elements; `None` if there are none.
pub(crate) fn fingerprint(metadata: &Metadata) -> Option<String> {
    let properties = |name: &str| match name {
        "last-modified" => metadata.last_modified.clone(),
        name => metadata.properties.get(name).and_then(Value::as_str).map(str::to_owned),
    };
    let title = Some(metadata.title.clone()).filter(|title| !title.is_empty());
    let signals: Vec<String> = title.into_iter().chain(DESCRIPTIVE.into_iter().filter_map(properties)).collect();
    let text = signals.join("|").to_lowercase();
    (!text.is_empty()).then(|| format!("{:016x}", twox_hash::XxHash64::oneshot(0, text.as_bytes())))
}

#[cfg(test)]
mod tests {
    use crate::{Limits, Options, read};

    fn metadata(html: &str) -> crate::Page {
        read(html, &url::Url::parse("https://a.example/").unwrap(), &Options::default(), &Limits::default()).unwrap()
    }

    #[test]
    fn metadata_contains_title_and_meta_properties() {
        let page = metadata(
            "<title> A\n page </title><meta name=Description content=' d '><meta property=og:type content=article>
             <meta property='article:published_time' content=2025><meta name='twitter:card' content=summary>
             <meta property=og:image content=1><meta property=og:image content=2><meta name=other content=x>
             <svg><title>no</title></svg>",
        );
        let expected = serde_json::json!({
            "title": "A page", "description": "d", "keywords": null, "author": null, "og:type": "article",
            "article:published_time": "2025", "twitter:card": "summary", "og:image": "1",
        });
        assert_eq!(serde_json::Value::from(page.metadata), expected);
        let opengraph = serde_json::json!({"type": "article", "image": [{"url": "1"}, {"url": "2"}]});
        assert_eq!(page.structured_data, Some(serde_json::json!({ "opengraph": opengraph })));
    }

    #[test]
    fn og_title_replaces_a_missing_title() {
        assert_eq!(metadata("<meta property=og:title content=T>").metadata["title"], "T");
        assert!(metadata("<p>x").metadata["title"].is_null());
        assert!(metadata("").metadata["author"].is_null());
    }

    #[test]
    fn fingerprint_equals_that_of_crawl4ai() {
        let html = "<title>Of railway a garden were changes #7</title><meta name=description content='Beyond teacher \
            nearly teacher for beyond metal careful narrow modern winter reaches has valley time harvest local \
            measures often this.'><meta property=og:title content='Of railway a garden were changes #7'>\
            <meta property=og:image content=/img/f7.gif>";
        assert_eq!(metadata(html).head_fingerprint.as_deref(), Some("8500d595743d8b40"));
        assert_eq!(metadata("<p>x").head_fingerprint, None);
    }
}
