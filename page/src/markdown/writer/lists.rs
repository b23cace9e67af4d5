//! Lists, their items, and definition lists.

use super::{Undo, Writer};
use crate::index::Holds;
use crate::markdown::sheet::{Marking, Sheet};
use crate::tree::{Element, Id, Tag};

/// More than nine digits begin no list.
const MAX_NUMBER: u64 = 999_999_999;

pub(super) struct List {
    marking: Marking,
    /// How far its last item is indented.
    indent: usize,
}

impl<'t> Writer<'t> {
    pub(super) fn enter_list(&mut self, id: Id, element: &Element) {
        self.flush();
        self.put_in_the_item_before(id);
        let before = self.sheet.marker_before();
        let (markers, number) = match element.tag {
            Tag::Ol => (['.', ')'], Some(number(element, "start").unwrap_or(1))),
            _ => (['-', '*'], None),
        };
        let marker = if before == Some(markers[0]) { markers[1] } else { markers[0] };
        let marking = Marking { marker, number, tight: !self.is_loose(id) };
        self.lists.push(List { marking, indent: 0 });
        self.undo.push((id, Undo::List));
    }

    /// A list right within a list belongs to the item before it.
    fn put_in_the_item_before(&mut self, id: Id) {
        let tree = self.source.tree;
        let within = tree.parent(id).is_some_and(|parent| matches!(tree.tag(parent), Tag::Ul | Tag::Ol));
        let indent = self.lists.last().map(|list| list.indent);
        if let Some(indent) = indent.filter(|_| within && self.sheet.has_room())
            && self.sheet.reopen_item(indent)
        {
            self.undo.push((id, Undo::Container { must_show: false }));
        }
    }

    /// Its items hold paragraphs.
    fn is_loose(&self, list: Id) -> bool {
        let tree = self.source.tree;
        let says = |id: Id| tree.tag(id) == Tag::P && self.source.survey.holds(id).any(Holds::TEXT | Holds::IMAGE);
        tree.children(list).filter(|&id| tree.tag(id) == Tag::Li).any(|item| tree.children(item).any(says))
    }

    pub(super) fn leave_list(&mut self) {
        self.flush();
        if let Some(list) = self.lists.pop() {
            self.sheet.end_list(list.marking.marker);
        }
    }

    pub(super) fn enter_item(&mut self, id: Id, element: &Element) {
        self.flush();
        if !self.sheet.has_room() {
            return self.undo.push((id, Undo::Block));
        }
        let mut marking = Marking { marker: '-', number: None, tight: true };
        if let Some(list) = self.lists.last_mut() {
            if let Some(next) = &mut list.marking.number {
                *next = number(element, "value").unwrap_or(*next);
            }
            marking = list.marking;
            let digits = marking.number.map_or(0, |number| number.to_string().len());
            list.indent = digits + 2;
            list.marking.number = marking.number.map(|number| (number + 1).min(MAX_NUMBER));
        }
        self.sheet.open_item(marking);
        self.undo.push((id, Undo::Container { must_show: self.source.is_empty(id) }));
    }

    pub(super) fn enter_definitions(&mut self, id: Id) {
        self.flush();
        let tree = self.source.tree;
        let groups = tree.children(id).filter(|&child| tree.tag(child) == Tag::Div);
        let parts = tree.children(id).chain(groups.flat_map(|group| tree.children(group)));
        let mut parts = parts.filter(|&part| matches!(tree.tag(part), Tag::Dt | Tag::Dd));
        let lines = parts.all(|part| !self.source.survey.holds(part).any(Holds::BLOCK));
        self.definitions.push(lines);
        self.undo.push((id, Undo::Definitions));
    }

    pub(super) fn enter_definition(&mut self, id: Id, tag: Tag) {
        let lines = self.definitions.last().copied().unwrap_or(false);
        match tag {
            Tag::Dd if lines => return self.enter_container(id, Sheet::open_definition),
            _ => self.flush(),
        }
        if tag == Tag::Dd || self.source.survey.holds(id).any(Holds::BLOCK) {
            return self.undo.push((id, Undo::Block));
        }
        self.flat += 1;
        if lines {
            self.undo.push((id, Undo::Term));
        } else {
            self.pieces.open_all_strong();
            self.undo.push((id, Undo::Summary));
        }
    }
}

fn number(element: &Element, name: &str) -> Option<u64> {
    element.attr(name)?.trim().parse().ok().filter(|&number| number <= MAX_NUMBER)
}
