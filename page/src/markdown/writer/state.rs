//! The state of the writer: the output, the inline content of the current block, and the open elements.

use crate::budget::Budget;
use crate::markdown::citations::CitationEdits;
use crate::markdown::inline_writer::{self, LineContext};
use crate::markdown::inlines::{Inline, InlineBuffer};
use crate::markdown::output_buffer::{BlockKind, ItemMarker, OutputBuffer};
use crate::markdown::page_source::PageSource;
use crate::table_grid;
use crate::tree::NodeId;

/// Bytes of output per node of the page that are reserved at the start.
const BYTES_PER_NODE: usize = 8;

/// What happens at the end of an element.
#[derive(Clone, Copy, Debug)]
pub(super) enum OnLeave {
    /// Write the inline content as a paragraph.
    EndBlock,
    /// End a block that is written inline.
    EndInlineBlock,
    EndHeading(usize),
    EndTerm,
    /// End a paragraph whose whole text is strong.
    EndStrongParagraph,
    EndList,
    /// Close a quote, list item or definition.
    CloseContainer {
        show_if_empty: bool,
    },
    CloseInline,
    /// Close a link whose blocks are all written inline.
    CloseInlinedLink,
    /// End a link that is written around the first heading in it.
    EndHeadingLink,
    EndCode,
    /// Write a closing character.
    Raw(&'static str),
    EndDefinitionList,
}

/// An open list.
pub(super) struct OpenList {
    /// The marker of the next item.
    pub(super) marker: ItemMarker,
    /// The indentation of its last item.
    pub(super) indent: usize,
}

pub(super) struct Writer<'t> {
    pub(super) source: PageSource<'t>,
    pub(super) budget: &'t Budget,
    pub(in crate::markdown) output: OutputBuffer,
    pub(in crate::markdown) edits: CitationEdits,
    pub(super) inlines: InlineBuffer<'t>,
    pub(super) on_leave: Vec<(NodeId, OnLeave)>,
    pub(super) lists: Vec<OpenList>,
    /// For each open definition list, whether its definitions are single lines.
    pub(super) definition_lists: Vec<bool>,
    /// Open elements whose blocks are written inline.
    pub(super) inline_depth: usize,
    /// Open elements whose text is code.
    pub(super) code_depth: usize,
    /// An open link that is written around the next heading.
    pub(super) heading_link: Option<NodeId>,
    pub(super) table_cells_left: usize,
}

impl<'t> Writer<'t> {
    pub(super) fn new(source: PageSource<'t>, budget: &'t Budget) -> Self {
        let nodes = source.tree.len();
        Self {
            source,
            budget,
            output: OutputBuffer::with_capacity(nodes * BYTES_PER_NODE),
            edits: CitationEdits::default(),
            inlines: InlineBuffer::default(),
            on_leave: Vec::new(),
            lists: Vec::new(),
            definition_lists: Vec::new(),
            inline_depth: 0,
            code_depth: 0,
            heading_link: None,
            table_cells_left: table_grid::cell_limit(source.tree),
        }
    }

    /// Registers what happens at the end of an element.
    pub(super) fn push_on_leave(&mut self, id: NodeId, action: OnLeave) {
        self.on_leave.push((id, action));
    }

    /// Writes the collected inline content as a paragraph.
    pub(super) fn flush(&mut self) {
        if self.inline_depth == 0 {
            self.end_block(BlockKind::Paragraph, 0);
        }
    }

    /// Writes the collected inline content as a block. `heading_level` is 0 if the block is not a heading.
    pub(super) fn end_block(&mut self, block: BlockKind, heading_level: usize) {
        if self.inlines.items.is_empty() && !self.inlines.visible {
            return;
        }
        if self.inlines.visible {
            self.inlines.end_block();
            let first_of_item = self.output.is_in_item() && self.output.is_container_empty();
            self.output.begin(block);
            let mut context = LineContext::Paragraph { first_of_item };
            if heading_level > 0 {
                context = LineContext::Heading;
                self.output.text.extend(std::iter::repeat_n('#', heading_level));
                self.output.text.push(' ');
            }
            let (text, prefix) = self.output.text_and_prefix();
            inline_writer::write(text, prefix, &mut self.edits, self.source, &self.inlines.items, context);
            text.truncate(text.trim_end_matches(' ').len());
        }
        self.inlines.next_block();
    }

    /// Writes inline items as a paragraph.
    pub(super) fn write_paragraph(&mut self, items: &[Inline<'t>]) {
        self.output.begin(BlockKind::Paragraph);
        let (text, prefix) = self.output.text_and_prefix();
        let context = LineContext::Paragraph { first_of_item: false };
        inline_writer::write(text, prefix, &mut self.edits, self.source, items, context);
    }
}
