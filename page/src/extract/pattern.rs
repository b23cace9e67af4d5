//! Regular expressions whose time is linear in the text, so without look-around and back references.

use std::collections::HashMap;
use std::ops::Range;

use regex_automata::meta::{BuildError, Cache, Config, Regex};
use regex_automata::util::syntax;
use regex_automata::{Input, PatternID, Span};

use crate::budget::Budget;
use crate::error::ReadError;

/// Bytes of one pattern.
const MAX_PATTERN: usize = 2000;
/// Bytes of one compiled pattern.
const MAX_BYTES: usize = 2 << 20;
/// Bytes of the states that a search may cache.
const SEARCH_CACHE: usize = 512 * 1024;
/// Patterns whose caches are kept during an extraction.
const MAX_CACHES: usize = 16;
/// Bytes of the text times bytes of the compiled pattern that one search examines at most: bounds the time between two
/// checks of the deadline.
const MAX_SEARCH: usize = 1 << 34;
/// Bytes before the end of a searched part in which it may end at white space instead.
const NEAR_END: usize = 4096;

/// A compiled regular expression.
pub(crate) struct Pattern {
    regex: Regex,
}

/// What searches with up to [`MAX_CACHES`] patterns reuse, by the address of the pattern.
#[derive(Default)]
pub(super) struct SearchCaches(HashMap<*const Pattern, Cache>);

impl SearchCaches {
    fn of(&mut self, pattern: &Pattern) -> &mut Cache {
        let key = std::ptr::from_ref(pattern);
        if self.0.len() >= MAX_CACHES && !self.0.contains_key(&key) {
            self.0.clear();
        }
        self.0.entry(key).or_insert_with(|| pattern.regex.create_cache())
    }
}

impl Pattern {
    /// `ignore_case` also lets `^` and `$` match at line ends. `None`: the compiled form has more than `bytes_left`.
    pub(crate) fn compile(text: &str, ignore_case: bool, bytes_left: usize) -> Result<Option<Self>, String> {
        if text.len() > MAX_PATTERN {
            return Err(format!("is longer than {MAX_PATTERN} bytes"));
        }
        let limit = MAX_BYTES.min(bytes_left);
        let config = Config::new()
            .nfa_size_limit(Some(limit))
            .onepass_size_limit(Some(limit.min(64 * 1024)))
            .hybrid_cache_capacity(SEARCH_CACHE);
        let syntax = syntax::Config::new().case_insensitive(ignore_case).multi_line(ignore_case);
        match Regex::builder().configure(config).syntax(syntax).build(text) {
            Ok(regex) => Ok(Some(Self { regex })),
            Err(error) if error.size_limit().is_some() && bytes_left < MAX_BYTES => Ok(None),
            Err(error) => Err(format!("is not a valid regular expression: {}", reason(&error))),
        }
    }

    /// Bytes of the compiled form.
    pub(crate) fn bytes(&self) -> usize {
        self.regex.memory_usage()
    }

    /// The number of a named group.
    pub(super) fn group_number(&self, name: &str) -> Option<usize> {
        self.regex.group_info().to_index(PatternID::ZERO, name)
    }

    /// Groups, including the whole match.
    pub(super) fn group_count(&self) -> usize {
        self.regex.captures_len()
    }

