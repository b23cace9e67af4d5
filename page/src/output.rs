//! The result of reading a page. Field names are part of the HTTP API.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::app_shell::AppShell;
use crate::meta_refresh::MetaRefresh;

/// The result of reading one page.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Page {
    /// The page without scripts, styles, comments and most attributes, as well-formed HTML.
    pub cleaned_html: String,
    pub media: Media,
    pub links: Links,
    /// `title`, `description`, `keywords`, `author` (`null` if the page has none) and every `og:`, `twitter:` and
    /// `article:` property by its name: strings or `null`.
    pub metadata: Map<String, Value>,
    /// The data that the page embeds: `json_ld`, `microdata` (lists) and `opengraph` (an object). `None`: there is none.
    pub structured_data: Option<Value>,
    pub tables: Vec<Table>,
    /// The result of [`Options::extraction`](crate::Options::extraction), as JSON text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extracted_content: Option<String>,
    pub markdown: Markdown,
    /// The main content as HTML; `None` without a content filter.
    pub fit_html: Option<String>,
    /// A hash of the title and the descriptive `<meta>` elements, 16 hexadecimal digits. `None` if the page has
    /// neither.
    pub head_fingerprint: Option<String>,
    /// One sentence that states which limit truncated the result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub truncated: Option<String>,
    /// Where the page leads by a `<meta http-equiv="refresh">`.
    #[serde(skip)]
    pub refresh: Option<MetaRefresh>,
    /// Why only a browser can read the page, if its content is produced by scripts.
    #[serde(skip)]
    pub app_shell: Option<AppShell>,
}

/// A page as Markdown: CommonMark with GitHub's tables, task lists and strikethrough.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Markdown {
    /// The whole page; links are inline and absolute.
    pub raw_markdown: String,
    /// The same with `text⟨1⟩` instead of each link.
    pub markdown_with_citations: String,
    /// `\n\n## References\n\n⟨1⟩ url: text\n…`, one line per link target; empty if there are no links.
    pub references_markdown: String,
    /// The main content; empty without a content filter.
    pub fit_markdown: String,
    /// The main content as HTML; empty without a content filter.
    pub fit_html: String,
}

impl Markdown {
    /// Markdown that is exactly `text`, without citations.
    pub fn of_text(text: &str) -> Self {
        Self { raw_markdown: text.to_owned(), markdown_with_citations: text.to_owned(), ..Self::default() }
    }
}

/// The page's `http` and `https` links, each target once, in document order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Links {
    /// Links to the page's own registrable domain.
    pub internal: Vec<Link>,
    pub external: Vec<Link>,
}

/// One link. `head_*` and `contextual_score` describe the target; [`read`](crate::read) does not fill them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Link {
    /// Absolute, without fragment.
    pub href: String,
    pub text: String,
    pub title: String,
    /// The registrable domain of the target (`example.co.uk`); for an IP address or a single-label name the whole host.
    pub base_domain: String,
    pub head_data: Option<Value>,
    pub head_extraction_status: Option<String>,
    pub head_extraction_error: Option<String>,
    pub intrinsic_score: Option<f64>,
    pub contextual_score: Option<f64>,
    pub total_score: Option<f64>,
}

/// The images, videos and audio files of a page.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Media {
    pub images: Vec<MediaItem>,
    pub videos: Vec<MediaItem>,
    pub audios: Vec<MediaItem>,
}

/// One file of an image, video or audio element.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct MediaItem {
    /// Absolute.
    pub src: String,
    /// Always empty: inlined data is not copied.
    pub data: String,
    pub alt: String,
    /// The caption or the surrounding text, at most about 300 characters.
    pub desc: String,
    /// How likely the file is content rather than decoration, 0 to 7.
    pub score: u32,
    /// `image`, `video` or `audio`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Equal for all files of one element.
    pub group_id: u32,
    /// From the file name: `jpg`, `png`, …
    pub format: Option<String>,
    /// In pixels, from `srcset`.
    pub width: Option<u32>,
}

/// A data table as a rectangle: the text of a cell that spans several columns or rows is repeated.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Table {
    pub headers: Vec<String>,
    pub rows: Vec<Vec<String>>,
    pub caption: String,
    pub summary: String,
    pub metadata: TableMetadata,
}

/// Properties of a table other than its cells.
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
