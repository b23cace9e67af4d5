//! Language models: which can be asked, where, with which key, and at which rate.
//!
//! Four small formats of our own instead of a library: every request passes the one guarded client, every refusal keeps
//! its status, words and `Retry-After`, every answer is bounded in time and size, and no address or key can come from
//! anywhere but the settings.

mod endpoint;
mod health;
mod pace;
mod settings;
mod trouble;
mod wire;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use http::Method;
use opilio_actors::ports::{Clock, LanguageModel, ModelAnswer, ModelError, ModelName, ModelPlan, Question};
use serde_json::Value;

pub use settings::{FamilySettings, ModelSettings, RateLimits, Wire};

use self::endpoint::Endpoint;
use self::wire::Sent;
use crate::egress::{Egress, EgressError, Purpose, Response, format_duration};

/// The models that the operator made usable.
pub struct Models {
    egress: Egress,
    clock: Arc<dyn Clock>,
    settings: ModelSettings,
    endpoints: Mutex<HashMap<ModelName, Arc<Endpoint>>>,
}

/// So many of them are remembered; their names come from requests.
const MOST_ENDPOINTS: usize = 1000;

impl Models {
    pub fn new(egress: Egress, clock: Arc<dyn Clock>, settings: ModelSettings) -> Self {
        Self { egress, clock, settings, endpoints: Mutex::default() }
    }

    fn family(&self, name: &ModelName) -> Result<&FamilySettings, ModelError> {
        let known = self.settings.families.iter().find(|family| family.name == name.family);
        known.ok_or_else(|| ModelError::UnknownProvider { family: name.family.clone() })
    }

    fn is_allowed(&self, name: &ModelName) -> bool {
        let Some(allowed) = &self.settings.allowed_providers else { return true };
        let whole = name.to_string();
        let chosen = [Some(self.settings.provider.as_str()), self.settings.fallback.as_deref()];
        if chosen.into_iter().flatten().any(|chosen| ModelName::parse(chosen).as_ref() == Some(name)) {
            return true;
        }
        allowed.iter().any(|entry| entry.eq_ignore_ascii_case(&name.family) || *entry == whole)
    }

    fn endpoint(&self, name: &ModelName, family: &FamilySettings) -> Arc<Endpoint> {
        let mut known = self.endpoints.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST_ENDPOINTS && !known.contains_key(name) {
            // Those in use are kept alive by who uses them.
            known.retain(|_, endpoint| Arc::strong_count(endpoint) > 1);
        }
        let new = || Arc::new(Endpoint::new(&self.settings, family.limits));
        Arc::clone(known.entry(name.clone()).or_insert_with(new))
    }

    /// Asks in the strongest form that the model takes.
    async fn ask_in_form(
        &self,
        endpoint: &Endpoint,
        family: &FamilySettings,
        question: &Question,
    ) -> Result<ModelAnswer, ModelError> {
        loop {
            let strongest = || family.wire.strongest(question.schema.as_deref());
            let form = endpoint.form(question).unwrap_or_else(strongest);
            let sent = Sent {
                family: &family.name,
                base_url: &family.base_url,
                key: family.key.as_ref(),
                context_tokens: family.context_tokens,
                form,
                question,
            };
            let said = self.exchange(family, &sent).await;
            let refused = question.schema.is_some() && said.as_ref().is_err_and(trouble::is_about_the_form);
            if refused && endpoint.weaken(question, form) {
                continue;
            }
            return said;
        }
    }

    async fn exchange(&self, family: &FamilySettings, sent: &Sent<'_>) -> Result<ModelAnswer, ModelError> {
        let who = sent.question.model.to_string();
        let request = family.wire.request(sent)?;
        let body = Bytes::from(request.body.to_string());
        let to = self.egress.guard().check_configured(&request.url, Purpose::Model);
        let to = to.map_err(|blocked| ModelError::Unreachable { who: who.clone(), reason: blocked.to_string() })?;
        let exchange = async {
            let answer = self.egress.send(Method::POST, &to, request.headers, body).await?;
            let (status, headers) = (answer.status(), answer.headers().clone());
            Ok::<_, EgressError>((status, headers, self.read(answer).await?))
        };
        let Ok(exchanged) = tokio::time::timeout(self.settings.timeout, exchange).await else {
            return Err(ModelError::Timeout { who, after: format_duration(self.settings.timeout) });
        };
        let (status, headers, body) =
            exchanged.map_err(|trouble| ModelError::Unreachable { who: who.clone(), reason: trouble.to_string() })?;
        let Some(body) = body else { return Err(ModelError::BadAnswer { who, reason: "it is too long".to_owned() }) };
        let parsed = serde_json::from_slice::<Value>(&body);
        if !(200..300).contains(&status) {
            let body = parsed.unwrap_or_default();
            return Err(masked(trouble::of(status, &headers, &body, self.clock.now(), &who), family));
        }
        let body =
            parsed.map_err(|_| ModelError::BadAnswer { who: who.clone(), reason: "it is not JSON".to_owned() })?;
        match trouble::within_success(&body, &who) {
            Some(error) => Err(masked(error, family)),
            None => family.wire.answer(&body, &who),
        }
    }

    /// The whole body; `None` where it is larger than an answer may be.
    async fn read(&self, mut answer: Response) -> Result<Option<Vec<u8>>, EgressError> {
        let mut bytes = Vec::new();
        while let Some(piece) = answer.next_chunk().await? {
            if bytes.len() + piece.len() > self.settings.max_answer_bytes {
                return Ok(None);
            }
            bytes.extend_from_slice(&piece);
        }
        Ok(Some(bytes))
    }
}

/// Some providers repeat the key that they were given.
fn masked(error: ModelError, family: &FamilySettings) -> ModelError {
    match (error, &family.key) {
        (ModelError::BadRequest { who, status, words }, Some(key)) => {
            ModelError::BadRequest { who, status, words: words.replace(key.expose(), "***") }
        }
        (other, _) => other,
    }
}

#[async_trait]
impl LanguageModel for Models {
    fn plan(&self, wanted: Option<&str>) -> Result<ModelPlan, ModelError> {
        let given = wanted.unwrap_or(&self.settings.provider);
        let name = ModelName::parse(given).ok_or_else(|| ModelError::NotAName { given: given.to_owned() })?;
        let family = self.family(&name)?;
        let listed = family.models.as_ref().is_none_or(|models| models.contains(&name.model));
        if !self.is_allowed(&name) {
            return Err(ModelError::NotAllowed { family: name.family });
        }
        if !listed {
            return Err(ModelError::ModelNotListed { who: name.to_string() });
        }
        if family.needs_key && family.key.is_none() {
            let variable = family.key_variable.clone();
            return Err(ModelError::NoKey { family: name.family, variable });
        }
        let fallback = self.settings.fallback.as_deref().and_then(ModelName::parse).filter(|other| *other != name);
        Ok(ModelPlan {
            context_tokens: family.context_tokens,
            answer_tokens: self.settings.answer_tokens.min(family.context_tokens / 6),
            temperature: family.temperature,
            fallback,
            name,
        })
    }

    async fn ask(&self, question: Question) -> Result<ModelAnswer, ModelError> {
        let family = self.family(&question.model)?;
        let endpoint = self.endpoint(&question.model, family);
        let _turn = endpoint.turn(&question, &question.model.to_string()).await?;
        let outcome = self.ask_in_form(&endpoint, family, &question).await;
        endpoint.ended(&outcome);
        outcome
    }
}
