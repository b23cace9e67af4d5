//! Reads a page: one parse, one survey, and a walk for each output.

use std::time::Duration;

use url::Url;

use crate::urls::Base;
use crate::watch::Watch;
use crate::{Limits, Options, Page, cleaned, links, markdown, media, metadata, survey, tables, tree};

/// Why there is nothing to say about a page. Each displays as one sentence for a person.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    #[error("the page has {bytes} bytes, more than the {bound} that may be read")]
    TooLong { bytes: usize, bound: usize },
    #[error("reading the page took longer than {} s", bound.as_secs_f64())]
    TooSlow { bound: Duration },
}

/// Says what the HTML text of a page says. `url` is the page's final address: relative links are resolved against it,
/// or against the page's own `<base href>`. With an address that cannot be a base (`about:blank`, `raw:…`), links in
/// the Markdown stay as they are written.
///
/// Never panics, whatever the text; what it costs is bounded by `limits`.
pub fn read(html: &str, url: &Url, options: &Options, limits: &Limits) -> Result<Page, Unreadable> {
    let bound = limits.max_bytes.min(u32::MAX as usize / 2);
    if html.len() > bound {
        return Err(Unreadable::TooLong { bytes: html.len(), bound });
    }
    let watch = Watch::start(limits);
    let parsed = tree::parse(html, limits, &watch)?;
    let tree = &parsed.tree;
    let survey = survey::survey(tree, &watch)?;
    let base = Base::of(url, survey.base_href(tree));
    let budget = html.len().saturating_mul(8).saturating_add(64 * 1024);
    let metadata = metadata::metadata(tree, &survey);
    let markdown = markdown::write(tree, &survey, &base, &options.markdown, budget, &watch)?;
    let cleaned_html = cleaned::write(tree, &survey, budget, &watch)?;
    let truncated = if parsed.cut {
        Some(format!("the page was cut after {} nodes", limits.max_nodes))
    } else if markdown.raw_markdown.len().max(cleaned_html.len()) > budget {
        Some(format!("what the page says was cut after {budget} bytes"))
    } else {
        None
    };
    Ok(Page {
        head_fingerprint: metadata::fingerprint(&metadata),
        cleaned_html,
        media: media::media(tree, &survey, &base, options, &watch)?,
        links: links::links(tree, &survey, &base, &watch)?,
        tables: tables::tables(tree, &survey, &watch)?,
        metadata: metadata.shown,
        markdown,
        fit_html: None,
        truncated,
    })
}
