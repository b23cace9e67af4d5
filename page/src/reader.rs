//! Reads an HTML page: one parse, one index, and one walk per output.

use std::sync::Arc;

use serde_json::{Map, Value};
use url::Url;

use crate::app_shell;
use crate::budget::Budget;
use crate::cleaned_html;
use crate::content::{self, BlockDecision};
use crate::error::ReadError;
use crate::extract::{self, CompiledExtraction, ExtractedJson};
use crate::index::{PageIndex, build_index};
use crate::limits::Limits;
use crate::links;
use crate::markdown;
use crate::media;
use crate::meta_refresh;
use crate::metadata;
use crate::options::{CompiledPatterns, ContentFilter, InputFormat, Options};
use crate::output::{Markdown, Page};
use crate::select;
use crate::select::css::CssSelector;
use crate::structured;
use crate::tables;
use crate::tree::{self, Tree};
use crate::urls::BaseUrl;

/// Bytes of an output for each byte of the page.
const OUTPUT_FACTOR: usize = 8;
/// Bytes of an output that every page may have.
const MIN_OUTPUT_LIMIT: usize = 64 * 1024;
/// Bytes of all outputs for each byte of the page.
const TOTAL_FACTOR: usize = 16;
/// Bytes of all outputs that every page may have.
const MIN_TOTAL_LIMIT: usize = 1 << 20;
/// Bytes of all outputs that no page exceeds.
const MAX_TOTAL_LIMIT: usize = 64 << 20;

/// Reads an HTML page; XHTML with an XML declaration is parsed as XML if it is well-formed. `url` is the page's final URL: relative links are resolved against it, or against the page's own
/// `<base href>`. If it cannot be a base (`about:blank`, `raw:…`), links in the Markdown stay unchanged.
///
/// Never panics. The cost is bounded by `limits`, the size of the result by the length of the page.
///
/// # Errors
/// The page exceeds `limits`, does not meet `options.required_selector`, or `options` contain an invalid selector or
/// pattern.
pub fn read(html: &str, url: &Url, options: &Options, limits: &Limits) -> Result<Page, ReadError> {
    read_with(html, url, options, &options.compile()?, limits)
}

/// [`read`] with the selectors and patterns of `options` already compiled.
///
/// # Errors
/// The page exceeds `limits`, or does not meet `options.required_selector`.
pub fn read_with(
    html: &str,
    url: &Url,
    options: &Options,
    patterns: &CompiledPatterns,
    limits: &Limits,
) -> Result<Page, ReadError> {
    let limit = limits.max_bytes.min(u32::MAX as usize / 2);
    if html.len() > limit {
        return Err(ReadError::TooLarge { bytes: html.len(), limit });
    }
    let budget = Budget::start(limits);
    let as_xml = if tree::is_xhtml(html) { tree::parse_xml(html, limits, &budget)? } else { None };
    let parsed = match as_xml {
        Some(parsed) => parsed,
        None => tree::parse(html, limits, &budget)?,
    };
    if let (Some(text), Some(selector)) = (&options.required_selector, &patterns.required) {
        select::require_match(&parsed.tree, selector, text, &budget)?;
    }
    let reader = PageReader::new(html, url, options, patterns, parsed.tree, budget)?;
    let max_bytes = reader.max_bytes;
    let (page, output_truncated) = reader.read()?;
    let truncated = if parsed.truncated {
        Some(format!("page truncated after {} nodes", limits.max_nodes))
    } else {
        output_truncated.then(|| format!("output truncated after {max_bytes} bytes"))
    };
    Ok(Page { truncated, ..page })
}

/// Explains for each text block of a page, in document order, why a content filter keeps it or leaves it out.
///
/// # Errors
/// The page exceeds `limits`.
pub fn explain_main_content(
    html: &str,
    url: &Url,
    filter: &ContentFilter,
    limits: &Limits,
) -> Result<Vec<BlockDecision>, ReadError> {
    let budget = Budget::start(limits);
    let tree = tree::parse(html, limits, &budget)?.tree;
    let index = build_index(&tree, &budget)?;
    let base = BaseUrl::new(url, index.base_href(&tree));
    content::explain(&tree, &index, &base, filter, &budget)
}

/// A parsed page and what is needed to produce its outputs.
struct PageReader<'a> {
    html: &'a str,
    url: &'a Url,
    options: &'a Options,
    patterns: &'a CompiledPatterns,
    budget: Budget,
    /// The limit on each output.
    max_bytes: usize,
    tree: Tree,
    index: PageIndex,
    base: BaseUrl,
}