    /// The text of a group in the first match.
    pub(super) fn capture<'t>(
        &self,
        group: usize,
        text: &'t str,
        caches: &mut SearchCaches,
        budget: &Budget,
    ) -> Result<Option<&'t str>, ReadError> {
        let cache = caches.of(self);
        let mut captures = self.regex.create_captures();
        for part in self.parts(text) {
            budget.work.spend_bytes(part.len());
            budget.check_clock()?;
            self.regex.search_captures_with(cache, &Input::new(text).range(part), &mut captures);
            if captures.is_match() {
                return Ok(captures.get_group(group).map(|Span { start, end }| &text[start..end]));
            }
        }
        Ok(None)
    }

    /// Calls `found` with each match that is not empty, until it returns false.
    pub(super) fn each_match(
        &self,
        text: &str,
        caches: &mut SearchCaches,
        budget: &Budget,
        mut found: impl FnMut(Range<usize>) -> bool,
    ) -> Result<(), ReadError> {
        let cache = caches.of(self);
        for Range { mut start, end } in self.parts(text) {
            budget.work.spend_bytes(end - start);
            budget.check_clock()?;
            while let Some(next) = self.regex.search_with(cache, &Input::new(text).range(start..end)) {
                budget.step()?;
                if !next.is_empty() {
                    start = next.end();
                    if !found(next.range()) {
                        return Ok(());
                    }
                } else if next.end() < end {
                    start = text.ceil_char_boundary(next.end() + 1);
                } else {
                    break;
                }
            }
        }
        Ok(())
    }

    /// The parts of a text that are searched one after the other. An ordinary pattern searches most texts in one part.
    fn parts<'t>(&self, text: &'t str) -> impl Iterator<Item = Range<usize>> + use<'t> {
        let max = (MAX_SEARCH / self.bytes().max(1)).max(4 * NEAR_END);
        let mut start = 0;
        std::iter::from_fn(move || {
            if start == text.len() && start > 0 || start > text.len() {
                return None;
            }
            let mut end = text.floor_char_boundary(start.saturating_add(max));
            if end < text.len() {
                let near = text.floor_char_boundary(end - NEAR_END);
                end = text[near..end].rfind(char::is_whitespace).map_or(end, |at| near + at);
            }
            let part = start..end;
            start = if end == 0 { 1 } else { end };
            Some(part)
        })
    }
}

fn reason(error: &BuildError) -> String {
    let text = match error.syntax_error() {
        Some(error) => error.to_string(),
        None if error.size_limit().is_some() => {
            format!("its compiled form has more than {} MiB", MAX_BYTES >> 20)
        }
        None => error.to_string(),
    };
    text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Limits;

    fn pattern(text: &str) -> Pattern {
        Pattern::compile(text, false, usize::MAX).expect("it is valid").expect("it is small")
    }

    #[test]
    fn long_texts_are_searched_in_parts_that_end_at_white_space() {
        let (pattern, text) = (pattern(r"[a-z]{1,2000}"), "word ".repeat(1 << 20));
        let parts: Vec<_> = pattern.parts(&text).collect();
        assert!(parts.len() > 2, "{}", parts.len());
        assert!(parts.windows(2).all(|pair| pair[0].end == pair[1].start && text[pair[1].start..].starts_with(' ')));
        assert_eq!(parts.last().map(|part| part.end), Some(text.len()));
        let mut count = 0;
        let budget = Budget::start(&Limits::default());
        let all = pattern.each_match(&text, &mut SearchCaches::default(), &budget, |found| {
            count += usize::from(found.len() == 4);
            true
        });
        assert_eq!((all, count), (Ok(()), 1 << 20));
    }

    #[test]
    fn empty_matches_and_texts_end_the_search() {
        let budget = Budget::start(&Limits::default());
        for text in ["", "é", "aé "] {
            let mut found = Vec::new();
            let searched = pattern("a*").each_match(text, &mut SearchCaches::default(), &budget, |at| {
                found.push(at);
                true
            });
            assert_eq!((searched, found.len()), (Ok(()), text.matches('a').count()), "{text}");
        }
    }

    #[test]
    fn deadline_ends_an_expensive_search() {
        let limits = Limits { deadline: Some(std::time::Duration::ZERO), ..Limits::default() };
        let budget = Budget::start(&limits);
        let found = pattern("b").capture(0, "aab", &mut SearchCaches::default(), &budget);
        assert_eq!(found, Err(ReadError::Deadline { limit: std::time::Duration::ZERO }));
    }
}
