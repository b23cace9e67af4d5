//! Setters for single values.

use std::num::NonZeroUsize;
use std::time::Duration;

use opilio_actors::domain::engine::Engine;
use serde_json::Value;
use url::Url;

use super::builder::OptionsBuilder;
use super::url_matcher::parse_pattern;
use super::value::GivenValue;
use crate::http::crawl4ai::report::Report;
use crate::http::field_error::InvalidValue;
use crate::http::header_rules;

/// Bytes of a parsed glob pattern per byte of its text.
const BYTES_PER_PATTERN_BYTE: usize = 64;
const DAY_MS: f64 = 86_400_000.0;
/// A microsecond.
const MIN_TIMEOUT_MS: f64 = 0.001;

/// Stores a boolean.
pub fn flag(target: &mut bool, given: &GivenValue<'_>, report: &mut Report) {
    if let Some(flag) = report.check(&given.path, given.flag()) {
        *target = flag;
    }
}

/// Stores a minimum number of words. 0 and 1 mean none.
pub fn min_words(target: &mut u32, max: u32, given: &GivenValue<'_>, report: &mut Report) {
    if let Some(words) = report.check(&given.path, given.number(0.0..=f64::from(max))) {
        *target = if words > 1.0 { words.ceil() as u32 } else { 0 };
    }
}

/// Crawl4AI's default counts as absent: its client sends it without being asked.
pub fn browser_user_agent(builder: &mut OptionsBuilder, given: &GivenValue<'_>, report: &mut Report) {
    if !given.is_default {
        builder.browser_user_agent = user_agent(given, report);
    }
}

pub fn crawler_user_agent(builder: &mut OptionsBuilder, given: &GivenValue<'_>, report: &mut Report) {
    builder.crawler_user_agent = user_agent(given, report);
}

fn user_agent(given: &GivenValue<'_>, report: &mut Report) -> Option<String> {
    let text = report.check(&given.path, given.text())?.trim();
    let checked = header_rules::check("user-agent", text, &[]).map_err(InvalidValue::value);
    report.check(&given.path, checked)?;
    Some(text.to_owned()).filter(|text| !text.is_empty())
}

/// A well-formed language tag (RFC 5646), also with underscores.
pub fn locale(builder: &mut OptionsBuilder, given: &GivenValue<'_>, report: &mut Report) {
    let Some(text) = report.check(&given.path, given.text()) else { return };
    let tag = text.trim().replace('_', "-");
    let is_subtag = |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if tag.len() <= 64 && tag.split('-').all(is_subtag) {
        builder.locale = Some(tag);
    } else if !tag.is_empty() {
        report.fail(&given.path, InvalidValue::value("must be a language tag, such as de-CH"));
    }
}

/// In milliseconds. 0 is the operator's ceiling, which also bounds larger values.
pub fn page_timeout(builder: &mut OptionsBuilder, given: &GivenValue<'_>, report: &mut Report) {
    let ms = given.number(0.0..=f64::MAX).and_then(|ms| {
        let is_too_short = ms > 0.0 && ms < MIN_TIMEOUT_MS;
        let error = || InvalidValue::new("greater_than_equal", format!("must be 0 or at least {MIN_TIMEOUT_MS}"));
        if is_too_short { Err(error()) } else { Ok(ms) }
    });
    if let Some(ms) = report.check(&given.path, ms) {
        let timeout = Duration::from_secs_f64(ms.min(DAY_MS) / 1000.0);
        builder.options.fetch.page_timeout = Some(timeout);
    }
}

pub fn max_retries(builder: &mut OptionsBuilder, given: &GivenValue<'_>, report: &mut Report) {
    if let Some(count) = report.check(&given.path, given.integer(0..=u32::MAX)) {
        builder.options.fetch.max_retries = Some(count);
    }
}

pub fn semaphore_count(builder: &mut OptionsBuilder, given: &GivenValue<'_>, report: &mut Report) {
    if let Some(count) = report.check(&given.path, given.integer(1..=u32::MAX)) {
        builder.options.concurrency = usize::try_from(count).ok().and_then(NonZeroUsize::new);
    }
}

