//! Groups text blocks that are kept or left out together: words without white space between them, the rows of data
//! tables, list items, and terms with their definitions.

use std::collections::HashMap;

use super::text_blocks::{Container, NO_PARENT, TextBlocks};
use crate::element_kind::heading_level;
use crate::index::PageIndex;
use crate::table_grid::{self, TableRows};
use crate::tree::{NodeId, Tag, Tree};

/// Items and headings with more words may be kept in part.
const MAX_WHOLE_WORDS: u32 = 200;

/// The units of a page: each text block belongs to one.
pub(super) struct Units {
    /// The unit of each text block, in ascending order of their first blocks.
    pub(super) of: Vec<u32>,
    pub(super) count: usize,
    /// If the first unit of a pair is kept, so is the second: the header row of a table, and the text of the item
    /// around a nested item. In document order of the first.
    implied: Vec<(u32, u32)>,
}

impl Units {
    pub(super) fn of(tree: &Tree, index: &PageIndex, found: &TextBlocks) -> Self {
        let owners = Owners::of(tree, index, &found.containers);
        let mut first_of: HashMap<u32, usize> = HashMap::new();
        let mut sets = DisjointSets::new(found.blocks.len());
        for (at, block) in found.blocks.iter().enumerate() {
            if block.is_joined && at > 0 {
                sets.join(at, at - 1);
            }
            if let Some(owner) = owners.of_container[block.container as usize] {
                sets.join(at, *first_of.entry(owner.container).or_insert(at));
            }
        }
        let (of, count) = sets.numbered();
        let unit = |owner: &u32| first_of.get(owner).map(|&block| of[block]);
        let implied = owners.implied.iter().filter_map(|(one, other)| unit(one).zip(unit(other))).collect();
        Self { of, count, implied }
    }

    /// Keeps every unit as a whole of which a text block is kept, and the units that these imply.
    pub(super) fn complete(&self, keep: &mut [bool]) {
        let mut kept = vec![false; self.count];
        self.of.iter().zip(&*keep).for_each(|(&unit, keep)| kept[unit as usize] |= keep);
        for &(one, other) in self.implied.iter().rev() {
            kept[other as usize] |= kept[one as usize];
        }
        self.of.iter().zip(keep).for_each(|(&unit, keep)| *keep = kept[unit as usize]);
    }
}

/// The container whose content is the unit of a text block.
#[derive(Clone, Copy)]
struct Owner {
    container: u32,
    /// A row contains no further units.
    is_row: bool,
}

/// The owner of each container's own text, and which owners imply others.
struct Owners {
    of_container: Vec<Option<Owner>>,
    implied: Vec<(u32, u32)>,
}

/// The rows of a data table that have been read.
#[derive(Clone, Copy)]
struct TableState {
    rows: usize,
    /// Rows before this one belong to the last owner, because of cells that span them.
    spanned_to: usize,
    last: u32,
    header: Option<u32>,
}

impl Owners {
    fn of(tree: &Tree, index: &PageIndex, containers: &[Container]) -> Self {
        let mut owners = Self { of_container: Vec::with_capacity(containers.len()), implied: Vec::new() };
        let mut tables: HashMap<u32, TableState> = HashMap::new();
        let mut table_of: Vec<u32> = Vec::with_capacity(containers.len());
        let mut definitions: HashMap<u32, (u32, Tag)> = HashMap::new();
        let mut cells_left = table_grid::cell_limit(tree);
        for (at, container) in containers.iter().enumerate() {
            let (at, parent) = (at as u32, container.parent);
            let table =
                if container.tag == Tag::Table { at } else { *table_of.get(parent as usize).unwrap_or(&NO_PARENT) };
            table_of.push(table);
            let around = owners.of_container.get(parent as usize).copied().flatten();
            let own = Some(Owner { container: at, is_row: false });
            let owner = match container.tag {
                _ if around.is_some_and(|around| around.is_row) => around,
                Tag::Table => {
                    let rows = TableRows::of(tree, index, container.id, &mut cells_left);
                    if rows.is_data_table(tree, index, container.id) {
                        tables.insert(at, TableState { rows: 0, spanned_to: 0, last: at, header: None });
                    }
                    None
                }
                Tag::Tr => tables.get_mut(&table).map(|table| owners.row(tree, container, at, table)),
                Tag::Li if container.counts.headings > 0 || container.counts.words > MAX_WHOLE_WORDS => None,
                Tag::Li => {
                    owners.implied.extend(around.map(|around| (at, around.container)));
                    own
                }
                Tag::Dt | Tag::Dd if container.counts.words <= MAX_WHOLE_WORDS => {
                    let (owner, _) = *definitions
                        .entry(parent)
                        .and_modify(|(owner, last)| {
                            if container.tag == Tag::Dt && *last == Tag::Dd {
                                *owner = at;
                            }
                            *last = container.tag;
                        })
                        .or_insert((at, container.tag));
                    Some(Owner { container: owner, is_row: false })
                }
                tag if heading_level(tag).is_some() && container.counts.words <= MAX_WHOLE_WORDS => around.or(own),
                _ => around,
            };
            owners.of_container.push(owner);
        }
        owners
    }

    fn row(&mut self, tree: &Tree, row: &Container, at: u32, table: &mut TableState) -> Owner {
        if table.rows >= table.spanned_to {
            table.last = at;
        }
        let (mut cells, mut headers) = (0, 0);
        for cell in tree.children(row.id).filter(|&cell| matches!(tree.tag(cell), Tag::Td | Tag::Th)) {
            cells += 1;
            headers += usize::from(tree.tag(cell) == Tag::Th);
            table.spanned_to = table.spanned_to.max(table.rows.saturating_add(row_span(tree, cell)));
        }
        let is_header =
            cells > 0 && cells == headers || tree.parent(row.id).is_some_and(|up| tree.tag(up) == Tag::Thead);
        if table.rows == 0 && is_header {
            table.header = Some(at);
        }
        table.rows += 1;
        self.implied.extend(table.header.map(|header| (table.last, header)));
        Owner { container: table.last, is_row: true }
    }
}

/// The rows that a cell spans; `0` in the page stands for all rows that follow.
fn row_span(tree: &Tree, cell: NodeId) -> usize {
    match tree.attr(cell, "rowspan").map(|span| span.trim().parse()) {
        Some(Ok(0)) => usize::MAX,
        Some(Ok(rows)) => rows,
        _ => 1,
    }
}

/// Sets of text blocks that are joined step by step.
struct DisjointSets {
    parent: Vec<u32>,
}

impl DisjointSets {
    fn new(count: usize) -> Self {
        Self { parent: (0..count as u32).collect() }
    }

    /// The first member of a set.
    fn first(&mut self, mut at: usize) -> usize {
        while self.parent[at] as usize != at {
            let above = self.parent[self.parent[at] as usize];
            self.parent[at] = above;
            at = above as usize;
        }
        at
    }

    fn join(&mut self, one: usize, other: usize) {
        let (one, other) = (self.first(one), self.first(other));
        self.parent[one.max(other)] = one.min(other) as u32;
    }

    /// The number of each member's set, and the number of sets.
    fn numbered(mut self) -> (Vec<u32>, usize) {
        let mut numbers: Vec<u32> = Vec::with_capacity(self.parent.len());
        let mut count = 0;
        for at in 0..self.parent.len() {
            let first = self.first(at);
            numbers.push(if first == at { count } else { numbers[first] });
            count += u32::from(first == at);
        }
        (numbers, count as usize)
    }
}
