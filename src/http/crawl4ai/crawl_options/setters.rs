//! Where the honoured keys go, but for headers and cookies.

use std::num::NonZeroUsize;
use std::time::Duration;

use url::Url;

use super::normalize::typed;
use super::parser::{GivenValue, Parser};
use super::table::Section;
use super::value::within;
use crate::http::field_error::InvalidValue;
use crate::http::header_rules;

const DAY_MS: f64 = 86_400_000.0;

/// The peer's default is a browser's name, which nobody chose.
pub fn browser_user_agent(parser: &mut Parser, given: &GivenValue<'_>) {
    if !given.is_default() {
        parser.builder.browser_user_agent = user_agent(parser, given);
    }
}

pub fn crawler_user_agent(parser: &mut Parser, given: &GivenValue<'_>) {
    parser.builder.crawler_user_agent = user_agent(parser, given);
}

fn user_agent(parser: &mut Parser, given: &GivenValue<'_>) -> Option<String> {
    let text = parser.checked(&given.place, given.text())?.trim();
    parser.checked(&given.place, header_rules::check("user-agent", text, &[]).map_err(InvalidValue::value))?;
    Some(text.to_owned()).filter(|text| !text.is_empty())
}

/// A language tag by its looks (RFC 5646), also with underscores.
pub fn locale(parser: &mut Parser, given: &GivenValue<'_>) {
    let Some(text) = parser.checked(&given.place, given.text()) else { return };
    let tag = text.trim().replace('_', "-");
    let is_part = |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if tag.len() <= 64 && tag.split('-').all(is_part) {
        parser.builder.locale = Some(tag);
    } else if !tag.is_empty() {
        parser.fail(&given.place, InvalidValue::value("must be a language tag, such as de-CH"));
    }
}

/// In milliseconds; nothing: the operator's choice.
pub fn page_timeout(parser: &mut Parser, given: &GivenValue<'_>) {
    let number = given.number().and_then(|number| within(number, 0.0, DAY_MS));
    if let Some(ms) = parser.checked(&given.place, number) {
        let timeout = Duration::from_secs_f64(ms / 1000.0);
        parser.builder.options.fetch.page_timeout = Some(timeout).filter(|timeout| !timeout.is_zero());
    }
}

pub fn max_retries(parser: &mut Parser, given: &GivenValue<'_>) {
    if let Some(count) = parser.checked(&given.place, given.integer(0..=100)) {
        parser.builder.options.fetch.max_retries = Some(count);
    }
}

pub fn semaphore_count(parser: &mut Parser, given: &GivenValue<'_>) {
    if let Some(count) = parser.checked(&given.place, given.integer(1..=1_000_000)) {
        parser.builder.options.concurrency = usize::try_from(count).ok().and_then(NonZeroUsize::new);
    }
}

/// Its value has been checked to be a mode.
pub fn cache_mode(parser: &mut Parser, given: &GivenValue<'_>) {
    let mode = given.value.as_str().unwrap_or_default();
    let cache = &mut parser.builder.options.cache;
    cache.read = matches!(mode, "enabled" | "read_only");
    cache.write = matches!(mode, "enabled" | "write_only");
}

pub fn check_cache_freshness(parser: &mut Parser, given: &GivenValue<'_>) {
    if let Some(check) = parser.checked(&given.place, given.flag()) {
        parser.builder.options.cache.revalidate = check;
    }
}

/// The peer's default would leave out more than decoration, and nobody chose it.
pub fn image_score_threshold(parser: &mut Parser, given: &GivenValue<'_>) {
    let score = parser.checked(&given.place, given.integer(0..=1000));
    if let Some(score) = score.filter(|_| !given.is_default()) {
        parser.builder.options.page.image_score_threshold = score;
    }
}

pub fn base_url(parser: &mut Parser, given: &GivenValue<'_>) {
    let Some(text) = parser.checked(&given.place, given.text()).filter(|text| !text.trim().is_empty()) else { return };
    match Url::parse(text.trim()) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => parser.builder.options.base_url = Some(url),
        _ => parser.fail(&given.place, InvalidValue::value("must be an absolute http or https address")),
    }
}

/// Its type has been checked, if there is one.
pub fn markdown_generator(parser: &mut Parser, given: &GivenValue<'_>) {
    match typed(given.value) {
        Some(_) => parser.section(Section::Generator, given.value, &given.place),
        None => {
            let form = r#"must be {"type": "DefaultMarkdownGenerator", "params": {…}}"#;
            parser.fail(&given.place, InvalidValue::value(form));
        }
    }
}

pub fn generator_options(parser: &mut Parser, given: &GivenValue<'_>) {
    parser.section(Section::GeneratorOptions, given.value, &given.place);
}

pub fn body_width(parser: &mut Parser, given: &GivenValue<'_>) {
    let width = parser.checked(&given.place, given.integer(0..=100_000));
    if let Some(width) = width.and_then(|width| usize::try_from(width).ok()) {
        parser.builder.options.page.markdown.body_width = width;
    }
}
