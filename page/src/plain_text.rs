//! Documents that are not HTML: plain text, Markdown and data formats.

use crate::error::ReadError;
use crate::html::escape_text;
use crate::metadata;
use crate::options::Options;
use crate::output::{Markdown, Page};
use crate::select::require_match_in_text;
use crate::text::longest_run;

/// Reads a document that is not HTML. `content_type_essence` is its media type without parameters (`application/json`).
///
/// - Markdown and plain text become the Markdown unchanged: escaping `llms.txt`, a README or `robots.txt` would only
///   damage it.
/// - JSON, XML and other data become a fenced code block with their language, so that none of it is read as markup.
///
/// Links, media and tables stay empty; `cleaned_html` is the text in a `<pre>`. Of `options` only the presence of a
/// content filter matters, with which the fit Markdown is the whole text, and `required_selector`.
///
/// # Errors
/// `options.required_selector` does not match what a browser shows: the text inside `<pre>`.
pub fn read_text(text: &str, content_type_essence: &str, options: &Options) -> Result<Page, ReadError> {
    if let Some(selector) = &options.required_selector {
        require_match_in_text(selector)?;
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let markdown = match language(content_type_essence) {
        Some(language) => fenced(text, language),
        None => text.to_owned(),
    };
    let mut cleaned_html = String::with_capacity(text.len() + 16);
    cleaned_html.push_str("<pre>");
    escape_text(text, &mut cleaned_html);
    cleaned_html.push_str("</pre>");
    let mut page = Page { markdown: Markdown::of_text(&markdown), metadata: metadata::empty(), ..Page::default() };
    if options.content_filter.is_some() {
        page.markdown.fit_markdown = markdown;
    }
    Ok(Page { cleaned_html, ..page })
}

/// The language of the code block; `None`: the text is used unchanged.
fn language(essence: &str) -> Option<&'static str> {
    let essence = essence.trim().to_ascii_lowercase();
    let (_, kind) = essence.split_once('/')?;
    Some(match kind {
        "json" | "x-json" | "x-ndjson" | "ndjson" | "jsonl" | "json-seq" => "json",
        "xml" | "x-xml" | "xml-dtd" => "xml",
        "csv" | "x-csv" => "csv",
        "tab-separated-values" => "tsv",
        "yaml" | "x-yaml" | "vnd.yaml" => "yaml",
        "javascript" | "x-javascript" | "ecmascript" => "javascript",
        "css" => "css",
        "toml" => "toml",
        kind if kind.ends_with("+json") => "json",
        kind if kind.ends_with("+xml") => "xml",
        kind if kind.ends_with("+yaml") => "yaml",
        _ => return None,
    })
}

fn fenced(text: &str, language: &str) -> String {
    let fence = "`".repeat(longest_run(text, '`').max(2) + 1);
    let end = if text.ends_with('\n') || text.is_empty() { "" } else { "\n" };
    format!("{fence}{language}\n{text}{end}{fence}\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::ContentFilter;

    #[test]
    fn text_is_kept_and_data_is_fenced() {
        for (essence, text, markdown) in [
            ("text/plain", "a *b*\n", "a *b*\n"),
            ("text/markdown", "# A\n", "# A\n"),
            ("", "x", "x"),
            ("application/json", "{\"a\": 1}", "```json\n{\"a\": 1}\n```\n"),
            ("application/LD+json", "{}\n", "```json\n{}\n```\n"),
            ("application/rss+xml", "<a>```</a>", "````xml\n<a>```</a>\n````\n"),
            ("text/csv", "a,b\n", "```csv\na,b\n```\n"),
        ] {
            let page = read_text(text, essence, &Options::default()).unwrap();
            assert_eq!(page.markdown.raw_markdown, markdown, "{essence}");
            assert_eq!(page.markdown.markdown_with_citations, markdown);
            assert!(page.metadata["title"].is_null());
        }
        let whole = read_text("a<b", "text/plain", &Options::default()).unwrap();
        assert_eq!(
            (&*whole.cleaned_html, &*whole.markdown.fit_markdown, whole.fit_html),
            ("<pre>a&lt;b</pre>", "", None)
        );
    }

    #[test]
    fn fit_markdown_of_text_is_the_whole_text() {
        for filter in [ContentFilter::default(), ContentFilter::Bm25(Default::default())] {
            let options = Options { content_filter: Some(filter), ..Options::default() };
            let page = read_text("a<b", "text/plain", &options).unwrap();
            assert_eq!((&*page.markdown.fit_markdown, page.fit_html), ("a<b", None));
        }
    }
}
