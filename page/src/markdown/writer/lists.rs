//! Lists, list items and definition lists.

use super::state::{OnLeave, OpenList, Writer};
use crate::index::NodeFlags;
use crate::markdown::output_buffer::{ItemMarker, OutputBuffer};
use crate::tree::{Element, NodeId, Tag};

/// CommonMark allows at most nine digits in a list marker.
const MAX_NUMBER: u64 = 999_999_999;

impl Writer<'_> {
    pub(super) fn enter_list(&mut self, id: NodeId, element: &Element) {
        self.flush();
        self.reopen_previous_item(id);
        let before = self.output.marker_before();
        let (markers, number) = match element.tag {
            Tag::Ol => (['.', ')'], Some(number(element, "start").unwrap_or(1))),
            _ => (['-', '*'], None),
        };
        let marker = if before == Some(markers[0]) { markers[1] } else { markers[0] };
        let marker = ItemMarker { marker, number, tight: !self.has_paragraphs(id) };
        self.lists.push(OpenList { marker, indent: 0 });
        self.push_on_leave(id, OnLeave::EndList);
    }

    /// Puts a list directly inside another list into the item before it.
    fn reopen_previous_item(&mut self, id: NodeId) {
        let tree = self.source.tree;
        let in_list = tree.parent(id).is_some_and(|parent| matches!(tree.tag(parent), Tag::Ul | Tag::Ol));
        let indent = self.lists.last().map(|list| list.indent);
        if let Some(indent) = indent.filter(|_| in_list && self.output.can_nest())
            && self.output.reopen_item(indent)
        {
            self.push_on_leave(id, OnLeave::CloseContainer { show_if_empty: false });
        }
    }

    /// Whether an item of the list contains a paragraph with text or an image.
    fn has_paragraphs(&self, list: NodeId) -> bool {
        let tree = self.source.tree;
        let is_paragraph =
            |id: NodeId| tree.tag(id) == Tag::P && self.source.index.flags(id).any(NodeFlags::TEXT | NodeFlags::IMAGE);
        tree.children(list).filter(|&id| tree.tag(id) == Tag::Li).any(|item| tree.children(item).any(is_paragraph))
    }

    pub(super) fn leave_list(&mut self) {
        self.flush();
        if let Some(list) = self.lists.pop() {
            self.output.end_list(list.marker.marker);
        }
    }

    pub(super) fn enter_item(&mut self, id: NodeId, element: &Element) {
        self.flush();
        if !self.output.can_nest() {
            return self.push_on_leave(id, OnLeave::EndBlock);
        }
        let mut marker = ItemMarker { marker: '-', number: None, tight: true };
        if let Some(list) = self.lists.last_mut() {
            if let Some(next) = &mut list.marker.number {
                *next = number(element, "value").unwrap_or(*next);
            }
            marker = list.marker;
            let digits = marker.number.map_or(0, |number| number.to_string().len());
            list.indent = digits + 2;
            list.marker.number = marker.number.map(|number| (number + 1).min(MAX_NUMBER));
        }
        self.output.open_item(marker);
        self.push_on_leave(id, OnLeave::CloseContainer { show_if_empty: self.source.is_blank(id) });
    }

    pub(super) fn enter_definition_list(&mut self, id: NodeId) {
        self.flush();
        let tree = self.source.tree;
        let groups = tree.children(id).filter(|&child| tree.tag(child) == Tag::Div);
        let parts = tree.children(id).chain(groups.flat_map(|group| tree.children(group)));
        let mut parts = parts.filter(|&part| matches!(tree.tag(part), Tag::Dt | Tag::Dd));
        let are_single_lines = parts.all(|part| !self.source.index.flags(part).any(NodeFlags::BLOCK));
        self.definition_lists.push(are_single_lines);
        self.push_on_leave(id, OnLeave::EndDefinitionList);
    }

    pub(super) fn enter_definition(&mut self, id: NodeId, tag: Tag) {
        let are_single_lines = self.definition_lists.last().copied().unwrap_or(false);
        match tag {
            Tag::Dd if are_single_lines => return self.enter_container(id, OutputBuffer::open_definition),
            _ => self.flush(),
        }
        if tag == Tag::Dd || self.source.index.flags(id).any(NodeFlags::BLOCK) {
            return self.push_on_leave(id, OnLeave::EndBlock);
        }
        self.inline_depth += 1;
        if are_single_lines {
            self.push_on_leave(id, OnLeave::EndTerm);
        } else {
            self.inlines.open_all_strong();
            self.push_on_leave(id, OnLeave::EndStrongParagraph);
        }
    }
}

fn number(element: &Element, name: &str) -> Option<u64> {
    element.attr(name)?.trim().parse().ok().filter(|&number| number <= MAX_NUMBER)
}
