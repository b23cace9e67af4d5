//! Removes unwanted elements, link targets and formatting from the tree, in one walk.

use std::collections::HashSet;
use std::sync::Arc;

use html5ever::{LocalName, local_name};
use url::Url;

use super::css::{CssSelector, outermost_matches};
use crate::budget::Budget;
use crate::element_kind::{heading_level, is_block, is_multiline_block};
use crate::error::ReadError;
use crate::image_source::source;
use crate::index::{NodeFlags, PageIndex};
use crate::options::{SOCIAL_MEDIA, Selection};
use crate::public_suffix::registrable_domain;
use crate::text;
use crate::tree::{Element, NodeData, NodeId, Tag, Tree, Visit};
use crate::urls::BaseUrl;

/// Removes the elements, link targets and formatting that the selection excludes.
pub(crate) fn remove_unwanted(
    tree: &mut Tree,
    index: &PageIndex,
    base: &BaseUrl,
    selection: &Selection,
    excluded: &[Arc<CssSelector>],
    budget: &Budget,
) -> Result<(), ReadError> {
    let rules = SelectionRules::new(tree, index, base, selection, excluded, budget)?;
    let (mut removed, mut unlinked, mut unformatted) = (Vec::new(), Vec::new(), Vec::new());
    let mut walk = tree.walk(NodeId::ROOT);
    while let Some(step) = walk.next() {
        let Visit::Enter(id) = step else { continue };
        let NodeData::Element(element) = tree.data(id) else { continue };
        budget.step()?;
        if rules.is_unwanted(id, element) {
            removed.push(id);
            walk.skip_children(id);
        } else if rules.loses_target(element) {
            unlinked.push(id);
        } else if selection.only_text && is_formatting(&element.name.local) {
            unformatted.push(id);
        }
    }
    removed.into_iter().for_each(|id| tree.unlink(id));
    for element in unlinked {
        if let Some(element) = tree.element_mut(element) {
            element.attrs.retain(|attr| attr.name.local != local_name!("href"));
        }
    }
    for element in unformatted {
        if let Some(element) = tree.element_mut(element) {
            (element.tag, element.name.local) = (Tag::Span, local_name!("span"));
            element.attrs.clear();
        }
    }
    Ok(())
}

/// The selection, prepared for tests of single elements.
struct SelectionRules<'a> {
    tree: &'a Tree,
    index: &'a PageIndex,
    base: &'a BaseUrl,
    selection: &'a Selection,
    page_domain: Option<&'a str>,
    tags: HashSet<LocalName>,
    matched: HashSet<usize>,
    domains: Vec<String>,
}

impl<'a> SelectionRules<'a> {
    fn new(
        tree: &'a Tree,
        index: &'a PageIndex,
        base: &'a BaseUrl,
        selection: &'a Selection,
        excluded: &[Arc<CssSelector>],
        budget: &Budget,
    ) -> Result<Self, ReadError> {
        let mut matched = HashSet::new();
        if !excluded.is_empty() {
            matched.extend(outermost_matches(tree, excluded, budget)?.into_iter().map(NodeId::index));
        }
        let tags = selection.excluded_tags.iter().map(|tag| tag.trim().to_ascii_lowercase().into()).collect();
        let mut domains: Vec<String> = selection.exclude_domains.iter().map(|domain| host_name(domain)).collect();
        if selection.exclude_social_media_links {
            domains.extend(SOCIAL_MEDIA.map(str::to_owned));
            domains.extend(selection.social_media_domains.iter().map(|domain| host_name(domain)));
        }
        domains.retain(|domain| !domain.is_empty());
        Ok(Self {
            tree,
            index,
            base,
            selection,
            page_domain: base.page_url().map(registrable_domain),
            tags,
            matched,
            domains,
        })
    }

