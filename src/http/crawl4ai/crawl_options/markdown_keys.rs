//! The keys of `markdown_generator`: the parameters of `DefaultMarkdownGenerator`, and its `options`.

use super::key::Class::{Honoured, Nested, Rejected, WithoutEffect};
use super::key::Kind::{Bool, Enum, Integer, List, Object, Text, Typed};
use super::key::{Class, Key, Section, keys};
use super::setters::flag;
use super::{content_filter, setters};

const FILTERS: &[&str] =
    &["MainContentFilter", "PruningContentFilter", "PruningContentFilterLXML", "BM25ContentFilter", "LLMContentFilter"];
const SOURCES: &[&str] = &["cleaned_html", "raw_html", "fit_html"];
const STYLE: Class = WithoutEffect("the style of the Markdown is fixed, so that it renders back to the same page");

pub(super) const GENERATOR: &[Key] = keys! {
    content_filter, Typed(FILTERS), ["null"], Honoured(content_filter::set),
        "How the main content for `fit_markdown` and `fit_html` is found; see [content](content.md) and, \
         for `LLMContentFilter`, [LLM extraction](llm-extraction.md#in-crawls).";
    options, Object, ["{}", "null"], Nested(Section::GeneratorOptions), "Format of the Markdown; see the table below.";
    content_source, Enum("ContentSource", SOURCES), ["\"cleaned_html\"", "\"raw_html\""],
        WithoutEffect("Markdown is made from the whole page; `fit_markdown` is the main content"),
        "HTML that Markdown is made from.";
};

pub(super) const OPTIONS: &[Key] = keys! {
    ignore_links, Bool, ["false"], Honoured(|b, v, r| flag(&mut b.markdown().ignore_links, v, r)),
        "Write the text of links without their URLs.";
    ignore_images, Bool, ["false"], Honoured(|b, v, r| flag(&mut b.markdown().ignore_images, v, r)), "Leave out images.";
    ignore_emphasis, Bool, ["false"], Honoured(|b, v, r| flag(&mut b.markdown().ignore_emphasis, v, r)),
        "Write emphasised text without marks.";
    body_width, Integer, ["0"], Honoured(setters::body_width),
        "Wrap lines at this many characters, at most 100,000. 0: no wrapping.";
    citations, Bool, ["true"], Honoured(|b, v, r| flag(&mut b.markdown().citations, v, r)),
        "Write `markdown_with_citations` and `references_markdown`.";
    escape_html, Bool, ["true"], Honoured(|b, v, r| flag(&mut b.markdown().escape_html, v, r)),
        "Escape text that looks like HTML.";
    skip_internal_links, Bool, ["false"], Honoured(|b, v, r| flag(&mut b.markdown().skip_internal_links, v, r)),
        "Write links to an anchor of the same page as text.";
    ignore_tables, Bool, ["false"], Rejected("is not available yet; leave tables out with excluded_tags"), "Leave out tables.";
    bypass_tables, Bool, ["false"], STYLE, "Write tables as HTML.";
    default_image_alt, Text, ["\"\""], STYLE, "Text of images without one.";
    emphasis_mark, Text, ["\"_\""], STYLE, "Mark of emphasis.";
    escape_backslash, Bool, ["false"], STYLE, "Escape backslashes.";
    escape_dash, Bool, ["false"], STYLE, "Escape dashes.";
    escape_dot, Bool, ["false"], STYLE, "Escape dots.";
    escape_plus, Bool, ["false"], STYLE, "Escape plus signs.";
    escape_snob, Bool, ["false"], STYLE, "Escape every character that could be a mark.";
    handle_code_in_pre, Bool, ["false"], STYLE, "Mark code within preformatted text.";
    ignore_mailto_links, Bool, ["true"], STYLE, "Write e-mail addresses without links.";
    images_as_html, Bool, ["false"], STYLE, "Write images as HTML.";
    images_to_alt, Bool, ["false"], STYLE, "Write images as their text.";
    images_with_size, Bool, ["false"], STYLE, "Write images with a size as HTML.";
    include_sup_sub, Bool, ["false"], STYLE, "Write superscript and subscript as HTML.";
    inline_links, Bool, ["true"], STYLE, "Write the URLs of links inline.";
    links_each_paragraph, Bool, ["false"], STYLE, "Write the URLs of links after each paragraph.";
    mark_code, Bool, ["true"], STYLE, "Mark preformatted text.";
    pad_tables, Bool, ["false"], STYLE, "Align the columns of tables.";
    preserve_tags, List, ["[]"], STYLE, "Elements that are kept as HTML.";
    protect_links, Bool, ["false"], STYLE, "Write the URLs of links in angle brackets.";
    single_line_break, Bool, ["true"], STYLE, "Write one line break after a block.";
    strong_mark, Text, ["\"**\""], STYLE, "Mark of strong emphasis.";
    ul_item_mark, Text, ["\"*\""], STYLE, "Mark of list items.";
    unicode_snob, Bool, ["false", "true"], STYLE, "Keep non-ASCII characters. They are always kept.";
    use_automatic_links, Bool, ["true"], STYLE, "Write links whose text is their URL in angle brackets.";
    wrap_links, Bool, ["true"], STYLE, "Wrap links.";
    wrap_list_items, Bool, ["false"], STYLE, "Wrap list items.";
    wrap_tables, Bool, ["false"], STYLE, "Wrap tables.";
};
