//! The `headers` of `browser_config`.

use opilio_actors::domain::secret::Secret;
use serde_json::Value;

use super::parser::{GivenValue, Parser};
use super::value::text;
use crate::http::field_error::{FieldPath, InvalidValue};
use crate::http::header_rules;

/// What the peer's client adds to the headers by itself, for the user agent of its defaults.
const PEERS_HINT: &str = r#""Chromium";v="116", "Not_A Brand";v="8", "Google Chrome";v="116""#;

pub fn set(parser: &mut Parser, given: &GivenValue<'_>) {
    let Some(headers) = parser.checked(&given.place, given.map()) else { return };
    let chosen: Vec<_> =
        headers.iter().filter(|(name, value)| !value.is_null() && !is_peers_own(name, value)).collect();
    if chosen.len() > header_rules::MAX_HEADERS {
        let most = format!("at most {} headers", header_rules::MAX_HEADERS);
        return parser.fail(&given.place, InvalidValue::new("too_long", most));
    }
    for (name, value) in chosen {
        let place = given.place.child(name.as_str());
        let value = text(value).map(str::trim).and_then(|value| {
            header_rules::check(name, value, &[]).map_err(InvalidValue::value)?;
            Ok(value)
        });
        if let Some(value) = parser.checked(&place, value) {
            put(parser, &place, name.to_ascii_lowercase(), value);
        }
    }
}

/// Nobody chose this one. The client also makes it, empty, for user agents that it does not know.
fn is_peers_own(name: &str, value: &Value) -> bool {
    name.eq_ignore_ascii_case("sec-ch-ua") && [PEERS_HINT, "", "\"\""].iter().any(|own| value == own)
}

fn put(parser: &mut Parser, place: &FieldPath, name: String, value: &str) {
    let headers = &mut parser.builder.options.fetch.headers;
    match name.as_str() {
        "user-agent" => parser.builder.header_user_agent = Some(value.to_owned()).filter(|value| !value.is_empty()),
        "accept-encoding" => parser.warn(place, "encodings are negotiated by the fetcher, and undone"),
        _ if headers.iter().any(|(other, _)| *other == name) => {
            parser.fail(place, InvalidValue::value("is there twice, in different case"));
        }
        _ => headers.push((name, Secret::new(value))),
    }
}