    fn is_unwanted(&self, id: NodeId, element: &Element) -> bool {
        let selection = self.selection;
        self.matched.contains(&id.index())
            || self.tags.contains(&element.name.local)
            || selection.remove_forms && element.tag == Tag::Form
            || self.is_unwanted_image(id, element)
            || selection.word_count_threshold > 1 && self.is_short_block(id, element)
    }

    fn is_unwanted_image(&self, id: NodeId, element: &Element) -> bool {
        match element.tag {
            Tag::Picture => self.selection.exclude_all_images,
            Tag::Img | Tag::Image if self.selection.exclude_all_images => true,
            Tag::Img | Tag::Image if self.selection.filters_images() => {
                let Some(url) = source(self.tree, id).and_then(|src| self.base.parse(src)) else { return false };
                self.selection.exclude_external_images && self.is_external(&url) || self.is_in_excluded_domain(&url)
            }
            _ => false,
        }
    }

    fn loses_target(&self, element: &Element) -> bool {
        if !matches!(element.tag, Tag::A | Tag::Area) || !self.selection.filters_links() {
            return false;
        }
        let url = element.attr("href").and_then(|href| self.base.parse(href));
        let Some(url) = url.filter(|url| matches!(url.scheme(), "http" | "https")) else { return false };
        let is_excluded = if self.is_external(&url) {
            self.selection.exclude_external_links
        } else {
            self.selection.exclude_internal_links
        };
        is_excluded || self.is_in_excluded_domain(&url)
    }

    fn is_external(&self, url: &Url) -> bool {
        self.page_domain != Some(registrable_domain(url))
    }

    fn is_in_excluded_domain(&self, url: &Url) -> bool {
        let host = url.host_str().unwrap_or_default();
        self.domains
            .iter()
            .any(|domain| host.strip_suffix(domain.as_str()).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')))
    }

    /// Whether an element is an innermost text block with too few words.
    fn is_short_block(&self, id: NodeId, element: &Element) -> bool {
        let min_words = self.selection.word_count_threshold as usize;
        let tag = element.tag;
        let is_text = is_block(tag) && !is_multiline_block(tag) && heading_level(tag).is_none();
        let is_container = matches!(
            tag,
            Tag::Html | Tag::Body | Tag::Td | Tag::Th | Tag::Tr | Tag::Thead | Tag::Tbody | Tag::Tfoot | Tag::Caption
        );
        let flags = self.index.flags(id);
        if !is_text || is_container || flags.any(NodeFlags::BLOCK | NodeFlags::IMAGE) || !flags.any(NodeFlags::TEXT) {
            return false;
        }
        count_words(&text::text_content(self.tree, id, min_words.saturating_mul(64).min(1 << 20))) < min_words
    }
}

/// Counts words between spaces; in scripts without spaces each character is a word.
fn count_words(text: &str) -> usize {
    let is_unspaced =
        |c: char| matches!(c, '\u{2e80}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7ff}' | '\u{f900}'..='\u{faff}');
    text.split_whitespace().map(|word| word.chars().filter(|&c| is_unspaced(c)).count().max(1)).sum()
}

/// The host name in a domain, URL or pattern: `example.com` for `https://www.Example.com/` and `.example.com`.
fn host_name(domain: &str) -> String {
    let domain = domain.trim().to_ascii_lowercase();
    let after_scheme = domain.split_once("://").map_or(domain.as_str(), |(_, after)| after);
    let host = after_scheme.split(['/', ':', '?']).next().unwrap_or_default().trim_matches('.');
    host.strip_prefix("www.").unwrap_or(host).to_owned()
}

/// Whether an element only formats inline text.
fn is_formatting(name: &str) -> bool {
    const NAMES: [&str; 23] = [
        "abbr", "b", "cite", "code", "del", "dfn", "em", "font", "i", "ins", "kbd", "mark", "q", "s", "samp", "small",
        "strike", "strong", "sub", "sup", "time", "u", "var",
    ];
    NAMES.contains(&name)
}
