//! A header for a webhook that is accepted is sent as it was given, and changes nothing that is not the job's to say.

use http::HeaderMap;
use http::header::{CONTENT_TYPE, HeaderName};
use serde_json::json;

use crate::egress::{Allowlist, Guard};
use crate::http::crawl4ai::report::Report;
use crate::http::crawl4ai::url_policy::UrlPolicy;
use crate::http::crawl4ai::webhook_config::{self, WebhookDefaults};
use crate::webhooks::headers::{for_receiver, set_standard};

const OURS: [&str; 6] = ["host", "content-length", "transfer-encoding", "connection", "cookie", "webhook-signature"];

/// `text` as `name:value`.
///
/// # Panics
/// Where it is accepted and cannot be sent, or says what only the sender may.
pub fn webhook_header(text: &str) {
    let (name, value) = text.split_once(':').unwrap_or((text, ""));
    let config = json!({"webhook_url": "https://receiver.example/", "webhook_headers": {name: value}});
    let defaults = WebhookDefaults { enabled: true, default_url: None, data_in_payload: false };
    let (guard, mut report) = (Guard::open(Allowlist::default()), Report::default());
    let target = webhook_config::parse(Some(&config), &defaults, UrlPolicy::new(&guard), &mut report)
        .expect("its address is one");
    let (errors, _) = report.into_parts();
    assert_eq!(target.headers.len() + errors.len(), 1, "accepted or refused");
    for error in errors.iter().map(crate::http::field_error::FieldError::visible) {
        assert!(!error.msg.contains(char::is_control) && error.loc.len() == 4, "{error:?}");
    }
    let Some((_, own)) = target.headers.first() else { return };
    assert_eq!(own.expose(), value);
    let mut sent = for_receiver(&HeaderMap::new(), &target.headers).expect("what was accepted can be sent");
    let name = HeaderName::from_bytes(name.as_bytes()).expect("it is a name");
    assert_eq!(sent.get(&name).map(|value| value.as_bytes()), Some(value.as_bytes()));
    assert!(sent.values().all(|value| value.is_sensitive()), "nobody prints it");
    assert!(!OURS.contains(&name.as_str()), "{name}");
    set_standard(&mut sent, "msg_1", 1, None).expect("constants");
    let text = |name: &str| sent.get(name).and_then(|value| value.to_str().ok());
    assert_eq!([text("webhook-id"), text(CONTENT_TYPE.as_str())], [Some("msg_1"), Some("application/json")]);
}
