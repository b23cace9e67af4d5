//! The words in a page's title and description.

use super::identifiers::hash_word;
use crate::index::PageIndex;
use crate::text;
use crate::tree::Tree;

/// A set of words by hash. About one in a hundred other words is mistaken for a member.
pub(super) struct TopicWords(Vec<u8>);

impl TopicWords {
    const SIZE: usize = 4096;
    /// Shorter words are in most texts.
    const MIN_LETTERS: usize = 4;
    pub(super) const TITLE: u8 = 1;
    pub(super) const DESCRIPTION: u8 = 2;

    pub(super) fn of_page(tree: &Tree, index: &PageIndex) -> Self {
        let title = index.title.map(|title| text::raw_text(tree, title)).unwrap_or_default();
        let mut topic = Self(vec![0; Self::SIZE]);
        topic.add(&title, Self::TITLE);
        for meta in index.metas.iter().filter_map(|&meta| tree.element(meta)) {
            let name = meta.attr("property").or_else(|| meta.attr("name")).unwrap_or_default();
            let content = meta.attr("content").unwrap_or_default();
            match name {
                "og:title" => topic.add(content, Self::TITLE),
                "description" | "og:description" => topic.add(content, Self::DESCRIPTION),
                _ => {}
            }
        }
        topic
    }

    fn add(&mut self, text: &str, source: u8) {
        for word in text.split(|c: char| !c.is_alphanumeric()) {
            if word.chars().count() >= Self::MIN_LETTERS {
                self.0[Self::slot(hash_word(word))] |= source;
            }
        }
    }

    fn slot(hash: u32) -> usize {
        (hash ^ (hash >> 12)) as usize % Self::SIZE
    }

    /// The sources that contain a word: [`Self::TITLE`], [`Self::DESCRIPTION`], both or none.
    pub(super) fn sources(&self, hash: u32) -> u8 {
        self.0[Self::slot(hash)]
    }
}
