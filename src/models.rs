//! Language models: which ones are configured, their addresses, API keys and limits.
//!
//! Opilio implements four small protocols itself instead of using a library, so that every request passes the egress
//! guard, every error keeps its status, message and `Retry-After`, every response is bounded in time and size, and
//! addresses and API keys come from the settings only.

mod circuit_breaker;
mod endpoint;
mod protocol;
mod provider_error;
mod settings;
mod token_bucket;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use http::Method;
use opilio_actors::ports::{Clock, LanguageModel, ModelError, ModelName, ModelRequest, ModelResponse, ResolvedModel};
use serde_json::Value;

pub use protocol::Protocol;
pub use settings::{FamilySettings, ModelLimits, ModelSettings};

use self::endpoint::Endpoint;
use self::protocol::RequestContext;
use crate::egress::{Egress, EgressError, Purpose, Response, format_duration};

/// The configured models.
pub struct Models {
    egress: Egress,
    clock: Arc<dyn Clock>,
    settings: ModelSettings,
    endpoints: Mutex<HashMap<ModelName, Arc<Endpoint>>>,
}

/// The limit on remembered endpoints; requests can name any model.
const MAX_ENDPOINTS: usize = 1000;

impl Models {
    pub fn new(egress: Egress, clock: Arc<dyn Clock>, settings: ModelSettings) -> Self {
        Self { egress, clock, settings, endpoints: Mutex::default() }
    }

    fn family(&self, name: &ModelName) -> Result<&FamilySettings, ModelError> {
        let family = self.settings.families.iter().find(|family| family.name == name.family);
        family.ok_or_else(|| ModelError::UnknownProvider { family: name.family.clone() })
    }

    fn is_allowed(&self, name: &ModelName) -> bool {
        let Some(allowed) = &self.settings.allowed_providers else { return true };
        let full_name = name.to_string();
        let own = [Some(self.settings.provider.as_str()), self.settings.fallback.as_deref()];
        if own.into_iter().flatten().any(|own| ModelName::parse(own).as_ref() == Some(name)) {
            return true;
        }
        allowed.iter().any(|entry| entry.eq_ignore_ascii_case(&name.family) || *entry == full_name)
    }

    fn endpoint(&self, name: &ModelName, family: &FamilySettings) -> Arc<Endpoint> {
        let mut endpoints = self.endpoints.lock().unwrap_or_else(PoisonError::into_inner);
        if endpoints.len() >= MAX_ENDPOINTS && !endpoints.contains_key(name) {
            // Keeps the endpoints that are in use.
            endpoints.retain(|_, endpoint| Arc::strong_count(endpoint) > 1);
        }
        let new = || Arc::new(Endpoint::new(&self.settings, family.limits));
        Arc::clone(endpoints.entry(name.clone()).or_insert_with(new))
    }

    /// Sends the request in the strictest output mode that the model supports.
    async fn send_in_mode(
        &self,
        endpoint: &Endpoint,
        family: &FamilySettings,
        request: &ModelRequest,
    ) -> Result<ModelResponse, ModelError> {
        loop {
            let strictest = || family.protocol.strictest_mode(request.schema.as_deref());
            let mode = endpoint.mode(request).unwrap_or_else(strictest);
            let context = RequestContext {
                family: &family.name,
                base_url: &family.base_url,
                key: family.key.as_ref(),
                context_tokens: family.context_tokens,
                mode,
                request,
            };
            let response = self.send(family, &context).await;
            let unsupported =
                request.schema.is_some() && response.as_ref().is_err_and(provider_error::rejects_output_mode);
            if unsupported && endpoint.downgrade(request, mode) {
                continue;
            }
            return response;
        }
    }