/// The value is an engine: the parser has checked it.
pub fn engine(builder: &mut OptionsBuilder, given: &GivenValue<'_>, _: &mut Report) {
    builder.options.fetch.engine = given.value.as_str().and_then(Engine::parse);
}

/// A page whose scripts are not run is the page as it is sent.
pub fn java_script_enabled(builder: &mut OptionsBuilder, given: &GivenValue<'_>, report: &mut Report) {
    if let Some(enabled) = report.check(&given.path, given.flag()) {
        builder.scripts_disabled = !enabled;
    }
}

/// The value is a cache mode: the parser has checked it.
pub fn cache_mode(builder: &mut OptionsBuilder, given: &GivenValue<'_>, _: &mut Report) {
    let mode = given.value.as_str().unwrap_or_default();
    let cache = &mut builder.options.cache;
    cache.read = matches!(mode, "enabled" | "read_only");
    cache.write = matches!(mode, "enabled" | "write_only");
}

/// Crawl4AI's default counts as absent, because it would leave out content images.
pub fn image_score_threshold(builder: &mut OptionsBuilder, given: &GivenValue<'_>, report: &mut Report) {
    let score = report.check(&given.path, given.number(0.0..=1000.0));
    if let Some(score) = score.filter(|_| !given.is_default) {
        // Scores are whole: one that exceeds 0.5 exceeds 0.
        builder.options.page.image_score_threshold = score.floor() as u32;
    }
}

/// Crawl4AI's default counts as absent.
pub fn table_score_threshold(builder: &mut OptionsBuilder, given: &GivenValue<'_>, report: &mut Report) {
    if let Some(score) = report.check(&given.path, given.number(0.0..=1000.0)) {
        builder.options.page.table_score_threshold = Some(score.ceil() as u32).filter(|_| !given.is_default);
    }
}

pub fn base_url(builder: &mut OptionsBuilder, given: &GivenValue<'_>, report: &mut Report) {
    let Some(text) = report.check(&given.path, given.text()).filter(|text| !text.trim().is_empty()) else { return };
    match Url::parse(text.trim()) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => builder.options.base_url = Some(url),
        _ => report.fail(&given.path, InvalidValue::value("must be an absolute http or https URL")),
    }
}

pub fn body_width(builder: &mut OptionsBuilder, given: &GivenValue<'_>, report: &mut Report) {
    let width = report.check(&given.path, given.integer(0..=100_000));
    if let Some(width) = width.and_then(|width| usize::try_from(width).ok()) {
        builder.markdown().body_width = width;
    }
}

pub fn stream(builder: &mut OptionsBuilder, given: &GivenValue<'_>, report: &mut Report) {
    flag(&mut builder.stream, given, report);
}

/// One pattern, or a list of patterns.
pub fn url_matcher(builder: &mut OptionsBuilder, given: &GivenValue<'_>, report: &mut Report) {
    let items = given.value.as_array().map_or(std::slice::from_ref(given.value), Vec::as_slice);
    let bytes: usize = items.iter().filter_map(Value::as_str).map(str::len).sum();
    let within_budget = report.compiler().charge(bytes * BYTES_PER_PATTERN_BYTE).map_err(InvalidValue::value);
    if report.check(&given.path, within_budget).is_none() {
        return;
    }
    let patterns: Option<Vec<_>> = items.iter().map(|item| parse_pattern(item.as_str()?)).collect();
    let error = || {
        let form = "must be a pattern such as *.example.com/*, or a list of them, each with at most 1024 bytes and 32 \
                    asterisks";
        InvalidValue::value(form)
    };
    builder.url_patterns = report.check(&given.path, patterns.ok_or_else(error));
}

/// The value is a match mode: the parser has checked it.
pub fn match_mode(builder: &mut OptionsBuilder, given: &GivenValue<'_>, _: &mut Report) {
    builder.match_all = given.value == "and";
}
