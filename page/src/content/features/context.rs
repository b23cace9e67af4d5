//! What the features of a text block are computed from: sums over the page and over the blocks before each block.

use std::collections::HashMap;

use crate::content::hierarchy::Hierarchy;
use crate::content::main_container::MainContainer;
use crate::content::text_blocks::{Container, TextBlock, TextBlocks};
use crate::content::text_counts::TextCounts;
use crate::element_kind::heading_level;
use crate::tree::Tag;

pub(super) struct BlockContext<'a> {
    pub(super) found: &'a TextBlocks,
    pub(super) hierarchy: &'a Hierarchy,
    /// The sums over all text blocks.
    pub(super) total: TextCounts,
    /// The words before each text block, then all words.
    pub(super) words_before: Vec<u32>,
    pub(super) linked_before: Vec<u32>,
    pub(super) prose_before: Vec<u32>,
    /// The number of text blocks with each fingerprint.
    pub(super) copies: HashMap<u32, u32>,
    pub(super) first_h1: Option<usize>,
    /// The last heading before each text block.
    pub(super) heading_before: Vec<Option<usize>>,
    /// The title heading.
    pub(super) title_block: Option<usize>,
    pub(super) main: MainContainer,
}

impl<'a> BlockContext<'a> {
    pub(super) fn of(found: &'a TextBlocks, hierarchy: &'a Hierarchy, title: Option<usize>) -> Self {
        let mut context = Self {
            found,
            hierarchy,
            total: TextCounts::default(),
            words_before: vec![0],
            linked_before: vec![0],
            prose_before: vec![0],
            copies: HashMap::new(),
            first_h1: None,
            heading_before: Vec::new(),
            title_block: title.map(|title| found.containers[title].blocks.start as usize),
            main: MainContainer::of(found, hierarchy),
        };
        let mut heading = None;
        for (at, block) in found.blocks.iter().enumerate() {
            context.add_to_sums(block);
            context.heading_before.push(heading);
            let tag = context.container(block).tag;
            if heading_level(tag).is_some() {
                heading = Some(at);
            }
            if tag == Tag::H1 && context.first_h1.is_none() {
                context.first_h1 = Some(at);
            }
        }
        context
    }

    fn add_to_sums(&mut self, block: &TextBlock) {
        self.total.add(&block.counts);
        self.words_before.push(self.total.words);
        self.linked_before.push(self.total.linked_words);
        self.prose_before.push(self.total.prose_words);
        *self.copies.entry(block.fingerprint).or_default() += 1;
    }

    pub(super) fn block(&self, at: usize) -> &'a TextBlock {
        &self.found.blocks[at]
    }

    pub(super) fn container(&self, block: &TextBlock) -> &'a Container {
        self.found.container(block)
    }
}