    async fn send(&self, family: &FamilySettings, context: &RequestContext<'_>) -> Result<ModelResponse, ModelError> {
        let model = context.request.model.to_string();
        let request = family.protocol.request(context)?;
        let body = Bytes::from(request.body.to_string());
        let unreachable = |reason: String| ModelError::Unreachable { model: model.clone(), reason };
        let invalid = |reason: &str| ModelError::InvalidResponse { model: model.clone(), reason: reason.to_owned() };
        let url = self.egress.guard().check_configured(&request.url, Purpose::Model);
        let url = url.map_err(|blocked| unreachable(blocked.to_string()))?;
        let exchange = async {
            let response = self.egress.send(Method::POST, &url, request.headers, body).await?;
            let (status, headers) = (response.status(), response.headers().clone());
            Ok::<_, EgressError>((status, headers, self.read(response).await?))
        };
        let Ok(exchange) = tokio::time::timeout(self.settings.timeout, exchange).await else {
            return Err(ModelError::Timeout { model, limit: format_duration(self.settings.timeout) });
        };
        let (status, headers, body) = exchange.map_err(|error| unreachable(error.to_string()))?;
        let Some(body) = body else {
            return Err(invalid(&format!("it is larger than {} bytes", self.settings.max_response_bytes)));
        };
        let json = serde_json::from_slice::<Value>(&body);
        if !(200..300).contains(&status) {
            let now = self.clock.now();
            let error = provider_error::from_response(status, &headers, &json.unwrap_or_default(), now, &model);
            return Err(masked(error, family));
        }
        let json = json.map_err(|_| invalid("it is not JSON"))?;
        match provider_error::in_success(&json, &model) {
            Some(error) => Err(masked(error, family)),
            None => family.protocol.response(&json, &model),
        }
    }

    /// The complete body; `None` if it exceeds the size limit.
    async fn read(&self, mut response: Response) -> Result<Option<Vec<u8>>, EgressError> {
        let mut bytes = Vec::new();
        while let Some(chunk) = response.next_chunk().await? {
            if bytes.len() + chunk.len() > self.settings.max_response_bytes {
                return Ok(None);
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(Some(bytes))
    }
}

/// Masks the API key, which some providers repeat in their errors.
fn masked(error: ModelError, family: &FamilySettings) -> ModelError {
    match (error, &family.key) {
        (ModelError::BadRequest { model, status, message }, Some(key)) => {
            ModelError::BadRequest { model, status, message: message.replace(key.expose(), "***") }
        }
        (other, _) => other,
    }
}

#[async_trait]
impl LanguageModel for Models {
    fn resolve(&self, name: Option<&str>) -> Result<ResolvedModel, ModelError> {
        let given = name.unwrap_or(&self.settings.provider);
        let name = ModelName::parse(given).ok_or_else(|| ModelError::InvalidName { given: given.to_owned() })?;
        let family = self.family(&name)?;
        let is_listed = family.models.as_ref().is_none_or(|models| models.contains(&name.model));
        if !self.is_allowed(&name) {
            return Err(ModelError::NotAllowed { family: name.family });
        }
        if !is_listed {
            return Err(ModelError::ModelNotListed { model: name.to_string() });
        }
        if family.needs_key && family.key.is_none() {
            let variable = family.key_variable.clone();
            return Err(ModelError::NoKey { family: name.family, variable });
        }
        let fallback = self.settings.fallback.as_deref().and_then(ModelName::parse).filter(|other| *other != name);
        Ok(ResolvedModel {
            context_tokens: family.context_tokens,
            max_output_tokens: self.settings.max_output_tokens.min(family.context_tokens / 6),
            temperature: family.temperature,
            fallback,
            name,
        })
    }

    async fn complete(&self, request: ModelRequest) -> Result<ModelResponse, ModelError> {
        let family = self.family(&request.model)?;
        let endpoint = self.endpoint(&request.model, family);
        let _permit = endpoint.admit(&request).await?;
        let outcome = self.send_in_mode(&endpoint, family, &request).await;
        endpoint.record(&outcome);
        outcome
    }
}
