//! OpenAI's chat completions, which most other providers support as well.

use http::header::AUTHORIZATION;
use opilio_actors::ports::{ModelError, ModelResponse};
use serde_json::{Value, json};

use super::output_mode::OutputMode;
use super::request::{HttpRequest, RequestContext, is_object, role_name};
use super::response::{FinishReason, RawResponse, invalid, number};

pub fn request(context: &RequestContext<'_>) -> Result<HttpRequest, ModelError> {
    let request = context.request;
    let mut messages = vec![json!({"role": "system", "content": request.system})];
    messages.extend(
        request.messages.iter().map(|message| json!({"role": role_name(message.role), "content": message.text})),
    );
    let mut body = json!({"model": request.model.model, "messages": messages});
    // OpenAI's reasoning models require the newer name, also on other hosts of OpenAI; other servers know the older name only.
    let host = context.base_url.host_str().unwrap_or_default();
    let is_openai = [".openai.com", ".openai.azure.com"].iter().any(|domain| host.ends_with(domain));
    let limit = if is_openai || context.family == "openai" { "max_completion_tokens" } else { "max_tokens" };
    body[limit] = request.max_output_tokens.into();
    if let Some(temperature) = request.temperature {
        body["temperature"] = temperature.into();
    }
    if let Some(schema) = request.schema.as_deref().filter(|schema| is_object(schema)) {
        match context.mode {
            OutputMode::Strict | OutputMode::Schema => {
                let strict = context.mode == OutputMode::Strict;
                let named = json!({"name": "extraction", "schema": schema, "strict": strict});
                body["response_format"] = json!({"type": "json_schema", "json_schema": named});
            }
            OutputMode::JsonObject => body["response_format"] = json!({"type": "json_object"}),
            OutputMode::Text => {}
        }
    }
    let headers = context.headers(AUTHORIZATION, "Bearer ")?;
    Ok(HttpRequest { url: context.url(&["chat", "completions"]), headers, body })
}

pub fn response(body: &Value, model: &str) -> Result<ModelResponse, ModelError> {
    let choice = body.pointer("/choices/0").ok_or_else(|| invalid(model, "it has no choices"))?;
    let message = choice.get("message").ok_or_else(|| invalid(model, "it has no message"))?;
    let refusal = message.get("refusal").and_then(Value::as_str).filter(|text| !text.is_empty());
    let finish = match (refusal, choice.get("finish_reason").and_then(Value::as_str)) {
        (Some(text), _) => FinishReason::Refusal(text.to_owned()),
        (None, Some("length" | "model_length")) => FinishReason::Length,
        (None, Some("content_filter")) => FinishReason::Filter,
        (None, Some("error")) => return Err(invalid(model, "it ended with an error")),
        _ => FinishReason::Done,
    };
    let text = match message.get("content") {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => parts.iter().filter_map(|part| part.get("text").and_then(Value::as_str)).collect(),
        _ => String::new(),
    };
    let response = RawResponse {
        text,
        model: body.get("model").and_then(Value::as_str),
        prompt_tokens: number(body, "/usage/prompt_tokens"),
        completion_tokens: number(body, "/usage/completion_tokens"),
        finish,
    };
    response.check(model)
}
