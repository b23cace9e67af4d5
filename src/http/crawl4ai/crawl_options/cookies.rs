//! The `cookies` of `browser_config`, in the form that Playwright has for them.

use opilio_actors::domain::crawl_options::Cookie;
use opilio_actors::domain::secret::Secret;
use serde_json::{Map, Value};
use url::{Host, Url};

use super::parser::{GivenValue, Parser};
use super::value::{map, text};
use crate::http::field_error::{FieldPath, InvalidValue};
use crate::http::header_rules;

const MAX_COOKIES: usize = 300;
/// As of a header's value.
const MAX_VALUE: usize = 2048;
/// The first six are read; the others mean nothing to a request.
const FIELDS: [&str; 12] = [
    "name",
    "value",
    "url",
    "domain",
    "path",
    "secure",
    "expires",
    "httpOnly",
    "sameSite",
    "priority",
    "partitionKey",
    "sameParty",
];

/// The domain, whether it is for that host only, the path, and whether it is secure.
struct Scope(String, bool, String, bool);

pub fn set(parser: &mut Parser, given: &GivenValue<'_>) {
    let Some(cookies) = parser.checked(&given.place, given.list()) else { return };
    if cookies.len() > MAX_COOKIES {
        return parser.fail(&given.place, InvalidValue::new("too_long", format!("at most {MAX_COOKIES} cookies")));
    }
    for (index, cookie) in cookies.iter().enumerate() {
        let place = given.place.child(index);
        if let Some(cookie) = parser.checked(&place, map(cookie)) {
            read(parser, &place, cookie);
        }
    }
}

fn read(parser: &mut Parser, place: &FieldPath, cookie: &Map<String, Value>) {
    for field in cookie.keys().filter(|field| !FIELDS.contains(&field.as_str())) {
        parser.unknown(place.child(field.as_str()), || "a cookie has no such field".to_owned());
    }
    let field = |name: &str| cookie.get(name).filter(|value| !value.is_null());
    let missing = Err(InvalidValue::new("missing", "is missing"));
    let name = field("name").map_or(missing.clone(), text).and_then(checked_name);
    let name = parser.checked(&place.child("name"), name);
    let value = field("value").map_or(missing, text).and_then(checked_value);
    let value = parser.checked(&place.child("value"), value);
    let scope = scope(parser, place, &field);
    if let (Some(name), Some(value), Some(Scope(domain, host_only, path, secure))) = (name, value, scope) {
        let cookie = Cookie { name: name.to_owned(), value: Secret::new(value), domain, host_only, path, secure };
        parser.builder.options.fetch.cookies.push(cookie);
    }
}

fn scope<'v>(parser: &mut Parser, place: &FieldPath, field: &impl Fn(&str) -> Option<&'v Value>) -> Option<Scope> {
    let Scope(domain, host_only, path, secure) = match (field("url"), field("domain")) {
        (Some(url), _) => parser.checked(&place.child("url"), text(url).and_then(scope_of_url))?,
        (None, Some(domain)) => parser.checked(&place.child("domain"), text(domain).and_then(scope_of_domain))?,
        (None, None) => {
            parser.fail(place, InvalidValue::value("needs a url or a domain, so that it is sent nowhere else"));
            return None;
        }
    };
    let path = match field("path") {
        Some(given) => parser.checked(&place.child("path"), text(given).and_then(checked_path))?.to_owned(),
        None => path,
    };
    let not_bool = || InvalidValue::new("bool_type", "must be true or false");
    let secure = match field("secure") {
        Some(given) => parser.checked(&place.child("secure"), given.as_bool().ok_or_else(not_bool))?,
        None => secure,
    };
    Some(Scope(domain, host_only, path, secure))
}

fn scope_of_url(raw: &str) -> Result<Scope, InvalidValue> {
    let url = Url::parse(raw.trim()).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    let url = url.ok_or_else(|| InvalidValue::value("must be an absolute http or https address"))?;
    let directory = url.path().rfind('/').map_or("/", |end| &url.path()[..=end]);
    let domain = url.host_str().unwrap_or_default().to_owned();
    Ok(Scope(domain, true, directory.to_owned(), url.scheme() == "https"))
}

/// A leading dot takes in the hosts below.
fn scope_of_domain(raw: &str) -> Result<Scope, InvalidValue> {
    let (host_only, name) = match raw.trim().strip_prefix('.') {
        Some(name) => (false, name),
        None => (true, raw.trim()),
    };
    let host = Host::parse(name).map_err(|_| InvalidValue::value("must be a host name, perhaps with a leading dot"))?;
    Ok(Scope(host.to_string(), host_only, "/".to_owned(), false))
}

fn checked_name(name: &str) -> Result<&str, InvalidValue> {
    let is_token = !name.is_empty() && name.len() <= 256 && name.bytes().all(header_rules::is_token);
    if is_token { Ok(name) } else { Err(InvalidValue::value("not a cookie's name")) }
}

fn checked_value(value: &str) -> Result<&str, InvalidValue> {
    if value.len() > MAX_VALUE {
        return Err(InvalidValue::value(format!("longer than {MAX_VALUE} bytes")));
    }
    if value.contains(|c: char| c.is_control() || c == ';') {
        return Err(InvalidValue::value("holds control characters or a semicolon"));
    }
    Ok(value)
}

fn checked_path(path: &str) -> Result<&str, InvalidValue> {
    let is_path =
        path.starts_with('/') && path.len() <= MAX_VALUE && !path.contains(|c: char| c.is_control() || c == ';');
    if is_path { Ok(path) } else { Err(InvalidValue::value("must begin with a slash")) }
}
