//! Setters for selectors and lists of names.

use super::builder::OptionsBuilder;
use super::normalize::is_empty;
use super::value::{GivenValue, text};
use crate::http::crawl4ai::report::Report;
use crate::http::field_error::InvalidValue;

/// Entries of one list.
const MAX_ENTRIES: usize = 1000;

/// Stores a CSS selector. A blank one is ignored.
pub fn selector(target: &mut Option<String>, given: &GivenValue<'_>, report: &mut Report) {
    let Some(selector) = report.check(&given.path, given.text()).filter(|text| !text.trim().is_empty()) else { return };
    let compiled = report.compiler().check_css_selector(selector).map_err(InvalidValue::value);
    if report.check(&given.path, compiled).is_some() {
        *target = Some(selector.to_owned());
    }
}

/// Stores a list of names, also separated by commas. Blank ones are left out.
pub fn names(target: &mut Vec<String>, given: &GivenValue<'_>, report: &mut Report) {
    if let Some(texts) = texts(given, |_, _| Ok(()), report) {
        let names = texts.iter().flat_map(|text| text.split(',')).map(str::trim);
        *target = names.filter(|name| !name.is_empty()).map(str::to_owned).collect();
    }
}

/// A list of strings, each of which passes `check`. `None`: there are errors.
fn texts(
    given: &GivenValue<'_>,
    check: fn(&str, &Report) -> Result<(), String>,
    report: &mut Report,
) -> Option<Vec<String>> {
    let items = report.check(&given.path, given.list())?;
    if items.len() > MAX_ENTRIES {
        let msg = format!("must have at most {MAX_ENTRIES} entries");
        report.fail(&given.path, InvalidValue::new("too_long", msg));
        return None;
    }
    let errors = report.error_count();
    let mut texts = Vec::new();
    for (index, item) in items.iter().enumerate().filter(|(_, item)| !is_empty(item)) {
        let entry = text(item).and_then(|text| match check(text, report) {
            Ok(()) => Ok(text.trim().to_owned()),
            Err(reason) => Err(InvalidValue::value(reason)),
        });
        texts.extend(report.check(&given.path.child(index), entry));
    }
    (report.error_count() == errors).then_some(texts)
}

pub fn target_elements(builder: &mut OptionsBuilder, given: &GivenValue<'_>, report: &mut Report) {
    if let Some(selectors) = texts(given, |text, report| report.compiler().check_css_selector(text), report) {
        builder.selection().target_elements = selectors;
    }
}

/// Crawl4AI's default is the built-in list, to which the domains of the request are added.
pub fn social_media_domains(builder: &mut OptionsBuilder, given: &GivenValue<'_>, report: &mut Report) {
    if !given.is_default {
        names(&mut builder.selection().social_media_domains, given, report);
    }
}
