//! Where the honoured keys go, but for headers and cookies.

use std::num::NonZeroUsize;
use std::time::Duration;

use url::Url;

use super::given::within;
use super::key::Section;
use super::plain::typed;
use super::reading::{Given, Reading};
use super::report::Fault;
use crate::http::header_rules;

const DAY_MS: f64 = 86_400_000.0;

/// The peer's default is a browser's name, which nobody chose.
pub fn browser_user_agent(reading: &mut Reading, given: &Given<'_>) {
    if !given.is_default() {
        reading.draft.browser_user_agent = user_agent(reading, given);
    }
}

pub fn crawler_user_agent(reading: &mut Reading, given: &Given<'_>) {
    reading.draft.crawler_user_agent = user_agent(reading, given);
}

fn user_agent(reading: &mut Reading, given: &Given<'_>) -> Option<String> {
    let text = reading.checked(&given.place, given.text())?.trim();
    reading.checked(&given.place, header_rules::check("user-agent", text, &[]).map_err(Fault::value))?;
    Some(text.to_owned()).filter(|text| !text.is_empty())
}

/// A language tag by its looks (RFC 5646), also with underscores.
pub fn locale(reading: &mut Reading, given: &Given<'_>) {
    let Some(text) = reading.checked(&given.place, given.text()) else { return };
    let tag = text.trim().replace('_', "-");
    let is_part = |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if tag.len() <= 64 && tag.split('-').all(is_part) {
        reading.draft.locale = Some(tag);
    } else if !tag.is_empty() {
        reading.fail(&given.place, Fault::value("must be a language tag, such as de-CH"));
    }
}

/// In milliseconds; nothing: the operator's choice.
pub fn page_timeout(reading: &mut Reading, given: &Given<'_>) {
    let number = given.number().and_then(|number| within(number, 0.0, DAY_MS));
    if let Some(ms) = reading.checked(&given.place, number) {
        let timeout = Duration::from_secs_f64(ms / 1000.0);
        reading.draft.options.fetch.page_timeout = Some(timeout).filter(|timeout| !timeout.is_zero());
    }
}

pub fn max_retries(reading: &mut Reading, given: &Given<'_>) {
    if let Some(count) = reading.checked(&given.place, given.integer(0..=100)) {
        reading.draft.options.fetch.max_retries = Some(count);
    }
}

pub fn semaphore_count(reading: &mut Reading, given: &Given<'_>) {
    if let Some(count) = reading.checked(&given.place, given.integer(1..=1_000_000)) {
        reading.draft.options.concurrency = usize::try_from(count).ok().and_then(NonZeroUsize::new);
    }
}

/// Its value has been checked to be a mode.
pub fn cache_mode(reading: &mut Reading, given: &Given<'_>) {
    let mode = given.value.as_str().unwrap_or_default();
    let cache = &mut reading.draft.options.cache;
    cache.read = matches!(mode, "enabled" | "read_only");
    cache.write = matches!(mode, "enabled" | "write_only");
}

pub fn check_cache_freshness(reading: &mut Reading, given: &Given<'_>) {
    if let Some(check) = reading.checked(&given.place, given.flag()) {
        reading.draft.options.cache.check = check;
    }
}

/// The peer's default would leave out more than decoration, and nobody chose it.
pub fn image_score_threshold(reading: &mut Reading, given: &Given<'_>) {
    let score = reading.checked(&given.place, given.integer(0..=1000));
    if let Some(score) = score.filter(|_| !given.is_default()) {
        reading.draft.options.page.image_score_threshold = score;
    }
}

pub fn base_url(reading: &mut Reading, given: &Given<'_>) {
    let Some(text) = reading.checked(&given.place, given.text()).filter(|text| !text.trim().is_empty()) else { return };
    match Url::parse(text.trim()) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => reading.draft.options.base_url = Some(url),
        _ => reading.fail(&given.place, Fault::value("must be an absolute http or https address")),
    }
}

/// Its type has been checked, if there is one.
pub fn markdown_generator(reading: &mut Reading, given: &Given<'_>) {
    match typed(given.value) {
        Some(_) => reading.section(Section::Generator, given.value, &given.place),
        None => {
            let form = r#"must be {"type": "DefaultMarkdownGenerator", "params": {…}}"#;
            reading.fail(&given.place, Fault::value(form));
        }
    }
}

pub fn generator_options(reading: &mut Reading, given: &Given<'_>) {
    reading.section(Section::GeneratorOptions, given.value, &given.place);
}

pub fn body_width(reading: &mut Reading, given: &Given<'_>) {
    let width = reading.checked(&given.place, given.integer(0..=100_000));
    if let Some(width) = width.and_then(|width| usize::try_from(width).ok()) {
        reading.draft.options.page.markdown.body_width = width;
    }
}
