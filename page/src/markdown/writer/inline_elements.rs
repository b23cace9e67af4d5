//! Inline elements: styles, line breaks, images, links, check boxes.

use std::borrow::Cow;

use super::state::{OnLeave, Writer};
use crate::image_source;
use crate::index::NodeFlags;
use crate::markdown::inlines::{Inline, InlineStyle, OpenInline};
use crate::tree::{Element, NodeId, Tag};

/// The longest e-mail address.
const MAX_EMAIL_BYTES: usize = 254;

impl<'t> Writer<'t> {
    pub(super) fn enter_inline_element(&mut self, id: NodeId, element: &'t Element, flags: NodeFlags) {
        let style = match element.tag {
            Tag::Em | Tag::I | Tag::Cite | Tag::Dfn | Tag::Var => InlineStyle::Emphasis,
            Tag::Strong | Tag::B => InlineStyle::Strong,
            Tag::Del | Tag::S | Tag::Strike => InlineStyle::Strikethrough,
            Tag::Sub => InlineStyle::Subscript,
            Tag::Sup => InlineStyle::Superscript,
            Tag::Br => return self.line_break(),
            Tag::Img => return self.image(id),
            Tag::A => return self.enter_link(id, element, flags),
            Tag::Code | Tag::Kbd | Tag::Samp | Tag::Tt if !flags.any(NodeFlags::STRUCTURE) => {
                self.code_depth += 1;
                return self.push_on_leave(id, OnLeave::EndCode);
            }
            Tag::Input => return self.check_box(element),
            Tag::Q => return self.enclose(id, "“", "”"),
            Tag::Rt if !self.source.has_ruby_parentheses(id) => return self.enclose(id, "(", ")"),
            Tag::Button => {
                self.inlines.boundary();
                return self.push_on_leave(id, OnLeave::EndInlineBlock);
            }
            _ => return,
        };
        self.enter_style(id, element, style);
    }

    fn enter_style(&mut self, id: NodeId, element: &Element, style: InlineStyle) {
        let is_script = matches!(style, InlineStyle::Subscript | InlineStyle::Superscript);
        let is_footnote = is_script && self.source.contains_link(id);
        let is_repeated =
            self.inlines.items.last() == Some(&Inline::Open(style)) && !self.source.repeats_parent(id, element);
        if self.code_depth == 0 && !is_footnote && !is_repeated && !self.source.options.ignore_emphasis {
            self.inlines.open(OpenInline::Style(style));
            self.push_on_leave(id, OnLeave::CloseInline);
        }
    }

    /// Encloses an element in characters.
    fn enclose(&mut self, id: NodeId, start: &'static str, end: &'static str) {
        self.inlines.items.push(Inline::Raw(Cow::Borrowed(start)));
        self.push_on_leave(id, OnLeave::Raw(end));
    }

    /// Writes a line break; the second of two ends the paragraph.
    fn line_break(&mut self) {
        let ends_paragraph = self.inline_depth == 0 && !self.inlines.is_in_link() && self.inlines.ends_with_break();
        if ends_paragraph { self.flush() } else { self.inlines.items.push(Inline::Break) }
    }

    fn image(&mut self, image: NodeId) {
        let tree = self.source.tree;
        let is_tiny = |name| matches!(tree.attr(image, name), Some("0" | "1"));
        if self.source.options.ignore_images || is_tiny("width") && is_tiny("height") {
            return;
        }
        let alt = tree.attr(image, "alt").unwrap_or_default();
        if image_source::has_source(tree, image) || self.inlines.is_in_link() && !alt.trim().is_empty() {
            self.inlines.push_visible(Inline::Image(image));
        }
    }

    fn enter_link(&mut self, id: NodeId, element: &'t Element, flags: NodeFlags) {
        let Some(href) = element.attr("href").map(str::trim) else { return };
        if !self.source.is_written_link(href) || self.inlines.is_in_link() {
            return;
        }
        if self.inline_depth > 0 || !flags.any(NodeFlags::BLOCK) {
            self.open_link(id, OnLeave::CloseInline, false);
            if !flags.any(NodeFlags::TEXT | NodeFlags::IMAGE) {
                self.write_label(element);
                self.inlines.visible |= self.source.is_intended_empty_link(id);
            }
        } else if flags.any(NodeFlags::HEADING) {
            self.heading_link = Some(id);
            self.push_on_leave(id, OnLeave::EndHeadingLink);
        } else if flags.any(NodeFlags::STRUCTURE) {
            self.open_link(id, OnLeave::CloseInline, true);
        } else {
            self.flush();
            self.inline_depth += 1;
            self.open_link(id, OnLeave::CloseInlinedLink, false);
        }
    }

    fn open_link(&mut self, anchor: NodeId, on_leave: OnLeave, once: bool) {
        self.inlines.open(OpenInline::Link { anchor, once });
        self.push_on_leave(anchor, on_leave);
    }

    /// Writes the label of a link without text, such as an icon.
    fn write_label(&mut self, element: &'t Element) {
        let label = element.attr("aria-label").or_else(|| element.attr("title")).unwrap_or_default();
        self.inlines.text(label, !label.trim().is_empty());
    }

    /// Writes an e-mail address that Cloudflare hides from crawlers: its bytes, each XORed with the first.
    pub(super) fn write_cloudflare_email(&mut self, element: &Element) {
        let encoded = element.attr("data-cfemail").unwrap_or_default().as_bytes();
        let pairs = encoded.chunks_exact(2).filter_map(|pair| std::str::from_utf8(pair).ok());
        let bytes: Vec<u8> = pairs.filter_map(|pair| u8::from_str_radix(pair, 16).ok()).collect();
        let Some((key, bytes)) = bytes.split_first() else { return };
        let email: String = bytes.iter().map(|byte| char::from(byte ^ key)).collect();
        let is_plain = |c: char| c.is_ascii_alphanumeric() || ".-+@".contains(c);
        if email.contains('@') && email.len() <= MAX_EMAIL_BYTES && email.chars().all(is_plain) {
            self.inlines.push_visible(Inline::Raw(Cow::Owned(email)));
        }
    }

    /// Writes the check box of a task at the beginning of a list item.
    fn check_box(&mut self, element: &Element) {
        let is_box = element.attr("type").is_some_and(|kind| kind.eq_ignore_ascii_case("checkbox"));
        let is_first = self.output.is_in_item() && self.output.is_container_empty() && !self.inlines.visible;
        if is_box && is_first {
            let checked = element.attr("checked").is_some();
            self.inlines.items.push(Inline::Raw(Cow::Borrowed(if checked { "[x]" } else { "[ ]" })));
            self.inlines.boundary();
        }
    }
}
