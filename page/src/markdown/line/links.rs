//! Links and images within a line.

use super::{Line, Place};
use crate::markdown::Source;
use crate::markdown::escape;
use crate::markdown::pieces::Piece;
use crate::tree::Id;
use crate::urls::MAX_URL;
use crate::{media, text};

pub(super) struct OpenLink {
    anchor: Id,
    /// Where its `[` stands.
    pub(super) at: usize,
    /// Its `[` among the notes.
    note: usize,
}

impl Line<'_, '_> {
    pub(super) fn image(&mut self, image: Id) {
        let Source { tree, base, .. } = self.source;
        let alt = tree.attr(image, "alt").unwrap_or_default();
        let Some(src) = media::source(tree, image) else {
            // Without its image, a link would be lost.
            if !self.links.is_empty() || !self.waiting.is_empty() {
                self.text(alt, self.pieces.len() - 1);
            }
            return;
        };
        self.lead_in('!', false);
        self.out.push_str("![");
        let start = self.out.len();
        escape::push_label(alt, self.out);
        let label = text::collapsed(alt);
        let end = self.out.len();
        let target = base.shown(src);
        self.write_target(&target, tree.attr(image, "title"));
        if self.source.options.citations {
            self.notes.image(start..end, self.out.len(), &target, &label);
        }
        self.plain_from = self.out.len();
    }

    /// `](target "title")`.
    fn write_target(&mut self, target: &str, title: Option<&str>) {
        self.out.push_str("](");
        let title = title.map(text::collapsed).filter(|title| !title.is_empty());
        escape::push_target(target, title.is_some(), self.place == Place::Cell, self.out);
        if let Some(title) = title {
            escape::push_title(&title, self.place == Place::Cell, self.out);
        }
        self.out.push(')');
    }

    /// Writes the `[` of a link that waited.
    pub(in crate::markdown) fn begin_link(&mut self, anchor: Id) {
        if self.link_end == self.out.len() {
            self.out.push(' ');
        }
        if self.out.ends_with('!') && !escape::is_escaped(self.out, self.out.len() - 1) {
            self.out.insert(self.out.len() - 1, '\\');
        }
        let at = self.out.len();
        let note = self.notes.begin(at);
        self.out.push('[');
        self.links.push(OpenLink { anchor, at, note });
        self.plain_from = self.out.len();
    }

    pub(super) fn close_link(&mut self, anchor: Id) {
        let is_own = |piece: &usize| self.pieces[*piece] == Piece::LinkOpen(anchor);
        if let Some(place) = self.waiting.iter().rposition(is_own) {
            if !self.source.is_bare(anchor) {
                self.waiting.remove(place);
                return;
            }
            self.lead_in(']', false);
        }
        let Some(link) = self.links.pop_if(|link| link.anchor == anchor) else { return };
        let element = self.source.tree.element(anchor);
        let href = element.and_then(|element| element.attr("href")).unwrap_or_default();
        let target = if href.len() <= MAX_URL { self.source.base.shown(href) } else { String::new() };
        let text = self.out[link.at + 1..].to_owned();
        if self.close_as_autolink(&link, href, &target, &text) {
            return;
        }
        let end = self.out.len();
        self.write_target(&target, element.and_then(|element| element.attr("title")));
        if self.source.options.citations {
            let title = element.and_then(|element| element.attr("title")).map(text::collapsed).unwrap_or_default();
            self.notes.link(link.note, end..self.out.len(), &target, &text, &title);
        }
        self.plain_from = self.out.len();
        self.link_end = self.out.len();
    }

    /// `<https://…>` where a link shows its own target.
    fn close_as_autolink(&mut self, link: &OpenLink, href: &str, target: &str, text: &str) -> bool {
        let address = href.strip_prefix("mailto:").filter(|address| address.contains('@'));
        let shown = escape::unescaped(text);
        let own = address.map_or(shown == href || shown == target, |address| shown == address);
        let body = address.unwrap_or(target);
        let has_title = self.source.tree.attr(link.anchor, "title").is_some_and(|title| !title.is_empty());
        if !own || has_title || !escape::is_autolink(body) || self.place == Place::Cell && body.contains('|') {
            return false;
        }
        self.out.truncate(link.at);
        self.out.extend(["<", body, ">"]);
        if self.source.options.citations {
            let end = self.out.len();
            self.notes.link(link.note, end - 1..end, target, body, "");
        }
        self.plain_from = self.out.len();
        true
    }
}
