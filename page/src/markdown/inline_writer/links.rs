//! Links and images.

use super::state::{InlineWriter, LineContext, OpenLink};
use crate::image_source;
use crate::markdown::escape;
use crate::markdown::inlines::Inline;
use crate::markdown::page_source::PageSource;
use crate::text;
use crate::tree::NodeId;
use crate::urls::MAX_URL_BYTES;

impl InlineWriter<'_, '_> {
    pub(super) fn image(&mut self, image: NodeId) {
        let PageSource { tree, base, .. } = self.source;
        let alt = tree.attr(image, "alt").unwrap_or_default();
        let Some(src) = image_source::source(tree, image) else {
            // A link needs a text if it contains only this image.
            if !self.open_links.is_empty() || !self.deferred.is_empty() {
                self.text(alt, self.items.len() - 1);
            }
            return;
        };
        self.write_deferred('!', false);
        self.out.push_str("![");
        let start = self.out.len();
        escape::push_image_label(alt, self.context == LineContext::Cell, self.out);
        let label = text::collapse_whitespace(alt);
        let end = self.out.len();
        let target = base.resolve_or_keep(src);
        self.write_target(&target, tree.attr(image, "title"));
        if self.source.options.citations {
            self.edits.image(start..end, self.out.len(), &target, &label);
        }
        self.plain_from = self.out.len();
    }

    /// Writes `](target "title")`.
    fn write_target(&mut self, target: &str, title: Option<&str>) {
        self.out.push_str("](");
        let title = title.map(text::collapse_whitespace).filter(|title| !title.is_empty());
        escape::push_target(target, title.is_some(), self.context == LineContext::Cell, self.out);
        if let Some(title) = title {
            escape::push_title(&title, self.context == LineContext::Cell, self.out);
        }
        self.out.push(')');
    }

    /// Writes the `[` of a deferred link.
    pub(super) fn open_link(&mut self, anchor: NodeId) {
        if self.out.ends_with('!') && !escape::is_escaped(self.out, self.out.len() - 1) {
            self.out.insert(self.out.len() - 1, '\\');
        }
        let at = self.out.len();
        let edit = self.edits.open_link(at);
        self.out.push('[');
        self.open_links.push(OpenLink { anchor, at, edit });
        self.plain_from = self.out.len();
    }

    pub(super) fn close_link(&mut self, anchor: NodeId) {
        let is_own = |item: &usize| self.items[*item] == Inline::LinkOpen(anchor);
        if let Some(position) = self.deferred.iter().rposition(is_own) {
            if !self.source.is_intended_empty_link(anchor) {
                self.deferred.remove(position);
                return;
            }
            self.write_deferred(']', false);
        }
        let Some(link) = self.open_links.pop_if(|link| link.anchor == anchor) else { return };
        let element = self.source.tree.element(anchor);
        let href = element.and_then(|element| element.attr("href")).unwrap_or_default();
        let target = if href.len() <= MAX_URL_BYTES { self.source.base.resolve_or_keep(href) } else { String::new() };
        let text = self.out[link.at + 1..].to_owned();
        if self.close_as_autolink(&link, href, &target, &text) {
            return;
        }
        let end = self.out.len();
        let title = element.and_then(|element| element.attr("title"));
        self.write_target(&target, title);
        if self.source.options.citations {
            let title = title.map(text::collapse_whitespace).unwrap_or_default();
            self.edits.link(link.edit, end..self.out.len(), &target, &text, &title);
        }
        self.plain_from = self.out.len();
        self.link_end = self.out.len();
    }

    /// Writes `<https://…>` if the text of a link is its target.
    fn close_as_autolink(&mut self, link: &OpenLink, href: &str, target: &str, text: &str) -> bool {
        let email = href.strip_prefix("mailto:").filter(|email| email.contains('@'));
        let shown = escape::unescape(text);
        let shows_target = email.map_or(shown == href || shown == target, |email| shown == email);
        let body = email.unwrap_or(target);
        let has_title = self.source.tree.attr(link.anchor, "title").is_some_and(|title| !title.is_empty());
        let breaks_cell = self.context == LineContext::Cell && body.contains('|');
        if !shows_target || has_title || !escape::is_autolink(body) || breaks_cell {
            return false;
        }
        self.out.truncate(link.at);
        self.out.extend(["<", body, ">"]);
        if self.source.options.citations {
            let end = self.out.len();
            self.edits.link(link.edit, end - 1..end, target, body, "");
        }
        self.plain_from = self.out.len();
        self.link_end = self.out.len();
        true
    }
}
