//! Enters and leaves elements.

use std::borrow::Cow;

use super::state::{OnLeave, Writer};
use crate::element_kind::{heading_level, is_block, is_preformatted};
use crate::error::ReadError;
use crate::index::NodeFlags;
use crate::markdown::formula;
use crate::markdown::inlines::Inline;
use crate::markdown::output_buffer::{BlockKind, OutputBuffer};
use crate::tree::{Element, NodeData, NodeId, Tag, Visit};

impl<'t> Writer<'t> {
    pub(super) fn walk(&mut self, top: NodeId) -> Result<(), ReadError> {
        let tree = self.source.tree;
        let mut walk = tree.walk(top);
        while let Some(step) = walk.next() {
            match step {
                Visit::Enter(id) => match tree.data(id) {
                    NodeData::Text { .. } => self.text(id),
                    NodeData::Element(element) => {
                        self.budget.step()?;
                        if self.output.text.len() > self.source.max_bytes || !self.enter(id, element)? {
                            walk.skip_children(id);
                        }
                    }
                    NodeData::Document => {}
                },
                Visit::Leave(id) => {
                    while let Some((_, action)) = self.on_leave.pop_if(|(of, _)| *of == id) {
                        self.leave(action);
                    }
                }
            }
        }
        Ok(())
    }

    /// The inline content of a part of the page, with its blocks written inline.
    pub(super) fn collect_inlines(&mut self, top: NodeId) -> Result<Vec<Inline<'t>>, ReadError> {
        let outer = std::mem::take(&mut self.inlines);
        self.inline_depth += 1;
        let walked = self.walk(top);
        self.inline_depth -= 1;
        let collected = std::mem::replace(&mut self.inlines, outer);
        walked.map(|()| collected.items)
    }

    fn text(&mut self, id: NodeId) {
        let text = self.source.tree.text(id).unwrap_or_default();
        if self.code_depth == 0 {
            self.inlines.text(text, self.source.index.flags(id).any(NodeFlags::TEXT));
        } else if !text.is_empty() {
            self.inlines.push_visible(Inline::Code(Cow::Borrowed(text)));
        }
    }

    /// Returns false if the element's children are to be skipped.
    fn enter(&mut self, id: NodeId, element: &'t Element) -> Result<bool, ReadError> {
        let flags = self.source.index.flags(id);
        if flags.any(NodeFlags::EXCLUDED | NodeFlags::HIDDEN) {
            return Ok(false);
        }
        match element.tag {
            tag if is_block(tag) && self.inline_depth > 0 => return Ok(self.enter_inline_block(id, tag)),
            tag if is_block(tag) => return self.enter_block(id, element),
            Tag::Head | Tag::Video | Tag::Audio => return Ok(false),
            Tag::Math | Tag::Script => {
                if let Some(formula) = formula::formula(self.source.tree, id) {
                    self.inlines.push_visible(Inline::Raw(Cow::Owned(formula)));
                }
                return Ok(false);
            }
            Tag::A if self.source.is_permalink(id, element) => return Ok(false),
            Tag::A | Tag::Span if element.attr("data-cfemail").is_some() => {
                self.write_cloudflare_email(element);
                return Ok(false);
            }
            _ => self.enter_inline_element(id, element, flags),
        }
        Ok(true)
    }

    fn enter_block(&mut self, id: NodeId, element: &Element) -> Result<bool, ReadError> {
        match element.tag {
            Tag::Table => return self.enter_table(id),
            Tag::Hr => {
                self.flush();
                self.output.begin(BlockKind::SelfContained);
                self.output.text.push_str("***");
            }
            tag if is_preformatted(tag) => {
                self.flush();
                self.write_code_block(id);
                return Ok(false);
            }
            Tag::Ul | Tag::Ol | Tag::Menu | Tag::Dir => self.enter_list(id, element),
            Tag::Li => self.enter_item(id, element),
            Tag::Blockquote => self.enter_container(id, OutputBuffer::open_quote),
            Tag::Dl => self.enter_definition_list(id),
            Tag::Dt | Tag::Dd => self.enter_definition(id, element.tag),
            Tag::Summary => {
                self.flush();
                self.inline_depth += 1;
                self.inlines.open_all_strong();
                self.push_on_leave(id, OnLeave::EndStrongParagraph);
            }
            tag => match heading_level(tag) {
                Some(level) => self.enter_heading(id, level),
                None => {
                    self.flush();
                    self.push_on_leave(id, OnLeave::EndBlock);
                }
            },
        }
        Ok(true)
    }

    fn leave(&mut self, action: OnLeave) {
        match action {
            OnLeave::EndBlock => self.flush(),
            OnLeave::EndInlineBlock => self.inlines.boundary(),
            OnLeave::EndHeading(level) => {
                self.inline_depth -= 1;
                self.end_block(BlockKind::SelfContained, level);
            }
            OnLeave::EndTerm => {
                self.inline_depth -= 1;
                self.end_block(BlockKind::Term, 0);
            }
            OnLeave::EndStrongParagraph => {
                self.inline_depth -= 1;
                self.flush();
                self.inlines.close_all_strong();
            }
            OnLeave::EndList => self.leave_list(),
            OnLeave::CloseContainer { show_if_empty } => {
                self.flush();
                self.output.close(show_if_empty);
            }
            OnLeave::CloseInline => self.inlines.close(),
            OnLeave::CloseInlinedLink => {
                self.inline_depth -= 1;
                self.inlines.close();
                self.flush();
            }
            OnLeave::EndHeadingLink => self.heading_link = None,
            OnLeave::EndCode => self.code_depth -= 1,
            OnLeave::Raw(end) => self.inlines.items.push(Inline::Raw(Cow::Borrowed(end))),
            OnLeave::EndDefinitionList => {
                self.flush();
                self.definition_lists.pop();
            }
        }
    }
}
