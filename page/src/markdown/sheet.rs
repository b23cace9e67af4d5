//! The sheet that blocks are written on: what separates them, and what begins each line of a list or a quote.

/// Deeper lists and quotes are written as if they were not nested.
const MAX_FRAMES: usize = 32;

/// What stands on a sheet, as far as it matters for what comes after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Block {
    Paragraph,
    /// A heading, code, or a rule: it ends by itself.
    Closed,
    Table,
    Quote,
    Item {
        tight: bool,
        /// It may follow a paragraph without a blank line.
        interrupts: bool,
    },
    /// A whole list.
    List {
        marker: char,
    },
    Term,
    Definition,
}

/// How a list marks its items.
#[derive(Clone, Copy, Debug)]
pub(super) struct Marking {
    /// `-`, `*` for bullets; `.`, `)` after numbers.
    pub(super) marker: char,
    pub(super) number: Option<u64>,
    pub(super) tight: bool,
}

struct Frame {
    block: Block,
    /// What stands before its first line.
    first: String,
    /// What stands before its other lines.
    others: &'static str,
    indent: usize,
    /// The length of the prefix outside.
    outside: usize,
    written: bool,
    last: Option<Block>,
    /// Its blocks are not separated by blank lines.
    tight: bool,
}

pub(super) struct Sheet {
    pub(super) text: String,
    prefix: String,
    frames: Vec<Frame>,
}

impl Sheet {
    pub(super) fn with_capacity(bytes: usize) -> Self {
        let mut sheet = Self { text: String::with_capacity(bytes), prefix: String::new(), frames: Vec::new() };
        sheet.push(Block::Closed, String::new(), "", 0, false);
        sheet.frames[0].written = true;
        sheet
    }

    fn push(&mut self, block: Block, first: String, others: &'static str, indent: usize, tight: bool) {
        let outside = self.prefix.len();
        self.frames.push(Frame { block, first, others, indent, outside, written: false, last: None, tight });
    }

    fn top(&mut self) -> &mut Frame {
        self.frames.last_mut().expect("the sheet's own frame stays")
    }

    /// The text, to write on, and what a line that goes on within the present block begins with.
    pub(super) fn parts(&mut self) -> (&mut String, &str) {
        (&mut self.text, &self.prefix)
    }

    /// Nothing has been written yet in the present list item, quote or sheet.
    pub(super) fn is_fresh(&self) -> bool {
        self.frames.last().is_some_and(|frame| frame.last.is_none())
    }

    pub(super) fn is_in_item(&self) -> bool {
        self.frames.last().is_some_and(|frame| matches!(frame.block, Block::Item { .. }))
    }

    pub(super) fn has_room(&self) -> bool {
        self.frames.len() < MAX_FRAMES
    }

    /// Begins a block: after this its first line is written to `text`.
    pub(super) fn begin(&mut self, block: Block) {
        let waiting = self.frames.iter().position(|frame| !frame.written).unwrap_or(self.frames.len());
        let next = self.frames.get(waiting).map_or(block, |frame| frame.block);
        let holder = &mut self.frames[waiting - 1];
        let gap = gap(holder.last, next, holder.tight);
        holder.last = Some(next);
        self.separate(gap);
        for index in waiting..self.frames.len() {
            let inner = self.frames.get(index + 1).map_or(block, |frame| frame.block);
            let frame = &mut self.frames[index];
            frame.written = true;
            frame.last = Some(inner);
            frame.outside = self.prefix.len();
            self.text.push_str(&frame.first);
            self.prefix.push_str(frame.others);
            self.prefix.extend(std::iter::repeat_n(' ', frame.indent));
        }
    }

    fn separate(&mut self, lines: usize) {
        if lines > 1 {
            self.empty_line();
        }
        if lines > 0 {
            self.new_line();
        }
    }

    /// Ends the line and begins the next one of the same block.
    pub(super) fn new_line(&mut self) {
        self.text.push('\n');
        self.text.push_str(&self.prefix);
    }

    pub(super) fn empty_line(&mut self) {
        self.text.push('\n');
        self.text.push_str(self.prefix.trim_end());
    }

    pub(super) fn open_quote(&mut self) {
        self.push(Block::Quote, "> ".to_owned(), "> ", 0, false);
    }

    pub(super) fn open_definition(&mut self) {
        self.push(Block::Definition, ": ".to_owned(), "", 2, true);
    }

    pub(super) fn open_item(&mut self, marking: Marking) {
        let Marking { marker, number, tight } = marking;
        let first = number.map_or_else(|| format!("{marker} "), |number| format!("{number}{marker} "));
        let interrupts = number.is_none_or(|number| number == 1);
        let indent = first.len();
        self.push(Block::Item { tight, interrupts }, first, "", indent, tight);
    }

    /// Goes on in an item that was closed, as its next block. False where no item stands right before.
    pub(super) fn reopen_item(&mut self, indent: usize) -> bool {
        let Some(Block::Item { tight, .. }) = self.top().last else { return false };
        self.push(Block::Item { tight, interrupts: true }, String::new(), "", indent, tight);
        self.prefix.extend(std::iter::repeat_n(' ', indent));
        let frame = self.top();
        frame.written = true;
        frame.last = Some(Block::Paragraph);
        true
    }

    /// Closes the innermost quote, item or definition. One that holds nothing leaves no trace, unless it `must_show`.
    pub(super) fn close(&mut self, must_show: bool) {
        if must_show && !self.top().written {
            self.begin(Block::Closed);
            self.text.truncate(self.text.trim_end_matches(' ').len());
        }
        let frame = self.frames.pop().expect("every close follows an open");
        if frame.written {
            self.prefix.truncate(frame.outside);
        }
    }

    /// The marker that a list beginning here must not use, because a list right before it does.
    pub(super) fn marker_before(&mut self) -> Option<char> {
        match self.top().last {
            Some(Block::List { marker }) => Some(marker),
            _ => None,
        }
    }

    /// The items before this were a list of their own.
    pub(super) fn end_list(&mut self, marker: char) {
        if let Some(last @ Block::Item { .. }) = &mut self.top().last {
            *last = Block::List { marker };
        }
    }
}

/// The number of line ends between two blocks.
fn gap(last: Option<Block>, next: Block, tight: bool) -> usize {
    use Block::{Closed, Definition, Item, List, Paragraph, Quote, Table, Term};
    let Some(last) = last else { return 0 };
    match (last, next) {
        (Item { .. }, Item { tight, .. }) => 2 - usize::from(tight),
        (Term, Term | Definition) | (Definition, Definition) => 1,
        _ if !tight => 2,
        // Without a blank line the paragraph would go on in what stands before it.
        (Paragraph | List { .. } | Item { .. } | Quote | Table | Term | Definition, Paragraph | Term | Table) => 2,
        (Paragraph | Term, Item { interrupts: false, .. }) | (Quote, Quote) | (Table, _) => 2,
        (Closed | Paragraph | List { .. } | Item { .. } | Quote | Term | Definition, _) => 1,
    }
}
