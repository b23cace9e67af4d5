//! Reads a page: one parse, one survey, and a walk for each output.

use url::Url;

use crate::budget::Watch;
use crate::urls::Base;
use crate::{
    Extraction, InputFormat, Limits, Options, Page, ReadError, cleaned, content, extract, index, links, markdown,
    media, metadata, select, structured, tables, tree,
};

/// Says what the HTML text of a page says. `url` is the page's final address: relative links are resolved against it,
/// or against the page's own `<base href>`. With an address that cannot be a base (`about:blank`, `raw:…`), links in
/// the Markdown stay as they are written.
///
/// Never panics, whatever the text; what it costs is bounded by `limits`, and what it keeps by the length of the text.
pub fn read(html: &str, url: &Url, options: &Options, limits: &Limits) -> Result<Page, ReadError> {
    let limit = limits.max_bytes.min(u32::MAX as usize / 2);
    if html.len() > limit {
        return Err(ReadError::TooLarge { bytes: html.len(), limit });
    }
    let watch = Watch::start(limits);
    let parsed = tree::parse(html, limits, &watch)?;
    let mut tree = parsed.tree;
    let mut survey = index::survey(&tree, &watch)?;
    let base = Base::of(url, survey.base_href(&tree));
    let budget = html.len().saturating_mul(8).saturating_add(64 * 1024);
    watch.allow(budget);
    let mut metadata = metadata::metadata(&tree, &survey);
    let head_fingerprint = metadata::fingerprint(&metadata);
    if let Some(structured) = structured::structured(&tree, &survey, &base, &watch)? {
        metadata.shown.insert("structured".to_owned(), structured);
    }
    let selection = &options.selection;
    if let Some(selector) = &selection.css_selector {
        select::narrow(&mut tree, &[selector], &watch)?;
        survey = index::survey(&tree, &watch)?;
    }
    let extraction = options.extraction.as_ref();
    let fields = extraction.map(|extraction| extraction.fields(&tree, budget, &watch)).transpose()?.flatten();
    if selection.leaves_out() {
        select::leave_out(&mut tree, &survey, &base, selection, &watch)?;
        survey = index::survey(&tree, &watch)?;
    }
    let media = media::media(&tree, &survey, &base, options, &watch)?;
    let links = links::links(&tree, &survey, &base, options.score_links, &watch)?;
    let tables = tables::tables(&tree, &survey, options.table_score_threshold, &watch)?;
    if !selection.target_elements.is_empty() {
        let targets: Vec<&str> = selection.target_elements.iter().map(String::as_str).collect();
        select::narrow(&mut tree, &targets, &watch)?;
        survey = index::survey(&tree, &watch)?;
    }
    let mut markdown = markdown::write(&tree, &survey, &base, &options.markdown, budget, &watch)?;
    let cleaned_html = cleaned::write(&tree, &survey, selection, budget, &watch)?;
    let too_long = watch.is_full() || markdown.raw_markdown.len().max(cleaned_html.len()) > budget;
    let text = match extraction {
        Some(Extraction::Patterns { input: InputFormat::Text, .. }) => extract::whole_text(&tree, html.len()),
        _ => String::new(),
    };
    let mut fit_html = None;
    if let Some(filter) = &options.content_filter {
        content::reduce(&mut tree, &survey, &base, filter, &watch)?;
        survey = index::survey(&tree, &watch)?;
        markdown.fit_markdown = markdown::write_plain(&tree, &survey, &base, &options.markdown, budget, &watch)?;
        markdown.fit_html = cleaned::write(&tree, &survey, selection, budget, &watch)?;
        fit_html = Some(markdown.fit_html.clone());
    }
    let mut page = Page {
        head_fingerprint,
        cleaned_html,
        media,
        links,
        tables,
        metadata: metadata.shown,
        extracted_content: None,
        markdown,
        fit_html,
        truncated: None,
    };
    let picked = match extraction {
        Some(Extraction::Patterns { patterns, input }) => {
            let text = input.of(html, &page, &text);
            Some(extract::matches(patterns, &text, url, budget, &watch)?)
        }
        _ => fields,
    };
    watch.check()?;
    page.truncated = if parsed.cut {
        Some(format!("the page was cut after {} nodes", limits.max_nodes))
    } else if too_long || picked.as_ref().is_some_and(|picked| picked.cut) {
        Some(format!("what the page says was cut after {budget} bytes"))
    } else {
        None
    };
    page.extracted_content = picked.map(|picked| picked.json);
    Ok(page)
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
    fn every_part_of_a_page_has_the_keys_that_clients_read() {
        let html =
            "<title>t</title><a href=/a>b</a><img src=c.png alt=d><table class=e><tr><th>f<th>g<tr><td>h<td>i</table>";
        let url = Url::parse("https://a.example/").expect("a constant");
        let page = read(html, &url, &Options::default(), &Limits::default()).expect("it is short");
        let page = serde_json::to_value(page).expect("it is JSON");
        for (part, expected) in [
            ("", "cleaned_html media links metadata tables markdown fit_html head_fingerprint"),
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
            let value = page.pointer(part).expect("it is there");
            assert_eq!(keys(value), expected.split_whitespace().collect::<Vec<_>>(), "{part}");
        }
    }

    #[test]
    fn the_work_is_the_same_every_time_and_ends_at_its_limit() {
        let url = Url::parse("https://a.example/").expect("a constant");
        let html = "<p>a <a href=/b>c</a>".repeat(1000);
        let options =
            Options { content_filter: Some(crate::ContentFilter::Main), score_links: true, ..Options::default() };
        let reads = |max_work| read(&html, &url, &options, &Limits { max_work, ..Limits::default() }).is_ok();
        let (mut enough, mut little) = (10_000_000, 0);
        while enough - little > 1 {
            let between = (enough + little) / 2;
            *(if reads(between) { &mut enough } else { &mut little }) = between;
        }
        assert!(reads(enough) && !reads(little), "{enough}");
        assert!((10_000..1_000_000).contains(&enough), "{enough}");
    }

    #[test]
    fn reading_ends_when_its_time_is_over() {
        let html = "<p>a ".repeat(200_000);
        let url = Url::parse("https://a.example/").expect("a constant");
        let limits = Limits { deadline: Some(Duration::from_millis(1)), ..Limits::default() };
        let error = read(&html, &url, &Options::default(), &limits).expect_err("it takes longer");
        assert_eq!(error.to_string(), "page was not read within 0.001 s");
    }
}
