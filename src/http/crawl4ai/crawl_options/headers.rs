//! `headers` of `browser_config`.

use opilio_actors::domain::secret::Secret;
use serde_json::Value;

use super::builder::OptionsBuilder;
use super::value::{GivenValue, text};
use crate::http::crawl4ai::report::Report;
use crate::http::field_error::{FieldPath, InvalidValue};
use crate::http::header_rules;

/// `sec-ch-ua` that Crawl4AI's client adds for the user agent of its defaults.
const CRAWL4AI_CLIENT_HINT: &str = r#""Chromium";v="116", "Not_A Brand";v="8", "Google Chrome";v="116""#;

pub fn set(builder: &mut OptionsBuilder, given: &GivenValue<'_>, report: &mut Report) {
    let Some(headers) = report.check(&given.path, given.map()) else { return };
    let headers: Vec<_> =
        headers.iter().filter(|(name, value)| !value.is_null() && !is_client_hint(name, value)).collect();
    if headers.len() > header_rules::MAX_HEADERS {
        let msg = format!("must have at most {} headers", header_rules::MAX_HEADERS);
        return report.fail(&given.path, InvalidValue::new("too_long", msg));
    }
    for (name, value) in headers {
        let path = given.path.child(name.as_str());
        let value = text(value).map(str::trim).and_then(|value| {
            header_rules::check(name, value, &[]).map_err(InvalidValue::value)?;
            Ok(value)
        });
        if let Some(value) = report.check(&path, value) {
            add(builder, name.to_ascii_lowercase(), value, &path, report);
        }
    }
}

/// Added by Crawl4AI's client, not by the user. For an unknown user agent the client sends it empty.
fn is_client_hint(name: &str, value: &Value) -> bool {
    name.eq_ignore_ascii_case("sec-ch-ua") && [CRAWL4AI_CLIENT_HINT, "", "\"\""].iter().any(|hint| value == hint)
}

fn add(builder: &mut OptionsBuilder, name: String, value: &str, path: &FieldPath, report: &mut Report) {
    let headers = &mut builder.options.fetch.headers;
    match name.as_str() {
        "user-agent" => builder.header_user_agent = Some(value.to_owned()).filter(|value| !value.is_empty()),
        "accept-encoding" => report.warn(path, "the server negotiates and decodes content encodings itself"),
        _ if headers.iter().any(|(other, _)| *other == name) => {
            report.fail(path, InvalidValue::value("is a duplicate of a header in another case"));
        }
        _ => headers.push((name, Secret::new(value))),
    }
}
