//! Anthropic's Messages.

use http::header::{HeaderName, HeaderValue};
use opilio_actors::ports::{ModelAnswer, ModelError};
use serde_json::{Value, json};

use super::{End, Form, Request, Said, Sent, is_object_shape, not_promised, number, role};

/// The version of the interface that is spoken here.
const VERSION: &str = "2023-06-01";

pub fn request(sent: &Sent<'_>) -> Result<Request, ModelError> {
    let question = sent.question;
    let messages: Vec<_> =
        question.turns.iter().map(|turn| json!({"role": role(turn.role), "content": turn.text})).collect();
    let mut body = json!({
        "model": question.model.model, "max_tokens": question.answer_tokens, "system": question.system,
        "messages": messages,
    });
    if let Some(temperature) = question.temperature {
        // Its scale ends where others' middle is.
        body["temperature"] = temperature.min(1.0).into();
    }
    if let Some(schema) = question.schema.as_deref().filter(|schema| is_object_shape(schema))
        && matches!(sent.form, Form::Strict | Form::Schema)
    {
        body["output_config"] = json!({"format": {"type": "json_schema", "schema": schema}});
    }
    let mut headers = sent.headers(HeaderName::from_static("x-api-key"), "")?;
    headers.insert("anthropic-version", HeaderValue::from_static(VERSION));
    let path: &[&str] =
        if sent.base_url.path().trim_end_matches('/').ends_with("/v1") { &["messages"] } else { &["v1", "messages"] };
    Ok(Request { url: sent.below(path), headers, body })
}

pub fn answer(body: &Value, who: &str) -> Result<ModelAnswer, ModelError> {
    let blocks = body.get("content").and_then(Value::as_array).ok_or_else(|| not_promised(who, "it has no content"))?;
    let texts = blocks.iter().filter(|block| block.get("type").and_then(Value::as_str) == Some("text"));
    let text: String = texts.filter_map(|block| block.get("text").and_then(Value::as_str)).collect();
    let end = match body.get("stop_reason").and_then(Value::as_str) {
        Some("max_tokens" | "model_context_window_exceeded") => End::Length,
        Some("refusal") => End::Refusal(if text.is_empty() { "no reason given".to_owned() } else { text.clone() }),
        _ => End::Done,
    };
    let cached = number(body, "/usage/cache_read_input_tokens") + number(body, "/usage/cache_creation_input_tokens");
    let said = Said {
        text,
        model: body.get("model").and_then(Value::as_str),
        prompt_tokens: number(body, "/usage/input_tokens") + cached,
        completion_tokens: number(body, "/usage/output_tokens"),
        end,
    };
    said.checked(who)
}
