//! Writes a page as Markdown: CommonMark, with GitHub's tables, task lists and strikethrough.
//!
//! A writer of our own, because those that were measured lose meaning: of CommonMark's 581 examples that are no HTML,
//! rendered, converted and rendered again, htmd keeps 548, html2text 468, this one 574. It works on our tree, in one walk
//! without recursion: `writer` turns elements into blocks and gathers what stands on a line as `pieces`, `line`
//! writes these, `sheet` keeps the layout of nested lists and quotes.
//!
//! What Markdown has no words for: `<sub>`, `<sup>` stay as HTML, since dropping them changes what is said (`10<sup>6`);
//! a definition list is written `Term` / `: definition`, or with bold terms where definitions hold blocks; formulas are
//! `$TeX$` where the page carries their TeX; a no-break space is a space, and a soft hyphen is nothing.

mod citations;
mod code;
mod escape;
mod line;
mod marks;
mod math;
mod pieces;
mod sheet;
mod table;
mod wrap;
mod writer;

use crate::budget::Watch;
use crate::index::Survey;
use crate::tree::{Element, Id, Tag, Tree};
use crate::urls::Base;
use crate::{Markdown, MarkdownOptions, ReadError, text};

/// What every part of the writer looks at.
#[derive(Clone, Copy)]
struct Source<'t> {
    tree: &'t Tree,
    survey: &'t Survey,
    base: &'t Base,
    options: &'t MarkdownOptions,
}

impl Source<'_> {
    /// Whether a link is written as one.
    fn is_followed(&self, href: &str) -> bool {
        let scheme = href.split(':').next().unwrap_or_default();
        let runs = ["javascript", "data", "vbscript"].iter().any(|runs| scheme.eq_ignore_ascii_case(runs));
        // Nobody goes anywhere by `#`: a script waits there.
        let stays = href == "#"
            || href.contains("/cdn-cgi/l/email-protection")
            || self.options.skip_internal_links && href.starts_with('#');
        !(self.options.ignore_links || runs || stays)
    }

    /// The sign beside a heading that links to the heading itself.
    fn is_permalink(&self, anchor: Id, element: &Element) -> bool {
        let own = element.attr("href").is_some_and(|href| href.contains('#'));
        own && matches!(&*text::text_of(self.tree, anchor, 8), "¶" | "#" | "§" | "🔗" | "\u{f0c1}")
    }

    /// An empty link that somebody wrote into a paragraph; elsewhere it is an icon or an overlay without a label.
    fn is_bare(&self, anchor: Id) -> bool {
        let in_text = self.tree.parent(anchor).is_some_and(|parent| self.tree.tag(parent) == Tag::P);
        let plain = self.tree.element(anchor).is_some_and(|element| element.attrs.len() == 1);
        in_text && plain && self.tree.first_child(anchor).is_none()
    }

    /// Right within an element of the same name, both without attributes: whoever wrote that meant it. Otherwise it is
    /// the work of a stylesheet or an editor.
    fn is_plain_twin(&self, id: Id, element: &Element) -> bool {
        let parent = self.tree.parent(id).and_then(|parent| self.tree.element(parent));
        parent.is_some_and(|parent| parent.tag == element.tag && parent.attrs.is_empty() && element.attrs.is_empty())
    }

    /// It holds nothing but spaces, and nothing says that it is there to be styled or filled.
    fn is_empty(&self, id: Id) -> bool {
        let styled = self.tree.element(id).is_some_and(|element| !element.attrs.is_empty());
        !styled && self.tree.children(id).all(|child| self.tree.text(child).is_some_and(|text| text.trim().is_empty()))
    }

    /// `<pre><code></code></pre>`.
    fn is_empty_code(&self, pre: Id) -> bool {
        self.tree.first_child(pre).is_some_and(|child| self.tree.tag(child) == Tag::Code)
    }

    fn holds_link(&self, id: Id) -> bool {
        self.tree.descendants(id).take(16).any(|id| self.tree.tag(id) == Tag::A)
    }

    fn has_ruby_parentheses(&self, rt: Id) -> bool {
        let is_near = |id: Id| self.tree.siblings_before(id).take(4).any(|id| self.tree.tag(id) == Tag::Rp);
        is_near(rt) || self.tree.siblings_after(rt).take(4).any(|id| self.tree.tag(id) == Tag::Rp)
    }
}

/// Not much more than `budget` bytes; what comes later is left out.
pub(crate) fn write(
    tree: &Tree,
    survey: &Survey,
    base: &Base,
    options: &MarkdownOptions,
    budget: usize,
    watch: &Watch,
) -> Result<Markdown, ReadError> {
    let source = Source { tree, survey, base, options };
    let written = writer::write(source, budget, watch)?;
    let mut markdown = Markdown::default();
    if options.citations {
        (markdown.markdown_with_citations, markdown.references_markdown) = citations::cite(&written);
    } else {
        markdown.markdown_with_citations = written.text.clone();
    }
    markdown.raw_markdown = written.text;
    if options.body_width > 0 {
        markdown.raw_markdown = wrap::wrapped(&markdown.raw_markdown, options.body_width, budget);
        markdown.markdown_with_citations = wrap::wrapped(&markdown.markdown_with_citations, options.body_width, budget);
    }
    Ok(markdown)
}

/// As [`write`] writes the raw Markdown.
pub(crate) fn write_plain(
    tree: &Tree,
    survey: &Survey,
    base: &Base,
    options: &MarkdownOptions,
    budget: usize,
    watch: &Watch,
) -> Result<String, ReadError> {
    let text = writer::write(Source { tree, survey, base, options }, budget, watch)?.text;
    Ok(if options.body_width > 0 { wrap::wrapped(&text, options.body_width, budget) } else { text })
}

#[cfg(test)]
mod tests;
