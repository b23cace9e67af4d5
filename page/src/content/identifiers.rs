//! Splits the names of elements into words and hashes words.

/// FNV-1a over characters in lower case.
#[derive(Clone, Copy)]
pub(super) struct WordHash(pub(super) u32);

impl Default for WordHash {
    fn default() -> Self {
        Self(0x811c_9dc5)
    }
}

impl WordHash {
    #[inline]
    pub(super) fn push(&mut self, c: char) {
        self.0 = (self.0 ^ u32::from(to_lowercase(c))).wrapping_mul(0x0100_0193);
    }
}

/// The lower case of a letter, if it is one character.
#[inline]
fn to_lowercase(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_lowercase();
    }
    c.to_lowercase().next().unwrap_or(c)
}

pub(super) fn hash_word(word: &str) -> u32 {
    let mut hash = WordHash::default();
    word.chars().for_each(|c| hash.push(c));
    hash.0
}

/// Calls `visit` for each word in a `class` or `id`: `related`, `Posts` and `2` in `relatedPosts-2`.
pub(super) fn split_identifier(names: &str, mut visit: impl FnMut(&str)) {
    let mut start = None;
    let mut before = ' ';
    for (at, c) in names.char_indices().chain([(names.len(), ' ')]) {
        let continues = c.is_alphanumeric()
            && before.is_numeric() == c.is_numeric()
            && !(before.is_lowercase() && c.is_uppercase());
        if let Some(from) = start.filter(|_| !continues) {
            visit(&names[from..at]);
            start = None;
        }
        if c.is_alphanumeric() && start.is_none() {
            start = Some(at);
        }
        before = c;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_split_at_symbols_capitals_and_digits() {
        for (names, expected) in [
            ("relatedPosts-2 nav_main", vec!["related", "Posts", "2", "nav", "main"]),
            ("h2", vec!["h", "2"]),
            ("BEM__element--x", vec!["BEM", "element", "x"]),
            ("", vec![]),
        ] {
            let mut found = Vec::new();
            split_identifier(names, |word| found.push(word.to_owned()));
            assert_eq!(found, expected, "{names}");
        }
    }
}
