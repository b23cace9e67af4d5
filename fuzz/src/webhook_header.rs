//! A header in a webhook_config.

use http::HeaderMap;
use http::header::{CONTENT_TYPE, HeaderName};
use opilio::egress::{Allowlist, Guard};
use opilio::http::crawl4ai::report::Report;
use opilio::http::crawl4ai::url_policy::UrlPolicy;
use opilio::http::crawl4ai::webhook_config::{self, WebhookDefaults};
use opilio::http::field_error::FieldError;
use opilio::webhooks::headers::{for_receiver, set_standard};
use serde_json::json;

const RESERVED: [&str; 6] =
    ["host", "content-length", "transfer-encoding", "connection", "cookie", "webhook-signature"];

/// A header is either rejected or sent unchanged. It never replaces a reserved header.
///
/// # Panics
/// If the property does not hold for `text`, a header as `name:value`.
pub fn webhook_header(text: &str) {
    let (name, value) = text.split_once(':').unwrap_or((text, ""));
    let config = json!({"webhook_url": "https://receiver.example/", "webhook_headers": {name: value}});
    let defaults = WebhookDefaults { enabled: true, default_url: None, data_in_payload: false };
    let (guard, mut report) = (Guard::open(Allowlist::default()), Report::default());
    let target = webhook_config::parse(Some(&config), &defaults, UrlPolicy::new(&guard), &mut report);
    let target = target.expect("the URL is valid");
    let errors = report.into_parts().0.map_or(vec![], |rejection| rejection.errors().to_vec());
    assert_eq!(target.headers.len() + errors.len(), 1, "accepted or rejected");
    for error in errors.iter().map(FieldError::visible) {
        assert!(!error.msg.contains(char::is_control) && error.loc.len() == 4, "{error:?}");
    }
    let Some((_, accepted)) = target.headers.first() else { return };
    assert_eq!(accepted.expose(), value);
    let mut sent = for_receiver(&HeaderMap::new(), &target.headers).expect("an accepted header is valid");
    let name = HeaderName::from_bytes(name.as_bytes()).expect("an accepted name is valid");
    assert_eq!(sent.get(&name).map(|value| value.as_bytes()), Some(value.as_bytes()));
    assert!(sent.values().all(|value| value.is_sensitive()), "values are secrets");
    assert!(!RESERVED.contains(&name.as_str()), "{name}");
    set_standard(&mut sent, "msg_1", 1, None).expect("valid constants");
    let text = |name: &str| sent.get(name).and_then(|value| value.to_str().ok());
    assert_eq!([text("webhook-id"), text(CONTENT_TYPE.as_str())], [Some("msg_1"), Some("application/json")]);
}
