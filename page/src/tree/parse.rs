//! Parses a page into a tree, piece by piece, so that the work it takes can be watched.

use html5ever::TokenizerResult;
use html5ever::buffer_queue::BufferQueue;
use html5ever::tendril::StrTendril;
use html5ever::tokenizer::{Tokenizer, TokenizerOpts};

use super::Tree;
use super::gate::Gate;
use super::sink::Sink;
use crate::budget::Watch;
use crate::{Limits, ReadError};

/// The work is looked at after each piece of this many bytes.
const PIECE: usize = 16 * 1024;
/// Bytes that are read for one unit of work.
const READ_A_UNIT: usize = 8;
/// Attributes of a tag that are compared with each other for one unit of work.
const COMPARED_A_UNIT: usize = 32;

pub(crate) struct Parsed {
    pub(crate) tree: Tree,
    /// The page has more nodes than it may have; the tree holds those until then.
    pub(crate) cut: bool,
}

/// Parses with scripting disabled, so that what `<noscript>` holds are elements.
pub(crate) fn parse(html: &str, limits: &Limits, watch: &Watch) -> Result<Parsed, ReadError> {
    let gate = Gate::new(Sink::with_room_for(html.len(), watch.work.clone()), limits.max_depth, limits.max_nodes);
    let tokenizer = Tokenizer::new(gate, TokenizerOpts::default());
    let queue = BufferQueue::default();
    let mut rest = html;
    // Of the tag that has not ended yet, at most.
    let mut attributes = 0;
    while !rest.is_empty() && !tokenizer.sink.is_full() {
        let (piece, after) = rest.split_at(rest.floor_char_boundary(PIECE));
        queue.push_back(StrTendril::from_slice(piece));
        // It stops at every script and at every encoding that the page names; neither concerns us.
        while !matches!(tokenizer.feed(&queue), TokenizerResult::Done) {}
        rest = after;
        let more = piece.bytes().filter(|byte| byte.is_ascii_whitespace() || *byte == b'/').count();
        if tokenizer.sink.has_moved() {
            attributes = 0;
        } else {
            watch.work.spend(attributes * more / COMPARED_A_UNIT);
        }
        attributes += more;
        watch.work.spend(piece.len() / READ_A_UNIT);
        watch.check()?;
    }
    tokenizer.end();
    let gate = tokenizer.sink;
    let cut = gate.is_full();
    Ok(Parsed { tree: gate.into_tree(), cut })
}

#[cfg(test)]
mod tests {
    use super::super::{Id, Step, Tag};
    use super::*;

    fn parsed(html: &str, limits: &Limits) -> Parsed {
        parse(html, limits, &Watch::start(limits)).unwrap_or_else(|error| panic!("{error}"))
    }

    fn outline(html: &str) -> String {
        let tree = parsed(html, &Limits::default()).tree;
        let mut out = String::new();
        for step in tree.walk(Id::ROOT) {
            match step {
                Step::Enter(id) => match (tree.element(id), tree.text(id)) {
                    (Some(element), _) => out.extend(["(", &*element.name.local]),
                    (_, text) => out.extend(text),
                },
                Step::Leave(id) => out.push_str(if tree.element(id).is_some() { ")" } else { "" }),
            }
        }
        out
    }

    #[test]
    fn the_tree_is_the_one_that_browsers_make() {
        for (html, body) in [
            ("a<!-- b -->c", "ac"),
            ("<p>a<p>b", "(pa)(pb)"),
            ("<b>a<p>b</b>c</p>", "(ba)(p(bb)c)"),
            ("<table>a<tr><td>b", "a(table(tbody(tr(tdb))))"),
            ("<table><tr><td>a</td>b</tr>c</table>d", "bc(table(tbody(tr(tda))))d"),
            ("<a>a<a>b", "(aa)(ab)"),
            ("<p><noscript>a</noscript>", "(p(noscripta))"),
            ("<p><template><td>a</template>", "(p(template(tda)))"),
            ("<svg><title>a</title></svg>", "(svg(titlea))"),
        ] {
            assert_eq!(outline(html), format!("(html(head)(body{body}))"), "{html}");
        }
    }

    #[test]
    fn a_page_that_comes_in_pieces_is_the_same_page() {
        let text = "é&amp;<b>x</b>".repeat(PIECE / 4);
        let expected = "é&(bx)".repeat(PIECE / 4);
        assert_eq!(outline(&text), format!("(html(head)(body{expected}))"));
    }

    #[test]
    fn depth_is_capped_while_end_tags_keep_their_elements() {
        let html = "<div>".repeat(5000) + "<script><i></script>deep" + &"</div>".repeat(5000) + "<p>after";
        let limits = Limits { max_depth: 100, ..Limits::default() };
        let tree = parsed(&html, &limits).tree;
        let depth = |id| tree.ancestors(id).count();
        assert!(tree.descendants(Id::ROOT).map(depth).max() < Some(110));
        let after = tree.descendants(Id::ROOT).find(|&id| tree.tag(id) == Tag::P).expect("it is there");
        assert_eq!(tree.parent(after).map(|id| tree.tag(id)), Some(Tag::Body));
    }
}
