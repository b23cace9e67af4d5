//! Text blocks and the elements that contain them.

use std::ops::Range;

use super::class_lexicon::Categories;
use super::name_weights::{NameWeights, WeightSummary};
use super::phrase_lexicon::Phrases;
use super::text_counts::TextCounts;
use crate::tree::{NodeId, Tag, Tree};

/// The text between two block boundaries; kept or removed as a whole.
pub(super) struct TextBlock {
    /// The range of its text nodes in [`TextBlocks::texts`].
    pub(super) texts: Range<u32>,
    /// The innermost container.
    pub(super) container: u32,
    pub(super) counts: TextCounts,
    /// Equal for text blocks with the same words.
    pub(super) fingerprint: u32,
    /// The categories of its inline elements.
    pub(super) categories: Categories,
    pub(super) inline: InlineElements,
    /// No white space, line break or block boundary separates its first word from the text before it.
    pub(super) is_joined: bool,
    /// The last visible character.
    pub(super) last: char,
    /// The kinds of its words, if there are few.
    pub(super) phrases: Phrases,
    /// The weights of its words, if there are few.
    pub(super) word_weights: WeightSummary,
}

/// Which inline elements a text block contains.
#[derive(Clone, Copy, Default)]
pub(super) struct InlineElements {
    pub(super) strong: bool,
    pub(super) time: bool,
    pub(super) code: bool,
}

/// An element that contains text blocks.
pub(super) struct Container {
    pub(super) id: NodeId,
    /// [`NO_PARENT`] for the outermost container.
    pub(super) parent: u32,
    pub(super) tag: Tag,
    pub(super) categories: Categories,
    /// The range of the words of its class and id in [`TextBlocks::names`].
    pub(super) names: Range<u32>,
    pub(super) weights: ContainerWeights,
    /// Equal for elements with the same name and first class.
    pub(super) kind: u32,
    pub(super) depth: u32,
    /// The range of the text blocks in it in [`TextBlocks::blocks`].
    pub(super) blocks: Range<u32>,
    /// Each of its children is a container.
    pub(super) splits_children: bool,
    /// It or a container around it is hidden.
    pub(super) hidden: bool,
    /// It or a container around it is hidden, and no control on the page names that container.
    pub(super) unreachable: bool,
    /// The sums over all text blocks in it.
    pub(super) counts: TextCounts,
}

/// The weights of the names of a container and of those around it.
#[derive(Clone, Copy)]
pub(super) struct ContainerWeights {
    /// Of its names and those of the two containers around it.
    pub(super) near: WeightSummary,
    /// Of the names of all other containers around it.
    pub(super) far: WeightSummary,
    /// Of its own names, for text blocks more than two containers further in.
    own_far: WeightSummary,
}

/// [`Container::parent`] of the outermost container.
pub(super) const NO_PARENT: u32 = u32::MAX;

/// The text blocks and containers of a page, in document order.
#[derive(Default)]
pub(super) struct TextBlocks {
    pub(super) texts: Vec<NodeId>,
    pub(super) blocks: Vec<TextBlock>,
    /// Each container follows the containers around it.
    pub(super) containers: Vec<Container>,
    pub(super) names: Vec<u32>,
}

impl TextBlocks {
    /// The weights for a new container with these names in this parent.
    pub(super) fn weights(&self, names: &Range<u32>, parent: u32) -> ContainerWeights {
        let own = &self.names[names.start as usize..names.end as usize];
        let parent_of = |of: Option<&Container>| of.and_then(|of| self.containers.get(of.parent as usize));
        let first = self.containers.get(parent as usize);
        let (second, third) = (parent_of(first), parent_of(parent_of(first)));
        let mut near = own.to_vec();
        for container in [first, second].into_iter().flatten() {
            near.extend(self.names_of(container));
        }
        let far = first.map_or(WeightSummary::default(), |first| first.weights.far);
        let far = third.map_or(far, |third| far.combine(third.weights.own_far));
        let weights = NameWeights::built_in();
        ContainerWeights { near: weights.near(&mut near), far, own_far: weights.far(own) }
    }

    /// The hashes of the words in a container's class and id.
    pub(super) fn names_of(&self, container: &Container) -> &[u32] {
        &self.names[container.names.start as usize..container.names.end as usize]
    }

    /// The innermost container of a text block.
    pub(super) fn container(&self, block: &TextBlock) -> &Container {
        &self.containers[block.container as usize]
    }

    /// The text nodes of a text block.
    pub(super) fn text_nodes(&self, block: &TextBlock) -> &[NodeId] {
        &self.texts[block.texts.start as usize..block.texts.end as usize]
    }

    pub(super) fn text(&self, tree: &Tree, block: &TextBlock) -> String {
        let mut text = String::new();
        for &id in self.text_nodes(block) {
            if tree.siblings_before(id).next().is_some_and(|before| tree.tag(before) == Tag::Br) {
                text.push(' ');
            }
            text.push_str(tree.text(id).unwrap_or_default());
        }
        text
    }
}
