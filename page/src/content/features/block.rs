//! Features of a text block by itself and of its container.

use super::context::BlockContext;
use super::row::{FeatureRow, log, ratio};
use crate::content::phrase_lexicon::KINDS;
use crate::content::text_counts::TextCounts;
use crate::element_kind::heading_level;
use crate::tree::Tag;

pub(super) fn append(context: &BlockContext, at: usize, row: &mut FeatureRow<'_>) {
    let block = context.block(at);
    let container = context.container(block);
    append_counts(&block.counts, row);
    row.put("last", last_character_class(block.last));
    row.put("level", heading_level(container.tag).unwrap_or(0) as f32);
    row.put("tag", f32::from(tag_class(container.tag)));
    row.flag("strong", block.inline.strong);
    row.flag("time", block.inline.time);
    row.flag("code", block.inline.code);
    row.flag("hidden", container.hidden);
    row.flag("unreachable", container.unreachable);
    for (kind, (name, _)) in KINDS.iter().enumerate() {
        row.flag_with("phrase ", name, block.phrases & 1 << kind != 0);
    }
    row.put("copies", context.copies[&block.fingerprint] as f32);
    row.put("depth", container.depth as f32);
    row.put("near names", container.weights.near.sum);
    row.put("near names min", container.weights.near.min);
    row.put("near names max", container.weights.near.max);
    row.put("far names min", container.weights.far.min);
    row.put("far names max", container.weights.far.max);
    row.put("words weight", block.word_weights.sum);
    row.put("words weight min", block.word_weights.min);
}

fn append_counts(counts: &TextCounts, row: &mut FeatureRow<'_>) {
    row.put("words", log(counts.words));
    row.put("linked", ratio(counts.linked_words, counts.words));
    row.put("word length", ratio(counts.letters, counts.words));
    row.put("short", ratio(counts.short_words, counts.words));
    row.put("capitalized", ratio(counts.capitalized_words, counts.words));
    row.put("numbers", ratio(counts.numbers, counts.words));
    row.put("commas", counts.commas as f32);
    row.put("sentence ends", counts.sentence_ends as f32);
    row.put("currency signs", counts.currency_signs as f32);
    row.put("title words", counts.title_words as f32);
    row.put("title share", ratio(counts.title_words, counts.words));
    row.put("description words", counts.description_words as f32);
    row.put("description share", ratio(counts.description_words, counts.words));
    row.put("links", counts.links as f32);
    row.put("images", counts.images as f32);
}

fn last_character_class(last: char) -> f32 {
    match last {
        '.' | '。' | '।' => 3.0,
        '!' | '?' | '！' | '？' => 4.0,
        ':' | '：' => 2.0,
        ',' | ';' | '…' => 1.0,
        c if c.is_alphanumeric() => 0.0,
        _ => 5.0,
    }
}

/// A number for a tag, similar tags next to each other.
pub(super) fn tag_class(tag: Tag) -> u8 {
    match tag {
        Tag::Button => 0,
        Tag::Label | Tag::Legend => 1,
        Tag::A => 2,
        Tag::Other => 3,
        Tag::Span => 4,
        Tag::Li => 5,
        Tag::Div => 6,
        Tag::Section | Tag::Article | Tag::Main | Tag::Body => 7,
        Tag::Td => 8,
        Tag::Th => 9,
        Tag::Dt | Tag::Dd => 10,
        Tag::Figcaption | Tag::Caption => 11,
        Tag::H1 => 12,
        Tag::H2 => 13,
        Tag::H3 => 14,
        Tag::H4 | Tag::H5 | Tag::H6 => 15,
        Tag::P => 16,
        Tag::Blockquote => 17,
        Tag::Pre => 18,
        _ => 6,
    }
}
