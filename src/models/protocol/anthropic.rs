//! Anthropic's Messages API.

use http::header::{HeaderName, HeaderValue};
use opilio_actors::ports::{ModelError, ModelResponse};
use serde_json::{Value, json};

use super::request::{HttpRequest, RequestContext, role_name};
use super::response::{FinishReason, RawResponse, invalid, number};

/// The API version.
const VERSION: &str = "2023-06-01";

pub fn request(context: &RequestContext<'_>) -> Result<HttpRequest, ModelError> {
    let request = context.request;
    let messages =
        request.messages.iter().map(|message| json!({"role": role_name(message.role), "content": message.text}));
    let mut body = json!({
        "model": request.model.model,
        "max_tokens": request.max_output_tokens,
        "system": request.system,
        "messages": messages.collect::<Vec<_>>(),
    });
    if let Some(temperature) = request.temperature {
        // The maximum is 1.0; other providers allow up to 2.0.
        body["temperature"] = temperature.min(1.0).into();
    }
    if let Some(schema) = context.object_schema() {
        body["output_config"] = json!({"format": {"type": "json_schema", "schema": schema}});
    }
    let mut headers = context.headers(HeaderName::from_static("x-api-key"), "")?;
    headers.insert("anthropic-version", HeaderValue::from_static(VERSION));
    let has_version = context.base_url.path().trim_end_matches('/').ends_with("/v1");
    let path: &[&str] = if has_version { &["messages"] } else { &["v1", "messages"] };
    Ok(HttpRequest { url: context.url(path), headers, body })
}

pub fn response(body: &Value, model: &str) -> Result<ModelResponse, ModelError> {
    let blocks = body.get("content").and_then(Value::as_array).ok_or_else(|| invalid(model, "it has no content"))?;
    let texts = blocks.iter().filter(|block| block.get("type").and_then(Value::as_str) == Some("text"));
    let text: String = texts.filter_map(|block| block.get("text").and_then(Value::as_str)).collect();
    let finish = match body.get("stop_reason").and_then(Value::as_str) {
        Some("max_tokens" | "model_context_window_exceeded") => FinishReason::Length,
        Some("refusal") if text.is_empty() => FinishReason::Refusal("no reason given".to_owned()),
        Some("refusal") => FinishReason::Refusal(text.clone()),
        _ => FinishReason::Done,
    };
    let cached = number(body, "/usage/cache_read_input_tokens") + number(body, "/usage/cache_creation_input_tokens");
    let response = RawResponse {
        text,
        model: body.get("model").and_then(Value::as_str),
        prompt_tokens: number(body, "/usage/input_tokens") + cached,
        completion_tokens: number(body, "/usage/output_tokens"),
        finish,
    };
    response.check(model)
}
