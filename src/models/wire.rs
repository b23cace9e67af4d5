//! What providers are sent and what they answer, as plain values: one file a format.

pub mod anthropic;
pub mod gemini;
pub mod ollama;
pub mod openai;

use http::header::{ACCEPT, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, header};
use opilio_actors::domain::secret::Secret;
use opilio_actors::ports::{ModelAnswer, ModelError, Question, Role, Spent};
use serde_json::Value;
use url::Url;

use super::settings::Wire;

/// How the shape of the answer is asked for, from the strongest form to none. The prompt names the schema in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The schema, and a promise of the provider to keep to it; not every schema can be promised.
    Strict,
    Schema,
    /// Any JSON object.
    Object,
    Free,
}

impl Form {
    /// What is left when a provider does not take this one.
    pub fn weaker(self) -> Option<Self> {
        match self {
            Self::Strict => Some(Self::Schema),
            Self::Schema => Some(Self::Object),
            Self::Object => Some(Self::Free),
            Self::Free => None,
        }
    }
}

/// A request, apart from how it is sent.
#[derive(Debug)]
pub struct Request {
    pub url: Url,
    pub headers: HeaderMap,
    pub body: Value,
}

/// Where a request goes, and for what it is.
pub struct Sent<'a> {
    pub family: &'a str,
    pub base_url: &'a Url,
    pub key: Option<&'a Secret>,
    pub context_tokens: usize,
    pub form: Form,
    pub question: &'a Question,
}

impl Sent<'_> {
    /// `path` below the base URL.
    fn below(&self, path: &[&str]) -> Url {
        let mut url = self.base_url.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        url
    }

    fn headers(&self, key_header: HeaderName, key_prefix: &str) -> Result<HeaderMap, ModelError> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(header::USER_AGENT, HeaderValue::from_static(concat!("Opilio/", env!("CARGO_PKG_VERSION"))));
        if let Some(key) = self.key {
            let value = HeaderValue::from_str(&format!("{key_prefix}{}", key.expose()));
            let mut value = value.map_err(|_| ModelError::Unauthorized { who: self.family.to_owned() })?;
            value.set_sensitive(true);
            headers.insert(key_header, value);
        }
        Ok(headers)
    }
}

impl Wire {
    /// The strongest form in which this schema can be asked for.
    pub fn strongest(self, schema: Option<&Value>) -> Form {
        if self == Self::OpenAi && schema.is_some_and(is_strict) { Form::Strict } else { Form::Schema }
    }

    pub fn request(self, sent: &Sent<'_>) -> Result<Request, ModelError> {
        match self {
            Self::OpenAi => openai::request(sent),
            Self::Anthropic => anthropic::request(sent),
            Self::Gemini => gemini::request(sent),
            Self::Ollama => ollama::request(sent),
        }
    }

    /// Reads a body that came with a 2xx.
    pub fn answer(self, body: &Value, who: &str) -> Result<ModelAnswer, ModelError> {
        match self {
            Self::OpenAi => openai::answer(body, who),
            Self::Anthropic => anthropic::answer(body, who),
            Self::Gemini => gemini::answer(body, who),
            Self::Ollama => ollama::answer(body, who),
        }
    }
}

/// What every format says somehow.
struct Said<'a> {
    text: String,
    model: Option<&'a str>,
    prompt_tokens: u64,
    completion_tokens: u64,
    end: End,
}

/// Why the model stopped.
enum End {
    Done,
    Length,
    Filter,
    Refusal(String),
}

impl Said<'_> {
    fn checked(self, who: &str) -> Result<ModelAnswer, ModelError> {
        let who = who.to_owned();
        let spent = Spent { prompt_tokens: self.prompt_tokens, completion_tokens: self.completion_tokens };
        match self.end {
            End::Length => Err(ModelError::Truncated { who, spent }),
            End::Filter => Err(ModelError::Filtered { who, spent }),
            End::Refusal(words) => Err(ModelError::Refused { who, words: super::trouble::shortened(&words), spent }),
            End::Done if self.text.trim().is_empty() => Err(ModelError::Empty { who, spent }),
            End::Done => Ok(ModelAnswer {
                text: self.text,
                model: self.model.map_or(who, str::to_owned),
                prompt_tokens: self.prompt_tokens,
                completion_tokens: self.completion_tokens,
            }),
        }
    }
}

fn not_promised(who: &str, reason: &str) -> ModelError {
    ModelError::BadAnswer { who: who.to_owned(), reason: reason.to_owned() }
}

fn role(role: Role) -> &'static str {
    match role {
        Role::User => "user",
        Role::Assistant => "assistant",
    }
}

fn number(body: &Value, path: &str) -> u64 {
    body.pointer(path).and_then(Value::as_u64).unwrap_or_default()
}

/// Whether a provider's strict mode takes the schema: every object closed, every field required.
fn is_strict(schema: &Value) -> bool {
    match schema {
        Value::Object(keywords) => {
            let closed = match keywords.get("properties") {
                Some(Value::Object(properties)) => {
                    let required = keywords.get("required").and_then(Value::as_array);
                    keywords.get("additionalProperties") == Some(&Value::Bool(false))
                        && required.is_some_and(|required| required.len() == properties.len())
                }
                _ => keywords.get("type").and_then(Value::as_str) != Some("object"),
            };
            closed && keywords.values().all(is_strict)
        }
        Value::Array(list) => list.iter().all(is_strict),
        _ => true,
    }
}

fn is_object_shape(schema: &Value) -> bool {
    schema.get("type").and_then(Value::as_str) == Some("object")
}