impl<'a> PageReader<'a> {
    fn new(
        html: &'a str,
        url: &'a Url,
        options: &'a Options,
        patterns: &'a CompiledPatterns,
        tree: Tree,
        budget: Budget,
    ) -> Result<Self, ReadError> {
        let index = build_index(&tree, &budget)?;
        let base = BaseUrl::new(url, index.base_href(&tree));
        let max_bytes = html.len().saturating_mul(OUTPUT_FACTOR).saturating_add(MIN_OUTPUT_LIMIT);
        let total = html.len().saturating_mul(TOTAL_FACTOR).saturating_add(MIN_TOTAL_LIMIT);
        budget.limit_output(total.min(MAX_TOTAL_LIMIT));
        Ok(Self { html, url, options, patterns, budget, max_bytes, tree, index, base })
    }

    /// Produces all outputs. Also returns whether a limit truncated one of them.
    fn read(mut self) -> Result<(Page, bool), ReadError> {
        let options = self.options;
        let (metadata, head_fingerprint) = self.metadata();
        let structured_data = self.structured_data(&metadata)?;
        let refresh = meta_refresh::find(&self.tree, &self.index, &self.base, &self.budget)?;
        let app_shell = app_shell::detect(&self.tree, &self.index);
        if !self.patterns.css_selector.is_empty() {
            self.narrow(&self.patterns.css_selector)?;
        }
        let fields = self.schema_fields()?;
        self.remove_unwanted()?;
        self.begin_output();
        let media = media::media(&self.tree, &self.index, &self.base, options, &self.budget)?;
        let links = links::links(&self.tree, &self.index, &self.base, options.score_links, &self.budget)?;
        self.begin_output();
        let tables = tables::tables(&self.tree, &self.index, options.table_score_threshold, &self.budget)?;
        if !self.patterns.target_elements.is_empty() {
            self.narrow(&self.patterns.target_elements)?;
        }
        let limit = self.begin_output();
        let markdown = markdown::write(&self.tree, &self.index, &self.base, &options.markdown, limit, &self.budget)?;
        let cleaned_html = self.cleaned_html(1)?;
        let text = self.pattern_text();
        let page = Page {
            cleaned_html,
            media,
            links,
            metadata,
            structured_data,
            tables,
            markdown,
            head_fingerprint,
            refresh,
            app_shell,
            ..Page::default()
        };
        let mut page = self.with_main_content(page)?;
        let mut truncated = self.budget.output_truncated();
        if let Some(extracted) = self.pattern_matches(&page, &text)?.or(fields) {
            truncated |= extracted.truncated;
            page.extracted_content = Some(extracted.json);
        }
        self.budget.check()?;
        Ok((page, truncated))
    }

    fn metadata(&self) -> (Map<String, Value>, Option<String>) {
        let metadata = metadata::metadata(&self.tree, &self.index);
        let head_fingerprint = metadata::fingerprint(&metadata);
        (metadata.properties, head_fingerprint)
    }

    /// Also counts the size of the metadata.
    fn structured_data(&self, metadata: &Map<String, Value>) -> Result<Option<Value>, ReadError> {
        self.begin_output();
        let structured = structured::structured(&self.tree, &self.index, &self.base, &self.budget)?;
        let texts = metadata.iter().map(|(name, value)| name.len() + value.as_str().map_or(0, str::len));
        self.budget.reserve_output(texts.sum());
        Ok(structured)
    }

    fn narrow(&mut self, selectors: &[Arc<CssSelector>]) -> Result<(), ReadError> {
        select::narrow(&mut self.tree, selectors, &self.budget)?;
        self.rebuild_index()
    }

    fn remove_unwanted(&mut self) -> Result<(), ReadError> {
        let selection = &self.options.selection;
        if !selection.removes_anything() {
            return Ok(());
        }
        let excluded = &self.patterns.excluded;
        select::remove_unwanted(&mut self.tree, &self.index, &self.base, selection, excluded, &self.budget)?;
        self.rebuild_index()
    }

    fn rebuild_index(&mut self) -> Result<(), ReadError> {
        self.index = build_index(&self.tree, &self.budget)?;
        Ok(())
    }

    /// Begins an output, and returns the bytes that it may have.
    fn begin_output(&self) -> usize {
        self.budget.begin_output(self.max_bytes)
    }

    /// `copies`: how often the result contains it.
    fn cleaned_html(&self, copies: usize) -> Result<String, ReadError> {
        let limit = self.begin_output() / copies;
        let html = cleaned_html::write(&self.tree, &self.index, &self.options.selection, limit, &self.budget)?;
        self.budget.reserve_output(html.len() * copies);
        Ok(html)
    }

