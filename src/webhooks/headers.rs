//! The headers of a webhook.

use http::header::{CONTENT_TYPE, HeaderName, USER_AGENT};
use http::{HeaderMap, HeaderValue};
use opilio_actors::domain::secret::Secret;

use super::settings::{BadWebhookSettings, WebhookSettings};

/// The operator's headers, made ready once.
pub fn operators(settings: &WebhookSettings) -> Result<HeaderMap, BadWebhookSettings> {
    let mut headers = HeaderMap::new();
    let user_agent = (USER_AGENT.as_str().to_owned(), Secret::new(settings.user_agent.as_str()));
    for (name, value) in [&user_agent].into_iter().chain(&settings.headers) {
        put(&mut headers, name, value).ok_or_else(|| BadWebhookSettings::Header(name.clone()))?;
    }
    Ok(headers)
}

/// What goes to the receiver itself: the operator's headers, overlaid by the job's own. The error is the name of one
/// that cannot be sent.
pub fn for_receiver<'a>(operators: &HeaderMap, own: &'a [(String, Secret)]) -> Result<HeaderMap, &'a str> {
    let mut headers = operators.clone();
    for (name, value) in own {
        put(&mut headers, name, value).ok_or(name.as_str())?;
    }
    Ok(headers)
}

/// What goes where a redirect led to another party: nothing that may be a credential.
pub fn for_strangers(headers: &HeaderMap) -> HeaderMap {
    headers.get(USER_AGENT).map(|agent| (USER_AGENT, agent.clone())).into_iter().collect()
}

/// The headers of Standard Webhooks, and the body's type. They replace any others of these names.
pub fn seal(headers: &mut HeaderMap, id: &str, timestamp: i64, signature: Option<String>) -> Option<()> {
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert("webhook-id", HeaderValue::from_str(id).ok()?);
    headers.insert("webhook-timestamp", HeaderValue::from(timestamp));
    headers.remove("webhook-signature");
    if let Some(signature) = signature {
        headers.insert("webhook-signature", HeaderValue::from_str(&signature).ok()?);
    }
    Some(())
}

fn put(headers: &mut HeaderMap, name: &str, value: &Secret) -> Option<()> {
    let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
    let mut value = HeaderValue::from_bytes(value.expose().as_bytes()).ok()?;
    value.set_sensitive(true);
    headers.insert(name, value);
    Some(())
}
