//! What comes out of a page, in the shapes that clients know.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Everything a page says.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Page {
    /// The page without scripts, styles, comments and most attributes, as well-formed HTML.
    pub cleaned_html: String,
    pub media: Media,
    pub links: Links,
    /// `title`, `description`, `keywords`, `author` (`null` where the page has none) and every `og:`, `twitter:` and
    /// `article:` property by its own name. `structured`, where the page has such data: `json_ld`, `microdata` (lists)
    /// and `opengraph` (an object).
    pub metadata: Map<String, Value>,
    pub tables: Vec<Table>,
    /// The fields that were asked for, as JSON text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extracted_content: Option<String>,
    pub markdown: Markdown,
    /// The main content as HTML, where it was asked for.
    pub fit_html: Option<String>,
    /// 16 hexadecimal digits over the title and the descriptive `<meta>`s: it changes when they do. `None` where there
    /// are none.
    pub head_fingerprint: Option<String>,
    /// One sentence saying what was cut off, where a limit ended the reading early.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub truncated: Option<String>,
}

/// A page as Markdown (CommonMark, with GitHub's tables, task lists and strikethrough).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Markdown {
    /// The whole page, links inline and absolute.
    pub raw_markdown: String,
    /// The same with `text⟨1⟩` in place of each link.
    pub markdown_with_citations: String,
    /// `\n\n## References\n\n⟨1⟩ url: text\n…`, one line a link target; empty where there are no links.
    pub references_markdown: String,
    /// The main content, where it was asked for; else empty.
    pub fit_markdown: String,
    /// The main content as HTML, where it was asked for; else empty.
    pub fit_html: String,
}

impl Markdown {
    /// Markdown that holds a text as it is, without citations.
    pub fn of_text(text: &str) -> Self {
        Self { raw_markdown: text.to_owned(), markdown_with_citations: text.to_owned(), ..Self::default() }
    }
}

/// The page's `http` and `https` links, each target once, in the page's order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Links {
    /// Those whose registrable domain is the page's own.
    pub internal: Vec<Link>,
    pub external: Vec<Link>,
}

/// One link. The fields about its target's head and its scores are filled by whoever asks for them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Link {
    /// Absolute, without its fragment.
    pub href: String,
    pub text: String,
    pub title: String,
    /// The registrable domain of the target (`example.co.uk`); for an IP address or a bare name the whole host.
    pub base_domain: String,
    pub head_data: Option<Value>,
    pub head_extraction_status: Option<String>,
    pub head_extraction_error: Option<String>,
    pub intrinsic_score: Option<f64>,
    pub contextual_score: Option<f64>,
    pub total_score: Option<f64>,
}

/// What the page shows beside text.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Media {
    pub images: Vec<MediaItem>,
    pub videos: Vec<MediaItem>,
    pub audios: Vec<MediaItem>,
}

/// One file of an image, a video or an audio.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct MediaItem {
    /// Absolute.
    pub src: String,
    /// Always empty: inlined data is not repeated here.
    pub data: String,
    pub alt: String,
    /// The caption, or the text around it; at most some 300 characters.
    pub desc: String,
    /// How likely it is content rather than decoration, 0 to 7.
    pub score: u32,
    /// `image`, `video` or `audio`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The same for all files of one element.
    pub group_id: u32,
    /// By the file's name: `jpg`, `png`, …
    pub format: Option<String>,
    /// In pixels, where `srcset` says so.
    pub width: Option<u32>,
}

/// A table of data, as a rectangle: cells that span are repeated.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Table {
    pub headers: Vec<String>,
    pub rows: Vec<Vec<String>>,
    pub caption: String,
    pub summary: String,
    pub metadata: TableMetadata,
}

/// What is known of a table beside its cells.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TableMetadata {
    pub row_count: usize,
    pub column_count: usize,
    pub has_headers: bool,
    pub has_caption: bool,
    pub has_summary: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
}