    /// Reduces the tree to the main content and adds it to the page as Markdown and HTML.
    fn with_main_content(&mut self, mut page: Page) -> Result<Page, ReadError> {
        let Some(filter) = &self.options.content_filter else { return Ok(page) };
        content::retain_main_content(&mut self.tree, &self.index, &self.base, filter, &self.budget)?;
        self.rebuild_index()?;
        let limit = self.begin_output();
        let Self { tree, index, base, options, budget, .. } = &*self;
        let fit_markdown = markdown::write_raw(tree, index, base, &options.markdown, limit, budget)?;
        let fit_html = self.cleaned_html(2)?;
        page.fit_html = Some(fit_html.clone());
        page.markdown = Markdown { fit_markdown, fit_html, ..page.markdown };
        Ok(page)
    }

    fn schema_fields(&self) -> Result<Option<ExtractedJson>, ReadError> {
        let Some(extraction) = &self.patterns.extraction else { return Ok(None) };
        let extracted = extraction.schema_fields(&self.tree, self.begin_output(), &self.budget)?;
        if let Some(extracted) = &extracted {
            self.budget.reserve_output(extracted.json.len());
        }
        Ok(extracted)
    }

    /// The page's text before the main content is selected, if patterns are matched on it.
    fn pattern_text(&self) -> String {
        match self.patterns.extraction.as_ref().and_then(CompiledExtraction::input) {
            Some(InputFormat::Text) => extract::page_text(&self.tree, self.html.len()),
            _ => String::new(),
        }
    }

    fn pattern_matches(&self, page: &Page, text: &str) -> Result<Option<ExtractedJson>, ReadError> {
        let Some(extraction) = &self.patterns.extraction else { return Ok(None) };
        let Some(input) = extraction.input() else { return Ok(None) };
        let input = extract::input_text(input, self.html, page, text);
        extraction.pattern_matches(&input, self.url, self.begin_output(), &self.budget)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::Value;

    use super::*;

    fn keys(value: &Value) -> Vec<&str> {
        value.as_object().expect("an object").keys().map(String::as_str).collect()
    }

    #[test]
    fn page_json_has_the_documented_keys() {
        let html =
            "<title>t</title><a href=/a>b</a><img src=c.png alt=d><table class=e><tr><th>f<th>g<tr><td>h<td>i</table>";
        let url = Url::parse("https://a.example/").expect("a constant");
        let page = read(html, &url, &Options::default(), &Limits::default()).expect("it is short");
        let page = serde_json::to_value(page).expect("it is JSON");
        for (part, expected) in [
            ("", "cleaned_html media links metadata structured_data tables markdown fit_html head_fingerprint"),
            ("/media", "images videos audios"),
            ("/media/images/0", "src data alt desc score type group_id format width"),
            ("/links", "internal external"),
            (
                "/links/internal/0",
                "href text title base_domain head_data head_extraction_status head_extraction_error intrinsic_score \
                 contextual_score total_score",
            ),
            ("/tables/0", "headers rows caption summary metadata"),
            ("/tables/0/metadata", "row_count column_count has_headers has_caption has_summary class"),
            ("/metadata", "title description keywords author"),
            ("/markdown", "raw_markdown markdown_with_citations references_markdown fit_markdown fit_html"),
        ] {
            let value = page.pointer(part).expect("a part of the page");
            assert_eq!(keys(value), expected.split_whitespace().collect::<Vec<_>>(), "{part}");
        }
    }

    #[test]
    fn work_limit_is_deterministic() {
        let url = Url::parse("https://a.example/").expect("a constant");
        let html = "<p>a <a href=/b>c</a>".repeat(1000);
        let options =
            Options { content_filter: Some(crate::ContentFilter::default()), score_links: true, ..Options::default() };
        let reads = |max_work| read(&html, &url, &options, &Limits { max_work, ..Limits::default() }).is_ok();
        let (mut sufficient, mut insufficient) = (10_000_000, 0);
        while sufficient - insufficient > 1 {
            let middle = (sufficient + insufficient) / 2;
            *(if reads(middle) { &mut sufficient } else { &mut insufficient }) = middle;
        }
        assert!(reads(sufficient) && !reads(insufficient), "{sufficient}");
        assert!((10_000..1_000_000).contains(&sufficient), "{sufficient}");
    }

    #[test]
    fn deadline_ends_reading() {
        let html = "<p>a ".repeat(200_000);
        let url = Url::parse("https://a.example/").expect("a constant");
        let limits = Limits { deadline: Some(Duration::from_millis(1)), ..Limits::default() };
        let error = read(&html, &url, &Options::default(), &limits).expect_err("the deadline");
        assert_eq!(error.to_string(), "page was not read within 0.001 s");
    }
}
