//! What can be counted about a text, whatever its language.

use super::names::Hash;

/// Sums over a text, or over all that an element holds.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub(super) words: u32,
    /// Words within links.
    pub(super) linked: u32,
    pub(super) letters: u32,
    /// Words of three letters or fewer: most of what holds a sentence together, in most languages.
    pub(super) short: u32,
    pub(super) capitals: u32,
    pub(super) numbers: u32,
    pub(super) commas: u32,
    pub(super) ends: u32,
    pub(super) prices: u32,
    /// Words that the title, or the description, of the page has as well.
    pub(super) in_title: u32,
    pub(super) in_description: u32,
    pub(super) links: u32,
    pub(super) images: u32,
    pub(super) controls: u32,
    pub(super) headings: u32,
    pub(super) passages: u32,
    /// Words in passages of fifteen words or more that are no links for the most part.
    pub(super) prose: u32,
}

impl Counts {
    pub(super) fn add(&mut self, more: &Self) {
        self.words += more.words;
        self.linked += more.linked;
        self.letters += more.letters;
        self.short += more.short;
        self.capitals += more.capitals;
        self.numbers += more.numbers;
        self.commas += more.commas;
        self.ends += more.ends;
        self.prices += more.prices;
        self.in_title += more.in_title;
        self.in_description += more.in_description;
        self.links += more.links;
        self.images += more.images;
        self.controls += more.controls;
        self.headings += more.headings;
        self.passages += more.passages;
        self.prose += more.prose;
    }

    /// Adds a text's words and signs; `linked`: it stands within a link. Its words are noted in `heard`.
    pub(super) fn read(&mut self, text: &str, linked: bool, known: &Known, heard: &mut Heard) {
        let mut word = Word::default();
        for c in text.chars() {
            if c.is_alphanumeric() {
                word.push(c);
                continue;
            }
            self.end(&mut word, linked, known, heard);
            match c {
                ',' | '،' | '、' | '，' => self.commas += 1,
                '.' | '!' | '?' | '。' | '！' | '？' | '।' | '۔' => self.ends += 1,
                '$' | '€' | '£' | '¥' | '₹' | '₽' | '₩' => self.prices += 1,
                _ => {}
            }
        }
        self.end(&mut word, linked, known, heard);
    }

    fn end(&mut self, word: &mut Word, linked: bool, known: &Known, heard: &mut Heard) {
        if word.letters == 0 {
            return;
        }
        self.words += 1;
        self.linked += u32::from(linked);
        self.letters += word.letters;
        self.short += u32::from(word.letters <= 3);
        self.capitals += u32::from(word.capital);
        self.numbers += u32::from(word.number);
        let seen = known.of(word.hash.0);
        self.in_title += u32::from(seen & Known::TITLE != 0);
        self.in_description += u32::from(seen & Known::DESCRIPTION != 0);
        heard.note(word.hash.0);
        *word = Word::default();
    }
}

/// A word as it is being read.
#[derive(Default)]
struct Word {
    hash: Hash,
    letters: u32,
    capital: bool,
    number: bool,
}

impl Word {
    #[inline]
    fn push(&mut self, c: char) {
        if self.letters == 0 {
            self.capital = c.is_uppercase();
            self.number = c.is_numeric();
        }
        self.letters += 1;
        self.hash.push(c);
    }
}

/// The words of the passage under way, by their hashes.
#[derive(Default)]
pub(super) struct Heard {
    /// Equal for passages of the same words.
    pub(super) print: u32,
    /// The first of them.
    pub(super) first: Vec<u32>,
}

impl Heard {
    /// Passages of more words are not told by their words.
    pub(super) const FEW: usize = 12;

    #[inline]
    fn note(&mut self, word: u32) {
        self.print = (self.print.rotate_left(5) ^ word).wrapping_mul(0x9e37_79b9);
        if self.first.len() <= Self::FEW {
            self.first.push(word);
        }
    }
}

/// Which words the page's title and description have; about one word in a hundred is wrongly taken for one of them.
pub(super) struct Known(Vec<u8>);

impl Known {
    const SIZE: usize = 4096;
    pub(super) const TITLE: u8 = 1;
    pub(super) const DESCRIPTION: u8 = 2;

    pub(super) fn of_texts(texts: &[(&str, u8)]) -> Self {
        let mut known = Self(vec![0; Self::SIZE]);
        for (text, mark) in texts {
            for word in text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
                let mut hashed = Word::default();
                word.chars().for_each(|c| hashed.push(c));
                if hashed.letters > 3 {
                    known.0[Self::place(hashed.hash.0)] |= mark;
                }
            }
        }
        known
    }

    fn place(hash: u32) -> usize {
        (hash ^ (hash >> 12)) as usize % Self::SIZE
    }

    fn of(&self, hash: u32) -> u8 {
        self.0[Self::place(hash)]
    }
}
