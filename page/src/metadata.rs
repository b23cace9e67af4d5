//! What a page says about itself: its title and its `<meta>`s.

use serde_json::{Map, Value};

use crate::index::Survey;
use crate::text;
use crate::tree::{Element, Tree};

const ALWAYS: [&str; 4] = ["title", "description", "keywords", "author"];
const PREFIXES: [&str; 3] = ["og:", "twitter:", "article:"];
/// The `<meta>`s, in this order, that the fingerprint is made of, after the title.
const DESCRIPTIVE: [&str; 7] = [
    "description",
    "last-modified",
    "og:title",
    "og:description",
    "og:image",
    "og:updated_time",
    "article:modified_time",
];
/// More different properties than these are dropped.
const MAX_PROPERTIES: usize = 500;

pub(crate) struct Metadata {
    pub(crate) shown: Map<String, Value>,
    /// The text of `<title>` and `last-modified`, which are not shown under these names.
    title: String,
    last_modified: Option<String>,
}

/// The properties that are always there, all unknown.
pub(crate) fn none() -> Map<String, Value> {
    ALWAYS.iter().map(|&name| (name.to_owned(), Value::Null)).collect()
}

/// `<meta>`s count wherever they stand: a stray element in the head makes a parser begin the body early.
pub(crate) fn metadata(tree: &Tree, survey: &Survey) -> Metadata {
    let title = survey.title.map(|title| text::text_of_raw(tree, title)).unwrap_or_default();
    let mut metadata = Metadata { shown: none(), title, last_modified: None };
    for element in survey.metas.iter().filter_map(|&meta| tree.element(meta)) {
        metadata.note(element);
    }
    let title = match &metadata.title {
        title if !title.is_empty() => Value::from(title.as_str()),
        _ => {
            ["og:title", "twitter:title"].iter().find_map(|&name| metadata.shown.get(name)).cloned().unwrap_or_default()
        }
    };
    metadata.shown["title"] = title;
    metadata
}

impl Metadata {
    fn note(&mut self, element: &Element) {
        let content = element.attr("content").map(text::collapsed).unwrap_or_default();
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
            // The first of several is the one that counts.
            let room = self.shown.len() < MAX_PROPERTIES;
            match self.shown.get_mut(&name) {
                Some(known) if known.is_null() => *known = Value::from(content.as_str()),
                None if room => drop(self.shown.insert(name, Value::from(content.as_str()))),
                _ => {}
            }
        }
    }
}

/// Changes when the title or one of the descriptive `<meta>`s does; `None` where there are none.
pub(crate) fn fingerprint(metadata: &Metadata) -> Option<String> {
    let shown = |name: &str| match name {
        "last-modified" => metadata.last_modified.clone(),
        name => metadata.shown.get(name).and_then(Value::as_str).map(str::to_owned),
    };
    let title = Some(metadata.title.clone()).filter(|title| !title.is_empty());
    let signals: Vec<String> = title.into_iter().chain(DESCRIPTIVE.into_iter().filter_map(shown)).collect();
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
    fn a_page_is_described_by_its_head() {
        let page = metadata(
            "<title> A\n page </title><meta name=Description content=' d '><meta property=og:type content=article>
             <meta property='article:published_time' content=2025><meta name='twitter:card' content=summary>
             <meta property=og:image content=1><meta property=og:image content=2><meta name=other content=x>
             <svg><title>no</title></svg>",
        );
        let expected = serde_json::json!({
            "title": "A page", "description": "d", "keywords": null, "author": null, "og:type": "article",
            "article:published_time": "2025", "twitter:card": "summary", "og:image": "1",
            "structured": {"opengraph": {"type": "article", "image": [{"url": "1"}, {"url": "2"}]}},
        });
        assert_eq!(serde_json::Value::from(page.metadata), expected);
    }

    #[test]
    fn without_a_title_the_one_for_sharing_counts_and_without_any_it_is_null() {
        assert_eq!(metadata("<meta property=og:title content=T>").metadata["title"], "T");
        assert!(metadata("<p>x").metadata["title"].is_null());
        assert!(metadata("").metadata["author"].is_null());
    }

    #[test]
    fn the_fingerprint_is_the_one_that_clients_of_the_peer_know() {
        let html = "<title>Of railway a garden were changes #7</title><meta name=description content='Beyond teacher \
            nearly teacher for beyond metal careful narrow modern winter reaches has valley time harvest local \
            measures often this.'><meta property=og:title content='Of railway a garden were changes #7'>\
            <meta property=og:image content=/img/f7.gif>";
        assert_eq!(metadata(html).head_fingerprint.as_deref(), Some("8500d595743d8b40"));
        assert_eq!(metadata("<p>x").head_fingerprint, None);
    }
}
