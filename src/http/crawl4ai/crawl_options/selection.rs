//! Setters of the keys that say which parts of a page count.

use opilio_page::{Selection, validate_css_selector};

use super::normalize::is_empty;
use super::parser::{GivenValue, Parser};
use super::value::text;
use crate::http::field_error::InvalidValue;

/// More entries of a list than anybody writes.
const MAX_ENTRIES: usize = 1000;

impl Parser {
    /// Sets a part of the selection that is on or off.
    pub fn selects(&mut self, given: &GivenValue<'_>, part: fn(&mut Selection) -> &mut bool) {
        if let Some(on) = self.checked(&given.place, given.flag()) {
            *part(&mut self.builder.options.page.selection) = on;
        }
    }

    /// Sets a selector; blank is none.
    pub fn selector(&mut self, given: &GivenValue<'_>, part: fn(&mut Selection) -> &mut Option<String>) {
        let Some(selector) = self.checked(&given.place, given.text()) else { return };
        if selector.trim().is_empty() {
            return;
        }
        if self.checked(&given.place, validate_css_selector(selector).map_err(InvalidValue::value)).is_some() {
            *part(&mut self.builder.options.page.selection) = Some(selector.to_owned());
        }
    }

    /// Sets a list of names; blank ones are left out.
    pub fn names(&mut self, given: &GivenValue<'_>, part: fn(&mut Selection) -> &mut Vec<String>) {
        if let Some(names) = self.texts(given, |_| Ok(())) {
            *part(&mut self.builder.options.page.selection) = names;
        }
    }

    /// A list of texts, or one, each checked; all that is wrong is noted.
    fn texts(&mut self, given: &GivenValue<'_>, check: fn(&str) -> Result<(), String>) -> Option<Vec<String>> {
        let items = match given.value.is_string() {
            true => std::slice::from_ref(given.value),
            false => self.checked(&given.place, given.list())?,
        };
        if items.len() > MAX_ENTRIES {
            self.fail(&given.place, InvalidValue::new("too_long", format!("must have at most {MAX_ENTRIES} entries")));
            return None;
        }
        let errors = self.errors.len();
        let mut texts = Vec::new();
        for (index, item) in items.iter().enumerate().filter(|(_, item)| !is_empty(item)) {
            let place = given.place.child(index);
            let entry =
                text(item).and_then(|text| check(text).map(|()| text.trim().to_owned()).map_err(InvalidValue::value));
            texts.extend(self.checked(&place, entry));
        }
        (self.errors.len() == errors).then_some(texts)
    }
}

pub fn target_elements(parser: &mut Parser, given: &GivenValue<'_>) {
    if let Some(targets) = parser.texts(given, validate_css_selector) {
        parser.builder.options.page.selection.target_elements = targets;
    }
}

/// The peer's default is a list of its own, which is always there.
pub fn social_media_domains(parser: &mut Parser, given: &GivenValue<'_>) {
    if !given.is_default() {
        parser.names(given, |selection| &mut selection.social_media_domains);
    }
}

pub fn word_count_threshold(parser: &mut Parser, given: &GivenValue<'_>) {
    if let Some(words) = parser.checked(&given.place, given.integer(0..=100_000)) {
        parser.builder.options.page.selection.word_count_threshold = if words > 1 { words } else { 0 };
    }
}

pub fn image_description_words(parser: &mut Parser, given: &GivenValue<'_>) {
    if let Some(words) = parser.checked(&given.place, given.integer(0..=1000)) {
        parser.builder.options.page.image_description_min_words = if words > 1 { words } else { 0 };
    }
}

/// The peer's default counts as absent.
pub fn table_score_threshold(parser: &mut Parser, given: &GivenValue<'_>) {
    if let Some(score) = parser.checked(&given.place, given.integer(0..=1000)) {
        parser.builder.options.page.table_score_threshold = Some(score).filter(|_| !given.is_default());
    }
}

pub fn score_links(parser: &mut Parser, given: &GivenValue<'_>) {
    if let Some(on) = parser.checked(&given.place, given.flag()) {
        parser.builder.options.page.score_links = on;
    }
}

pub fn check_robots_txt(parser: &mut Parser, given: &GivenValue<'_>) {
    if let Some(on) = parser.checked(&given.place, given.flag()) {
        parser.builder.options.fetch.check_robots_txt = on;
    }
}
