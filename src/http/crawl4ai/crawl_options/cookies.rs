//! Cookies in Playwright's form, as `cookies` of `browser_config` and the hook `add_cookies` contain them.

use opilio_actors::domain::crawl_options::Cookie;
use opilio_actors::domain::secret::Secret;
use serde_json::{Map, Value};
use url::{Host, Url};

use super::builder::OptionsBuilder;
use super::value::{GivenValue, flag, map, text};
use crate::http::crawl4ai::report::Report;
use crate::http::field_error::{FieldPath, InvalidValue};
use crate::http::header_rules;

const MAX_COOKIES: usize = 300;
/// Browsers store no longer ones.
const MAX_VALUE_BYTES: usize = 4096;
/// The first six are used; the others do not matter for requests.
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

/// Where a cookie is sent.
struct CookieScope {
    domain: String,
    host_only: bool,
    path: String,
    secure: bool,
}

impl CookieScope {
    fn or_secure(self, secure: bool) -> Self {
        Self { secure: self.secure || secure, ..self }
    }
}

pub fn set(builder: &mut OptionsBuilder, given: &GivenValue<'_>, report: &mut Report) {
    let Some(cookies) = report.check(&given.path, given.list()) else { return };
    builder.options.fetch.cookies = parse(cookies, &given.path, (MAX_COOKIES, false), report);
}

/// The valid cookies of a list with at most `max` cookies. `secure`: of a cookie that does not say.
pub fn parse(list: &[Value], path: &FieldPath, (max, secure): (usize, bool), report: &mut Report) -> Vec<Cookie> {
    if list.len() > max {
        report.fail(path, InvalidValue::new("too_long", format!("must have at most {max} cookies")));
        return vec![];
    }
    let parse = |(index, given): (usize, &Value)| {
        let path = path.child(index);
        let fields = report.check(&path, map(given))?;
        cookie(fields, secure, &path, report)
    };
    list.iter().enumerate().filter_map(parse).collect()
}

fn cookie(fields: &Map<String, Value>, secure: bool, path: &FieldPath, report: &mut Report) -> Option<Cookie> {
    for name in fields.keys().filter(|name| !FIELDS.contains(&name.as_str())) {
        report.warn(&path.child(name.as_str()), "not a field of a cookie");
    }
    let field = |name: &str| fields.get(name).filter(|value| !value.is_null());
    let required = |name: &str| field(name).map_or_else(|| Err(InvalidValue::new("missing", "is required")), text);
    let name = report.check(&path.child("name"), required("name").and_then(checked_name));
    let value = report.check(&path.child("value"), required("value").and_then(checked_value));
    let CookieScope { domain, host_only, path, secure } = scope(&field, secure, path, report)?;
    Some(Cookie { name: name?.to_owned(), value: Secret::new(value?), domain, host_only, path, secure })
}

fn scope<'v>(
    field: &impl Fn(&str) -> Option<&'v Value>,
    secure: bool,
    path: &FieldPath,
    report: &mut Report,
) -> Option<CookieScope> {
    let scope = match (field("url"), field("domain")) {
        (Some(url), _) => report.check(&path.child("url"), text(url).and_then(scope_of_url))?,
        (None, Some(domain)) => {
            report.check(&path.child("domain"), text(domain).and_then(scope_of_domain))?.or_secure(secure)
        }
        (None, None) => {
            report.fail(path, InvalidValue::value("needs a url or a domain"));
            return None;
        }
    };
    let cookie_path = match field("path") {
        Some(given) => report.check(&path.child("path"), text(given).and_then(checked_path))?.to_owned(),
        None => scope.path,
    };
    let secure = match field("secure") {
        Some(given) => report.check(&path.child("secure"), flag(given))?,
        None => scope.secure,
    };
    Some(CookieScope { path: cookie_path, secure, ..scope })
}

fn scope_of_url(raw: &str) -> Result<CookieScope, InvalidValue> {
    let url = Url::parse(raw.trim()).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    let url = url.ok_or_else(|| InvalidValue::value("must be an absolute http or https URL"))?;
    let directory = url.path().rfind('/').map_or("/", |end| &url.path()[..=end]);
    let domain = url.host_str().unwrap_or_default().to_owned();
    Ok(CookieScope { domain, host_only: true, path: directory.to_owned(), secure: url.scheme() == "https" })
}

/// A leading dot includes subdomains.
fn scope_of_domain(raw: &str) -> Result<CookieScope, InvalidValue> {
    let (host_only, name) = match raw.trim().strip_prefix('.') {
        Some(name) => (false, name),
        None => (true, raw.trim()),
    };
    let host = Host::parse(name);
    let host = host.map_err(|_| InvalidValue::value("must be a host name, optionally with a leading dot"))?;
    Ok(CookieScope { domain: host.to_string(), host_only, path: "/".to_owned(), secure: false })
}

fn checked_name(name: &str) -> Result<&str, InvalidValue> {
    let is_token = !name.is_empty() && name.len() <= 256 && name.bytes().all(header_rules::is_token);
    if is_token { Ok(name) } else { Err(InvalidValue::value("is not a cookie name (RFC 6265)")) }
}

fn checked_value(value: &str) -> Result<&str, InvalidValue> {
    if value.len() > MAX_VALUE_BYTES {
        return Err(InvalidValue::value(format!("must have at most {MAX_VALUE_BYTES} bytes")));
    }
    if value.contains(is_forbidden) {
        return Err(InvalidValue::value("must not contain control characters or semicolons"));
    }
    Ok(value)
}

fn checked_path(path: &str) -> Result<&str, InvalidValue> {
    let is_path = path.starts_with('/') && path.len() <= MAX_VALUE_BYTES && !path.contains(is_forbidden);
    if is_path { Ok(path) } else { Err(InvalidValue::value("must be a path that begins with a slash")) }
}

fn is_forbidden(c: char) -> bool {
    c.is_control() || c == ';'
}
