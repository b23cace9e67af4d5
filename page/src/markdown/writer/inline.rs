//! Elements that stand on a line.

use std::borrow::Cow;

use super::{Undo, Writer};
use crate::index::Holds;
use crate::markdown::pieces::{Mark, Piece, Wrap};
use crate::media;
use crate::tree::{Element, Id, Tag};

impl<'t> Writer<'t> {
    pub(super) fn enter_inline(&mut self, id: Id, element: &'t Element, holds: Holds) {
        let mark = match element.tag {
            Tag::Em | Tag::I | Tag::Cite | Tag::Dfn | Tag::Var => Mark::Emphasis,
            Tag::Strong | Tag::B => Mark::Strong,
            Tag::Del | Tag::S | Tag::Strike => Mark::Struck,
            Tag::Sub => Mark::Sub,
            Tag::Sup => Mark::Super,
            Tag::Br => return self.line_break(),
            Tag::Img => return self.image(id),
            Tag::A => return self.enter_link(id, element, holds),
            Tag::Code | Tag::Kbd | Tag::Samp | Tag::Tt if !holds.any(Holds::STRUCTURE) => {
                self.code += 1;
                return self.undo.push((id, Undo::Code));
            }
            Tag::Input => return self.check_box(element),
            Tag::Q => {
                self.pieces.list.push(Piece::Raw(Cow::Borrowed("“")));
                return self.undo.push((id, Undo::Raw("”")));
            }
            Tag::Rt if !self.source.has_ruby_parentheses(id) => {
                self.pieces.list.push(Piece::Raw(Cow::Borrowed("(")));
                return self.undo.push((id, Undo::Raw(")")));
            }
            Tag::Button => {
                self.pieces.boundary();
                return self.undo.push((id, Undo::Boundary));
            }
            _ => return,
        };
        let is_footnote = matches!(mark, Mark::Sub | Mark::Super) && self.source.holds_link(id);
        let again = self.pieces.list.last() == Some(&Piece::Open(mark)) && !self.source.is_plain_twin(id, element);
        if self.code == 0 && !is_footnote && !again && !self.source.options.ignore_emphasis {
            self.pieces.open(Wrap::Mark(mark));
            self.undo.push((id, Undo::Wrap));
        }
    }

    fn line_break(&mut self) {
        let splits = self.flat == 0 && !self.pieces.is_in_link() && self.pieces.ends_with_break();
        if splits { self.flush() } else { self.pieces.list.push(Piece::Break) }
    }

    fn image(&mut self, image: Id) {
        let tree = self.source.tree;
        let tiny = |name| matches!(tree.attr(image, name), Some("0" | "1"));
        if self.source.options.ignore_images || tiny("width") && tiny("height") {
            return;
        }
        let alt = tree.attr(image, "alt").unwrap_or_default();
        if media::has_source(tree, image) || self.pieces.is_in_link() && !alt.trim().is_empty() {
            self.pieces.show(Piece::Image(image));
        }
    }

    fn enter_link(&mut self, id: Id, element: &'t Element, holds: Holds) {
        let Some(href) = element.attr("href").map(str::trim) else { return };
        if !self.source.is_followed(href) || self.pieces.is_in_link() {
            return;
        }
        if self.flat > 0 || !holds.any(Holds::BLOCK) {
            self.pieces.open(Wrap::Link { anchor: id, once: false });
            self.undo.push((id, Undo::Wrap));
            if !holds.any(Holds::TEXT | Holds::IMAGE) {
                // An icon: only its label says where it leads.
                self.text_of(element.attr("aria-label").or_else(|| element.attr("title")).unwrap_or_default());
                self.pieces.visible |= self.source.is_bare(id);
            }
        } else if holds.any(Holds::HEADING) {
            self.heading_link = Some(id);
            self.undo.push((id, Undo::HeadingLink));
        } else if holds.any(Holds::STRUCTURE) {
            self.pieces.open(Wrap::Link { anchor: id, once: true });
            self.undo.push((id, Undo::Wrap));
        } else {
            self.flush();
            self.flat += 1;
            self.pieces.open(Wrap::Link { anchor: id, once: false });
            self.undo.push((id, Undo::FlatLink));
        }
    }

    fn text_of(&mut self, label: &'t str) {
        self.pieces.text(label, !label.trim().is_empty());
    }

    /// An e-mail address that Cloudflare hides from programs: its bytes, each combined with the first.
    pub(super) fn show_address(&mut self, element: &Element) {
        let hidden = element.attr("data-cfemail").unwrap_or_default().as_bytes();
        let pairs = hidden.chunks_exact(2).filter_map(|pair| std::str::from_utf8(pair).ok());
        let bytes: Vec<u8> = pairs.filter_map(|pair| u8::from_str_radix(pair, 16).ok()).collect();
        let Some((key, bytes)) = bytes.split_first() else { return };
        let address: String = bytes.iter().map(|byte| char::from(byte ^ key)).collect();
        let is_plain = |c: char| c.is_ascii_alphanumeric() || ".-+@".contains(c);
        if address.contains('@') && address.len() < 255 && address.chars().all(is_plain) {
            self.pieces.show(Piece::Raw(Cow::Owned(address)));
        }
    }

    /// The box of a task stands at the beginning of its item.
    fn check_box(&mut self, element: &Element) {
        let is_box = element.attr("type").is_some_and(|kind| kind.eq_ignore_ascii_case("checkbox"));
        if is_box && self.sheet.is_in_item() && self.sheet.is_fresh() && !self.pieces.visible {
            let checked = element.attr("checked").is_some();
            self.pieces.list.push(Piece::Raw(Cow::Borrowed(if checked { "[x]" } else { "[ ]" })));
            self.pieces.boundary();
        }
    }
}
