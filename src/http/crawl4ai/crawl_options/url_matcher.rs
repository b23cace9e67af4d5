//! `url_matcher`: the patterns of the URLs that a configuration is for.

use glob::Pattern;

/// Bytes of a pattern.
const MAX_PATTERN_BYTES: usize = 1024;
/// Each asterisk adds one level of backtracking to the matching.
const MAX_ASTERISKS: usize = 32;

/// Glob patterns for URLs.
#[derive(Clone, Debug)]
pub struct UrlMatcher {
    patterns: Vec<Pattern>,
    /// All patterns must match, not any.
    match_all: bool,
}

impl UrlMatcher {
    pub fn new(patterns: Vec<Pattern>, match_all: bool) -> Self {
        Self { patterns, match_all }
    }

    pub fn matches(&self, url: &str) -> bool {
        match self.match_all {
            true => !self.patterns.is_empty() && self.patterns.iter().all(|pattern| pattern.matches(url)),
            false => self.patterns.iter().any(|pattern| pattern.matches(url)),
        }
    }

    /// Bytes of all patterns.
    pub fn bytes(&self) -> usize {
        self.patterns.iter().map(|pattern| pattern.as_str().len()).sum()
    }
}

/// `None`: the text is not a pattern, or exceeds the limits. `**` means `*`.
pub fn parse_pattern(text: &str) -> Option<Pattern> {
    let mut pattern = text.to_owned();
    while pattern.contains("**") {
        pattern = pattern.replace("**", "*");
    }
    let is_bounded = pattern.len() <= MAX_PATTERN_BYTES && pattern.matches('*').count() <= MAX_ASTERISKS;
    is_bounded.then(|| Pattern::new(&pattern).ok())?
}
