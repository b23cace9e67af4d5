//! Which parts of a page count: what a caller selects and leaves out, carried out on the parsed tree before anything is
//! said about it. A page of which nothing is selected costs nothing more.

mod changes;
pub(crate) mod css;
pub(crate) mod xpath;

use serde::{Deserialize, Serialize};

use crate::ReadError;
use crate::budget::Watch;
use crate::tree::{Id, Tag, Tree};

pub(crate) use changes::leave_out;

/// Which parts of a page count. Every field has a default that keeps all.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Selection {
    /// Only what this CSS selector matches is read; the metadata stay those of the whole page. Where it matches nothing,
    /// the page says nothing.
    pub css_selector: Option<String>,
    /// CSS selectors. Markdown and cleaned HTML are made of what they match; links, media and tables are not narrowed.
    pub target_elements: Vec<String>,
    /// Elements to leave out, by name.
    pub excluded_tags: Vec<String>,
    /// Elements to leave out, by CSS selector.
    pub excluded_selector: Option<String>,
    /// Formatting within lines (bold, code, …) is taken off; its text stays.
    pub only_text: bool,
    pub remove_forms: bool,
    /// Paragraphs, list items and other innermost blocks of fewer words are left out; headings, tables, code and blocks
    /// with an image stay. In scripts without spaces each character counts.
    pub word_count_threshold: u32,
    /// Keep `data-` attributes in the cleaned HTML.
    pub keep_data_attributes: bool,
    /// Further attributes to keep in the cleaned HTML.
    pub keep_attrs: Vec<String>,
    /// Links to other registrable domains are no links; their text stays.
    pub exclude_external_links: bool,
    /// Links within the page's registrable domain are no links; their text stays.
    pub exclude_internal_links: bool,
    /// Links to these hosts, and those below them, are no links; images from there are left out.
    pub exclude_domains: Vec<String>,
    /// As `exclude_domains`, for `social_media_domains`.
    pub exclude_social_media_links: bool,
    /// What counts as social media, beside [`SOCIAL_MEDIA`].
    pub social_media_domains: Vec<String>,
    /// Images of other registrable domains are left out.
    pub exclude_external_images: bool,
    pub exclude_all_images: bool,
}

/// What counts as social media, whatever the caller adds.
pub const SOCIAL_MEDIA: [&str; 9] = [
    "facebook.com",
    "twitter.com",
    "x.com",
    "linkedin.com",
    "instagram.com",
    "pinterest.com",
    "tiktok.com",
    "snapchat.com",
    "reddit.com",
];

/// Says why a text cannot be used as a CSS selector, if so.
pub fn validate_css_selector(text: &str) -> Result<(), String> {
    css::Selector::parse(text).map(|_| ())
}

/// Keeps of the body only what the selectors match, the outermost of what lies within each other, in the page's order.
pub(crate) fn narrow(tree: &mut Tree, selectors: &[&str], watch: &Watch) -> Result<(), ReadError> {
    let mut parsed = Vec::new();
    for text in selectors {
        parsed.push(css::Selector::parse(text).map_err(ReadError::InvalidSelector)?);
    }
    let picked = css::outermost(tree, &parsed, watch)?;
    if picked.iter().any(|&id| matches!(tree.tag(id), Tag::Html | Tag::Body)) {
        return Ok(());
    }
    let html = tree.children(Id::ROOT).find(|&id| tree.tag(id) == Tag::Html);
    let body = html.and_then(|html| tree.children(html).find(|&id| matches!(tree.tag(id), Tag::Body | Tag::Frameset)));
    let Some(body) = body else { return Ok(()) };
    picked.iter().for_each(|&id| tree.unlink(id));
    let rest: Vec<Id> = tree.children(body).collect();
    rest.into_iter().for_each(|id| tree.unlink(id));
    for id in picked {
        let part = tree.add_div(body);
        tree.adopt(part, id);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
