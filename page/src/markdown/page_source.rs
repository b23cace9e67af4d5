//! The page that is written, with questions about its elements that several parts of the writer ask.

use crate::index::PageIndex;
use crate::options::MarkdownOptions;
use crate::text;
use crate::tree::{Element, NodeId, Tag, Tree};
use crate::urls::BaseUrl;

#[derive(Clone, Copy)]
pub(super) struct PageSource<'t> {
    pub(super) tree: &'t Tree,
    pub(super) index: &'t PageIndex,
    pub(super) base: &'t BaseUrl,
    pub(super) options: &'t MarkdownOptions,
    /// What begins later is left out.
    pub(super) max_bytes: usize,
}

impl PageSource<'_> {
    /// Whether a link with this target is written as a link.
    pub(super) fn is_written_link(&self, href: &str) -> bool {
        let scheme = href.split(':').next().unwrap_or_default();
        let is_script = ["javascript", "data", "vbscript"].iter().any(|script| scheme.eq_ignore_ascii_case(script));
        // `#` alone is the target of links that a script handles.
        let has_no_target = href == "#"
            || href.contains("/cdn-cgi/l/email-protection")
            || self.options.skip_internal_links && href.starts_with('#');
        !(self.options.ignore_links || is_script || has_no_target)
    }

    /// Whether a link is the symbol next to a heading that links to the heading itself.
    pub(super) fn is_permalink(&self, anchor: NodeId, element: &Element) -> bool {
        let has_fragment = element.attr("href").is_some_and(|href| href.contains('#'));
        has_fragment && matches!(&*text::text_content(self.tree, anchor, 8), "¶" | "#" | "§" | "🔗" | "\u{f0c1}")
    }

    /// Whether a link is written although it is empty: its author put it into a paragraph. Elsewhere an empty link is
    /// an icon or an overlay without a label.
    pub(super) fn is_intended_empty_link(&self, anchor: NodeId) -> bool {
        let in_text = self.tree.parent(anchor).is_some_and(|parent| self.tree.tag(parent) == Tag::P);
        let has_only_href = self.tree.element(anchor).is_some_and(|element| element.attrs.len() == 1);
        in_text && has_only_href && self.tree.first_child(anchor).is_none()
    }

    /// Whether an element is directly inside an element of the same name, both without attributes, so that the nesting
    /// is intended. With attributes it is an artefact of a stylesheet or an editor.
    pub(super) fn repeats_parent(&self, id: NodeId, element: &Element) -> bool {
        let parent = self.tree.parent(id).and_then(|parent| self.tree.element(parent));
        parent.is_some_and(|parent| parent.tag == element.tag && parent.attrs.is_empty() && element.attrs.is_empty())
    }

    /// Whether an element contains only white space and has no attributes for styling or scripts.
    pub(super) fn is_blank(&self, id: NodeId) -> bool {
        let has_attributes = self.tree.element(id).is_some_and(|element| !element.attrs.is_empty());
        let is_space = |child: NodeId| self.tree.text(child).is_some_and(|text| text.trim().is_empty());
        !has_attributes && self.tree.children(id).all(is_space)
    }

    /// Whether a `<pre>` contains a `<code>` first.
    pub(super) fn starts_with_code(&self, pre: NodeId) -> bool {
        self.tree.first_child(pre).is_some_and(|child| self.tree.tag(child) == Tag::Code)
    }

    pub(super) fn contains_link(&self, id: NodeId) -> bool {
        self.tree.descendants(id).take(16).any(|id| self.tree.tag(id) == Tag::A)
    }

    /// Whether the page itself has parentheses (`<rp>`) for a ruby annotation.
    pub(super) fn has_ruby_parentheses(&self, rt: NodeId) -> bool {
        let is_near = |id: NodeId| self.tree.siblings_before(id).take(4).any(|id| self.tree.tag(id) == Tag::Rp);
        is_near(rt) || self.tree.siblings_after(rt).take(4).any(|id| self.tree.tag(id) == Tag::Rp)
    }
}
