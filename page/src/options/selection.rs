//! Which parts of a page to read.

use serde::{Deserialize, Serialize};

/// Which parts of a page to read. Every field has a default that keeps everything.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Selection {
    /// Read only what this CSS selector matches; the metadata are still those of the whole page. If nothing matches,
    /// the outputs are empty.
    pub css_selector: Option<String>,
    /// CSS selectors. Markdown and cleaned HTML contain only what they match; links, media and tables are those of the
    /// whole page.
    pub target_elements: Vec<String>,
    /// Names of elements to remove.
    pub excluded_tags: Vec<String>,
    /// A CSS selector of elements to remove.
    pub excluded_selector: Option<String>,
    /// Remove inline formatting (bold, code, …) and keep its text.
    pub only_text: bool,
    pub remove_forms: bool,
    /// Remove paragraphs, list items and other innermost blocks with fewer words; headings, tables, code and blocks
    /// with an image stay. In scripts without spaces each character counts as a word.
    pub word_count_threshold: u32,
    /// Keep `data-` attributes in the cleaned HTML.
    pub keep_data_attributes: bool,
    /// Further attributes to keep in the cleaned HTML.
    pub keep_attrs: Vec<String>,
    /// Replace links to other registrable domains by their text.
    pub exclude_external_links: bool,
    /// Replace links within the page's registrable domain by their text.
    pub exclude_internal_links: bool,
    /// Replace links to these hosts and their subdomains by their text; remove images from there.
    pub exclude_domains: Vec<String>,
    /// Apply `exclude_domains` to [`SOCIAL_MEDIA`] and `social_media_domains` too.
    pub exclude_social_media_links: bool,
    /// Social media domains in addition to [`SOCIAL_MEDIA`].
    pub social_media_domains: Vec<String>,
    /// Remove images of other registrable domains.
    pub exclude_external_images: bool,
    pub exclude_all_images: bool,
}

/// The domains that always count as social media.
pub const SOCIAL_MEDIA: [&str; 9] = [
    "facebook.com",
    "twitter.com",
    "x.com",
    "linkedin.com",
    "instagram.com",
    "pinterest.com",
    "tiktok.com",
    "snapchat.com",
    "reddit.com",
];

impl Selection {
    /// Whether anything is to be removed from the page.
    pub(crate) fn removes_anything(&self) -> bool {
        !self.excluded_tags.is_empty()
            || self.excluded_selector.is_some()
            || self.only_text
            || self.remove_forms
            || self.word_count_threshold > 1
            || self.filters_links()
            || self.filters_images()
    }

    pub(crate) fn filters_links(&self) -> bool {
        self.exclude_external_links || self.exclude_internal_links || self.filters_domains()
    }

    pub(crate) fn filters_images(&self) -> bool {
        self.exclude_all_images || self.exclude_external_images || self.filters_domains()
    }

    fn filters_domains(&self) -> bool {
        !self.exclude_domains.is_empty() || self.exclude_social_media_links
    }
}
