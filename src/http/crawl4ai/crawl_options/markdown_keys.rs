//! The keys of `markdown_generator`: the parameters of `DefaultMarkdownGenerator`, and its `options`.

use super::table::Class::{Honoured, Refused, WithoutEffect};
use super::table::Kind::{Bool, Integer, List, Object, Text, Typed};
use super::table::{Class, Key, keys};
use super::{content_filter, setters};

const FILTERS: &[&str] = &["MainContentFilter", "PruningContentFilter", "BM25ContentFilter", "LLMContentFilter"];
const STYLE: Class = WithoutEffect("the style of the Markdown is fixed: it renders back to the same page");

pub(super) const GENERATOR: &[Key] = keys! {
    content_filter, Typed(FILTERS), ["null"], Honoured(content_filter::set),
        "What counts as content, for `fit_markdown` and `fit_html`: `docs/content.md`. By a model of language: a `422`.";
    options, Object, ["{}", "null"], Honoured(setters::generator_options),
        "How the Markdown looks; a table of its own.";
    content_source, Text, ["\"cleaned_html\"", "\"raw_html\""],
        Refused("Markdown is always made from the whole page"), "What Markdown is made from.";
};

pub(super) const OPTIONS: &[Key] = keys! {
    ignore_links, Bool, ["false"], Honoured(|r, given| r.flag(given, |to| &mut to.ignore_links)),
        "Write the text of links without their targets.";
    ignore_images, Bool, ["false"], Honoured(|r, given| r.flag(given, |to| &mut to.ignore_images)), "Leave images out.";
    ignore_emphasis, Bool, ["false"], Honoured(|r, given| r.flag(given, |to| &mut to.ignore_emphasis)),
        "Write emphasised text without marks.";
    body_width, Integer, ["0"], Honoured(setters::body_width),
        "Wrap lines at this many characters, at most 100,000. `0`: not at all.";
    citations, Bool, ["true"], Honoured(|r, given| r.flag(given, |to| &mut to.citations)),
        "Make `markdown_with_citations` and `references_markdown`.";
    escape_html, Bool, ["true"], Honoured(|r, given| r.flag(given, |to| &mut to.escape_html)),
        "Escape text that looks like HTML.";
    skip_internal_links, Bool, ["false"], Honoured(|r, given| r.flag(given, |to| &mut to.skip_internal_links)),
        "Write links to a place on the same page as text.";
    ignore_tables, Bool, ["false"], Refused("tables cannot be left out of the Markdown yet"), "Leave tables out.";
    bypass_tables, Bool, ["false"], STYLE, "Write tables as HTML.";
    default_image_alt, Text, ["\"\""], STYLE, "The text of images without one.";
    emphasis_mark, Text, ["\"_\""], STYLE, "The mark of emphasis.";
    escape_backslash, Bool, ["false"], STYLE, "Escape backslashes.";
    escape_dash, Bool, ["false"], STYLE, "Escape dashes.";
    escape_dot, Bool, ["false"], STYLE, "Escape dots.";
    escape_plus, Bool, ["false"], STYLE, "Escape plus signs.";
    escape_snob, Bool, ["false"], STYLE, "Escape whatever could be a mark.";
    handle_code_in_pre, Bool, ["false"], STYLE, "Mark code within preformatted text.";
    ignore_mailto_links, Bool, ["true"], STYLE, "Write mail addresses without links.";
    images_as_html, Bool, ["false"], STYLE, "Write images as HTML.";
    images_to_alt, Bool, ["false"], STYLE, "Write images as their text.";
    images_with_size, Bool, ["false"], STYLE, "Write images with a size as HTML.";
    include_sup_sub, Bool, ["false"], STYLE, "Write superscript and subscript as HTML.";
    inline_links, Bool, ["true"], STYLE, "Write the targets of links where the links are.";
    links_each_paragraph, Bool, ["false"], STYLE, "Write the targets of links after each paragraph.";
    mark_code, Bool, ["true"], STYLE, "Mark preformatted text.";
    pad_tables, Bool, ["false"], STYLE, "Align the columns of tables.";
    preserve_tags, List, ["[]"], STYLE, "Elements that stay HTML.";
    protect_links, Bool, ["false"], STYLE, "Write the targets of links in angle brackets.";
    single_line_break, Bool, ["true"], STYLE, "Put one line break after a block.";
    strong_mark, Text, ["\"**\""], STYLE, "The mark of strong emphasis.";
    ul_item_mark, Text, ["\"*\""], STYLE, "The mark of list items.";
    unicode_snob, Bool, ["false", "true"], STYLE, "Keep characters beyond ASCII. They are kept.";
    use_automatic_links, Bool, ["true"], STYLE, "Write links that are their own text in angle brackets.";
    wrap_links, Bool, ["true"], STYLE, "Wrap links too.";
    wrap_list_items, Bool, ["false"], STYLE, "Wrap list items too.";
    wrap_tables, Bool, ["false"], STYLE, "Wrap tables too.";
};
