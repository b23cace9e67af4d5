//! Google's `generateContent`.

use http::header::HeaderName;
use opilio_actors::ports::{ModelError, ModelResponse, Role, TokenCount};
use serde_json::{Value, json};

use super::output_mode::OutputMode;
use super::request::{HttpRequest, RequestContext};
use super::response::{FinishReason, RawResponse, invalid, number};

pub fn request(context: &RequestContext<'_>) -> Result<HttpRequest, ModelError> {
    let request = context.request;
    let contents = request.messages.iter().map(|message| {
        let role = if message.role == Role::User { "user" } else { "model" };
        json!({"role": role, "parts": [{"text": message.text}]})
    });
    let mut generation = json!({"maxOutputTokens": request.max_output_tokens});
    if let Some(temperature) = request.temperature {
        generation["temperature"] = temperature.into();
    }
    if let Some(schema) = request.schema.as_deref() {
        if context.mode != OutputMode::Text {
            generation["responseMimeType"] = "application/json".into();
        }
        if context.mode.has_schema() {
            generation["responseJsonSchema"] = schema.clone();
        }
    }
    let body = json!({
        "systemInstruction": {"parts": [{"text": request.system}]},
        "contents": contents.collect::<Vec<_>>(),
        "generationConfig": generation,
    });
    let headers = context.headers(HeaderName::from_static("x-goog-api-key"), "")?;
    let method = format!("{}:generateContent", request.model.model);
    Ok(HttpRequest { url: context.url(&["models", &method]), headers, body })
}

pub fn response(body: &Value, model: &str) -> Result<ModelResponse, ModelError> {
    if body.pointer("/promptFeedback/blockReason").is_some() {
        let prompt_tokens = number(body, "/usageMetadata/promptTokenCount");
        let used = TokenCount { prompt_tokens, completion_tokens: 0 };
        return Err(ModelError::Filtered { model: model.to_owned(), used });
    }
    let candidate = body.pointer("/candidates/0").ok_or_else(|| invalid(model, "it has no candidates"))?;
    let parts = candidate.pointer("/content/parts").and_then(Value::as_array);
    let visible = parts.into_iter().flatten().filter(|part| part.get("thought") != Some(&Value::Bool(true)));
    let text = visible.filter_map(|part| part.get("text").and_then(Value::as_str)).collect();
    let finish = match candidate.get("finishReason").and_then(Value::as_str) {
        Some("MAX_TOKENS") => FinishReason::Length,
        Some("SAFETY" | "RECITATION" | "BLOCKLIST" | "PROHIBITED_CONTENT" | "SPII") => FinishReason::Filter,
        _ => FinishReason::Done,
    };
    let thoughts = number(body, "/usageMetadata/thoughtsTokenCount");
    let response = RawResponse {
        text,
        model: body.get("modelVersion").and_then(Value::as_str),
        prompt_tokens: number(body, "/usageMetadata/promptTokenCount"),
        completion_tokens: number(body, "/usageMetadata/candidatesTokenCount") + thoughts,
        finish,
    };
    response.check(model)
}
