//! Parses a page in pieces, so that the work limit is checked while it is parsed.

use html5ever::TokenizerResult;
use html5ever::buffer_queue::BufferQueue;
use html5ever::tendril::StrTendril;
use html5ever::tokenizer::{Tokenizer, TokenizerOpts};

use super::arena::Tree;
use super::limits::LimitedTreeBuilder;
use super::sink::ArenaSink;
use crate::budget::Budget;
use crate::error::ReadError;
use crate::limits::Limits;

/// Bytes between two checks of the budget.
const PIECE: usize = 16 * 1024;
/// Bytes that the tokenizer reads at the cost of one step.
const BYTES_PER_STEP: usize = 8;
/// Pairs of attributes that the tokenizer compares at the cost of one step.
const COMPARISONS_PER_STEP: usize = 16;

/// A parsed page.
pub(crate) struct Parsed {
    pub(crate) tree: Tree,
    /// The page has more nodes than the limit; the tree contains the first of them.
    pub(crate) truncated: bool,
}

/// Parses with scripting disabled, so the contents of `<noscript>` become elements.
pub(crate) fn parse(html: &str, limits: &Limits, budget: &Budget) -> Result<Parsed, ReadError> {
    let sink = ArenaSink::with_capacity_for(html.len(), budget.work.clone());
    let builder = LimitedTreeBuilder::new(sink, limits.max_depth, limits.max_nodes);
    let tokenizer = Tokenizer::new(builder, TokenizerOpts::default());
    let queue = BufferQueue::default();
    let mut rest = html;
    // An upper bound for the attributes of the tag that has not ended yet.
    let mut attributes = 0;
    while !rest.is_empty() && !tokenizer.sink.is_full() {
        let (piece, after) = rest.split_at(rest.floor_char_boundary(PIECE));
        queue.push_back(StrTendril::from_slice(piece));
        // The tokenizer stops at each script and each encoding declaration; neither matters here.
        while !matches!(tokenizer.feed(&queue), TokenizerResult::Done) {}
        rest = after;
        let more = piece.bytes().filter(|byte| byte.is_ascii_whitespace() || *byte == b'/').count();
        if tokenizer.sink.take_token_seen() {
            attributes = 0;
        } else {
            budget.work.spend(attributes * more / COMPARISONS_PER_STEP);
        }
        attributes += more;
        budget.work.spend(piece.len() / BYTES_PER_STEP);
        budget.check()?;
    }
    tokenizer.end();
    let builder = tokenizer.sink;
    let truncated = builder.is_full();
    Ok(Parsed { tree: builder.into_tree(), truncated })
}

#[cfg(test)]
mod tests {
    use super::super::{NodeId, Tag, Visit};
    use super::*;

    fn parsed(html: &str, limits: &Limits) -> Parsed {
        parse(html, limits, &Budget::start(limits)).unwrap_or_else(|error| panic!("{error}"))
    }

    fn outline(html: &str) -> String {
        let tree = parsed(html, &Limits::default()).tree;
        let mut out = String::new();
        for step in tree.walk(NodeId::ROOT) {
            match step {
                Visit::Enter(id) => match (tree.element(id), tree.text(id)) {
                    (Some(element), _) => out.extend(["(", &*element.name.local]),
                    (_, text) => out.extend(text),
                },
                Visit::Leave(id) => out.push_str(if tree.element(id).is_some() { ")" } else { "" }),
            }
        }
        out
    }

    #[test]
    fn tree_matches_browsers() {
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
    fn page_longer_than_one_piece_parses_correctly() {
        let text = "é&amp;<b>x</b>".repeat(PIECE / 4);
        let expected = "é&(bx)".repeat(PIECE / 4);
        assert_eq!(outline(&text), format!("(html(head)(body{expected}))"));
    }

    #[test]
    fn depth_limit_keeps_end_tags_matched() {
        let html = "<div>".repeat(5000) + "<script><i></script>deep" + &"</div>".repeat(5000) + "<p>after";
        let limits = Limits { max_depth: 100, ..Limits::default() };
        let tree = parsed(&html, &limits).tree;
        let depth = |id| tree.ancestors(id).count();
        assert!(tree.descendants(NodeId::ROOT).map(depth).max() < Some(110));
        let after = tree.descendants(NodeId::ROOT).find(|&id| tree.tag(id) == Tag::P).expect("a paragraph");
        assert_eq!(tree.parent(after).map(|id| tree.tag(id)), Some(Tag::Body));
    }
}
