//! The headers of a webhook.

use http::header::{CONTENT_TYPE, HeaderName, USER_AGENT};
use http::{HeaderMap, HeaderValue};
use opilio_actors::domain::secret::Secret;

use super::settings::{InvalidWebhookSettings, WebhookSettings};

/// The operator's headers.
pub fn defaults(settings: &WebhookSettings) -> Result<HeaderMap, InvalidWebhookSettings> {
    let mut headers = HeaderMap::new();
    let user_agent = (USER_AGENT.as_str().to_owned(), Secret::new(settings.user_agent.as_str()));
    for (name, value) in [&user_agent].into_iter().chain(&settings.headers) {
        put(&mut headers, name, value).ok_or_else(|| InvalidWebhookSettings::Header(name.clone()))?;
    }
    Ok(headers)
}

/// The headers for the receiver itself: the defaults, overlaid by those of the job. The error is the name of an invalid one.
pub fn for_receiver<'a>(defaults: &HeaderMap, job: &'a [(String, Secret)]) -> Result<HeaderMap, &'a str> {
    let mut headers = defaults.clone();
    for (name, value) in job {
        put(&mut headers, name, value).ok_or(name.as_str())?;
    }
    Ok(headers)
}

/// The headers for a redirect to another origin: none that may be a credential.
pub fn for_other_origin(headers: &HeaderMap) -> HeaderMap {
    headers.get(USER_AGENT).map(|agent| (USER_AGENT, agent.clone())).into_iter().collect()
}

/// Sets the headers of Standard Webhooks and `Content-Type`. `None` if `id` is not valid in a header.
pub fn set_standard(headers: &mut HeaderMap, id: &str, timestamp: i64, signature: Option<String>) -> Option<()> {
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
