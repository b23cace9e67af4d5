//! Requests of all protocols.

use http::header::{ACCEPT, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, header};
use opilio_actors::domain::secret::Secret;
use opilio_actors::ports::{ModelError, ModelRequest, Role};
use serde_json::Value;
use url::Url;

use super::output_mode::OutputMode;

/// A `POST` request to a provider.
#[derive(Debug)]
pub struct HttpRequest {
    pub url: Url,
    pub headers: HeaderMap,
    pub body: Value,
}

/// A model request with the settings of its provider.
pub struct RequestContext<'a> {
    pub family: &'a str,
    pub base_url: &'a Url,
    pub key: Option<&'a Secret>,
    pub context_tokens: usize,
    pub mode: OutputMode,
    pub request: &'a ModelRequest,
}

impl RequestContext<'_> {
    /// The base URL with `path` appended.
    pub fn url(&self, path: &[&str]) -> Url {
        let mut url = self.base_url.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        url
    }

    pub fn headers(&self, key_header: HeaderName, key_prefix: &str) -> Result<HeaderMap, ModelError> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(header::USER_AGENT, HeaderValue::from_static(concat!("Opilio/", env!("CARGO_PKG_VERSION"))));
        if let Some(key) = self.key {
            let value = HeaderValue::from_str(&format!("{key_prefix}{}", key.expose()));
            let mut value = value.map_err(|_| ModelError::Unauthorized { model: self.family.to_owned() })?;
            value.set_sensitive(true);
            headers.insert(key_header, value);
        }
        Ok(headers)
    }

    /// The schema, if the mode uses it and it is the schema of an object, as some protocols require.
    pub fn object_schema(&self) -> Option<&Value> {
        let schema = self.request.schema.as_deref().filter(|_| self.mode.has_schema())?;
        is_object(schema).then_some(schema)
    }
}

pub fn is_object(schema: &Value) -> bool {
    schema.get("type").and_then(Value::as_str) == Some("object")
}

pub fn role_name(role: Role) -> &'static str {
    match role {
        Role::User => "user",
        Role::Assistant => "assistant",
    }
}
