//! The output with its layout: blank lines between blocks, and the prefix of each line in a list or quote.

/// Lists and quotes nested deeper are written without nesting.
const MAX_DEPTH: usize = 32;

/// The kind of a block, which determines the separation from the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BlockKind {
    Paragraph,
    /// A heading, code block or rule, which needs no blank line after it.
    SelfContained,
    Table,
    Quote,
    Item {
        tight: bool,
        /// Whether it may follow a paragraph without a blank line.
        interrupts: bool,
    },
    /// A finished list.
    List {
        marker: char,
    },
    Term,
    Definition,
}

/// The marker of a list item.
#[derive(Clone, Copy, Debug)]
pub(super) struct ItemMarker {
    /// `-` or `*` as a bullet; `.` or `)` after a number.
    pub(super) marker: char,
    pub(super) number: Option<u64>,
    pub(super) tight: bool,
}

/// An open list item, quote or definition, or the document itself.
struct OpenContainer {
    kind: BlockKind,
    /// The prefix of its first line.
    first_prefix: String,
    /// The prefix of its other lines.
    other_prefix: &'static str,
    indent: usize,
    /// The length of the prefix around it.
    outer_prefix_length: usize,
    written: bool,
    /// The last block in it.
    last: Option<BlockKind>,
    /// Its blocks are not separated by blank lines.
    tight: bool,
}

/// The Markdown written so far, and the open containers.
pub(super) struct OutputBuffer {
    pub(super) text: String,
    /// The prefix of the lines in the innermost container.
    prefix: String,
    containers: Vec<OpenContainer>,
}

impl OutputBuffer {
    pub(super) fn with_capacity(bytes: usize) -> Self {
        let mut buffer = Self { text: String::with_capacity(bytes), prefix: String::new(), containers: Vec::new() };
        buffer.push(BlockKind::SelfContained, String::new(), "", 0, false);
        buffer.containers[0].written = true;
        buffer
    }

    fn push(&mut self, kind: BlockKind, first_prefix: String, other_prefix: &'static str, indent: usize, tight: bool) {
        let (outer_prefix_length, written, last) = (self.prefix.len(), false, None);
        let container =
            OpenContainer { kind, first_prefix, other_prefix, indent, outer_prefix_length, written, last, tight };
        self.containers.push(container);
    }

    fn innermost(&mut self) -> &mut OpenContainer {
        self.containers.last_mut().expect("the document is never closed")
    }

    /// The text to append to, and the prefix of further lines of the current block.
    pub(super) fn text_and_prefix(&mut self) -> (&mut String, &str) {
        (&mut self.text, &self.prefix)
    }

    /// Whether nothing has been written in the innermost container.
    pub(super) fn is_container_empty(&self) -> bool {
        self.containers.last().is_some_and(|container| container.last.is_none())
    }

    pub(super) fn is_in_item(&self) -> bool {
        self.containers.last().is_some_and(|container| matches!(container.kind, BlockKind::Item { .. }))
    }

    /// Whether another container may be opened.
    pub(super) fn can_nest(&self) -> bool {
        self.containers.len() < MAX_DEPTH
    }

    /// Begins a block, whose first line the caller then appends to `text`.
    pub(super) fn begin(&mut self, block: BlockKind) {
        let unwritten =
            self.containers.iter().position(|container| !container.written).unwrap_or(self.containers.len());
        let next = self.containers.get(unwritten).map_or(block, |container| container.kind);
        let around = &mut self.containers[unwritten - 1];
        let line_ends = line_ends_between(around.last, next, around.tight);
        around.last = Some(next);
        self.separate(line_ends);
        for index in unwritten..self.containers.len() {
            let inner = self.containers.get(index + 1).map_or(block, |container| container.kind);
            let container = &mut self.containers[index];
            container.written = true;
            container.last = Some(inner);
            container.outer_prefix_length = self.prefix.len();
            self.text.push_str(&container.first_prefix);
            self.prefix.push_str(container.other_prefix);
            self.prefix.extend(std::iter::repeat_n(' ', container.indent));
        }
    }

    fn separate(&mut self, line_ends: usize) {
        if line_ends > 1 {
            self.empty_line();
        }
        if line_ends > 0 {
            self.new_line();
        }
    }

    /// Ends the line and begins the next one in the same block.
    pub(super) fn new_line(&mut self) {
        self.text.push('\n');
        self.text.push_str(&self.prefix);
    }

    pub(super) fn empty_line(&mut self) {
        self.text.push('\n');
        self.text.push_str(self.prefix.trim_end());
    }

    pub(super) fn open_quote(&mut self) {
        self.push(BlockKind::Quote, "> ".to_owned(), "> ", 0, false);
    }

    pub(super) fn open_definition(&mut self) {
        self.push(BlockKind::Definition, ": ".to_owned(), "", 2, true);
    }

    pub(super) fn open_item(&mut self, marker: ItemMarker) {
        let ItemMarker { marker, number, tight } = marker;
        let first = number.map_or_else(|| format!("{marker} "), |number| format!("{number}{marker} "));
        let interrupts = number.is_none_or(|number| number == 1);
        let indent = first.len();
        self.push(BlockKind::Item { tight, interrupts }, first, "", indent, tight);
    }

    /// Continues the closed item directly before as its next block. Returns false if there is none.
    pub(super) fn reopen_item(&mut self, indent: usize) -> bool {
        let Some(BlockKind::Item { tight, .. }) = self.innermost().last else { return false };
        self.push(BlockKind::Item { tight, interrupts: true }, String::new(), "", indent, tight);
        self.prefix.extend(std::iter::repeat_n(' ', indent));
        let container = self.innermost();
        container.written = true;
        container.last = Some(BlockKind::Paragraph);
        true
    }

    /// Closes the innermost container. An empty one is written only if `show_if_empty`.
    pub(super) fn close(&mut self, show_if_empty: bool) {
        if show_if_empty && !self.innermost().written {
            self.begin(BlockKind::SelfContained);
            self.text.truncate(self.text.trim_end_matches(' ').len());
        }
        let container = self.containers.pop().expect("every close follows an open");
        if container.written {
            self.prefix.truncate(container.outer_prefix_length);
        }
    }

    /// The marker of the list directly before, which a list that begins here must not use.
    pub(super) fn marker_before(&mut self) -> Option<char> {
        match self.innermost().last {
            Some(BlockKind::List { marker }) => Some(marker),
            _ => None,
        }
    }

    /// Marks the items directly before as a finished list.
    pub(super) fn end_list(&mut self, marker: char) {
        if let Some(last @ BlockKind::Item { .. }) = &mut self.innermost().last {
            *last = BlockKind::List { marker };
        }
    }
}

/// The number of line ends between two blocks.
fn line_ends_between(last: Option<BlockKind>, next: BlockKind, tight: bool) -> usize {
    use BlockKind::{Definition, Item, List, Paragraph, Quote, SelfContained, Table, Term};
    let Some(last) = last else { return 0 };
    match (last, next) {
        (Item { .. }, Item { tight, .. }) => 2 - usize::from(tight),
        (Term, Term | Definition) | (Definition, Definition) => 1,
        _ if !tight => 2,
        // Without a blank line the paragraph would continue the block before it.
        (Paragraph | List { .. } | Item { .. } | Quote | Table | Term | Definition, Paragraph | Term | Table) => 2,
        (Paragraph | Term, Item { interrupts: false, .. }) | (Quote, Quote) | (Table, _) => 2,
        (SelfContained | Paragraph | List { .. } | Item { .. } | Quote | Term | Definition, _) => 1,
    }
}
