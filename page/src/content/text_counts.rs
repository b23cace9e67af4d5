//! Counts properties of a text that do not depend on its language.

use super::identifiers::WordHash;
use super::topic_words::TopicWords;

/// Sums over a text block or over all text in a container.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct TextCounts {
    pub(super) words: u32,
    pub(super) linked_words: u32,
    pub(super) letters: u32,
    /// Words of up to three letters: in most languages, most of the function words of a sentence.
    pub(super) short_words: u32,
    pub(super) capitalized_words: u32,
    pub(super) numbers: u32,
    pub(super) commas: u32,
    pub(super) sentence_ends: u32,
    pub(super) currency_signs: u32,
    pub(super) title_words: u32,
    pub(super) description_words: u32,
    pub(super) links: u32,
    pub(super) images: u32,
    pub(super) controls: u32,
    pub(super) headings: u32,
    pub(super) blocks: u32,
    /// Words in text blocks of at least 15 words, less than half of them linked.
    pub(super) prose_words: u32,
}

impl TextCounts {
    pub(super) fn add(&mut self, other: &Self) {
        self.words += other.words;
        self.linked_words += other.linked_words;
        self.letters += other.letters;
        self.short_words += other.short_words;
        self.capitalized_words += other.capitalized_words;
        self.numbers += other.numbers;
        self.commas += other.commas;
        self.sentence_ends += other.sentence_ends;
        self.currency_signs += other.currency_signs;
        self.title_words += other.title_words;
        self.description_words += other.description_words;
        self.links += other.links;
        self.images += other.images;
        self.controls += other.controls;
        self.headings += other.headings;
        self.blocks += other.blocks;
        self.prose_words += other.prose_words;
    }

    /// Adds the words and punctuation of a text, and its words to `hashes`.
    pub(super) fn add_text(&mut self, text: &str, in_link: bool, topic: &TopicWords, hashes: &mut WordHashes) {
        let mut word = Word::default();
        for c in text.chars() {
            if c.is_alphanumeric() {
                word.push(c);
                continue;
            }
            self.end_word(&mut word, in_link, topic, hashes);
            match c {
                ',' | '،' | '、' | '，' => self.commas += 1,
                '.' | '!' | '?' | '。' | '！' | '？' | '।' | '۔' => self.sentence_ends += 1,
                '$' | '€' | '£' | '¥' | '₹' | '₽' | '₩' => self.currency_signs += 1,
                _ => {}
            }
        }
        self.end_word(&mut word, in_link, topic, hashes);
    }

    fn end_word(&mut self, word: &mut Word, in_link: bool, topic: &TopicWords, hashes: &mut WordHashes) {
        if word.letters == 0 {
            return;
        }
        // In scripts without spaces, a word has about two characters.
        let words = if word.is_unspaced { word.letters.div_ceil(2) } else { 1 };
        self.words += words;
        self.linked_words += if in_link { words } else { 0 };
        self.letters += word.letters;
        self.short_words += u32::from(word.letters <= 3);
        self.capitalized_words += u32::from(word.is_capitalized);
        self.numbers += u32::from(word.is_number);
        let sources = topic.sources(word.hash.0);
        self.title_words += u32::from(sources & TopicWords::TITLE != 0);
        self.description_words += u32::from(sources & TopicWords::DESCRIPTION != 0);
        hashes.add(word.hash.0);
        *word = Word::default();
    }
}

/// The word that is being read.
#[derive(Default)]
struct Word {
    hash: WordHash,
    letters: u32,
    is_capitalized: bool,
    is_number: bool,
    /// It has characters of a script without spaces between words.
    is_unspaced: bool,
}

impl Word {
    #[inline]
    fn push(&mut self, c: char) {
        if self.letters == 0 {
            self.is_capitalized = c.is_uppercase();
            self.is_number = c.is_numeric();
        }
        self.letters += 1;
        self.is_unspaced |= is_unspaced(c);
        self.hash.push(c);
    }
}

/// Han, Hiragana, Katakana, Thai, Lao, Khmer, Burmese.
#[inline]
fn is_unspaced(c: char) -> bool {
    c >= '\u{e00}'
        && matches!(c, '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}' | '\u{3040}'..='\u{30ff}'
            | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{323af}')
}

/// The hashes of the words of one text block.
#[derive(Default)]
pub(super) struct WordHashes {
    /// Equal for text blocks with the same words.
    pub(super) fingerprint: u32,
    /// The first words, one more than the limit at most.
    pub(super) first: Vec<u32>,
}

impl WordHashes {
    /// Longer text blocks have no word weights.
    pub(super) const MAX_WEIGHTED_WORDS: usize = 12;

    #[inline]
    fn add(&mut self, word: u32) {
        self.fingerprint = (self.fingerprint.rotate_left(5) ^ word).wrapping_mul(0x9e37_79b9);
        if self.first.len() <= Self::MAX_WEIGHTED_WORDS {
            self.first.push(word);
        }
    }
}
