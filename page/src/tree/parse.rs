//! Parses a page into a tree, piece by piece, so that the time it takes can be watched.

use html5ever::TokenizerResult;
use html5ever::buffer_queue::BufferQueue;
use html5ever::tendril::StrTendril;
use html5ever::tokenizer::{Tokenizer, TokenizerOpts};

use super::Tree;
use super::gate::Gate;
use super::sink::Sink;
use crate::watch::Watch;
use crate::{Limits, Unreadable};

/// The clock is looked at after each piece of this many bytes.
const PIECE: usize = 16 * 1024;

pub(crate) struct Parsed {
    pub(crate) tree: Tree,
    /// The page has more nodes than it may have; the tree holds those until then.
    pub(crate) cut: bool,
}

/// Parses with scripting disabled, so that what `<noscript>` holds are elements.
pub(crate) fn parse(html: &str, limits: &Limits, watch: &Watch) -> Result<Parsed, Unreadable> {
    let gate = Gate::new(Sink::with_room_for(html.len()), limits.max_depth, limits.max_nodes);
    let tokenizer = Tokenizer::new(gate, TokenizerOpts::default());
    let queue = BufferQueue::default();
    let mut rest = html;
    while !rest.is_empty() && !tokenizer.sink.is_full() {
        let (piece, after) = rest.split_at(rest.floor_char_boundary(PIECE));
        queue.push_back(StrTendril::from_slice(piece));
        // It stops at every script and at every encoding that the page names; neither concerns us.
        while !matches!(tokenizer.feed(&queue), TokenizerResult::Done) {}
        rest = after;
        watch.look()?;
    }
    tokenizer.end();
    let gate = tokenizer.sink;
    let cut = gate.is_full();
    Ok(Parsed { tree: gate.into_tree(), cut })
}
