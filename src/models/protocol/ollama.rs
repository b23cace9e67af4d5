//! Ollama's own chat API.

use http::header::AUTHORIZATION;
use opilio_actors::ports::{ModelError, ModelResponse};
use serde_json::{Value, json};

use super::output_mode::OutputMode;
use super::request::{HttpRequest, RequestContext, role_name};
use super::response::{FinishReason, RawResponse, invalid, number};

pub fn request(context: &RequestContext<'_>) -> Result<HttpRequest, ModelError> {
    let request = context.request;
    let mut messages = vec![json!({"role": "system", "content": request.system})];
    messages.extend(
        request.messages.iter().map(|message| json!({"role": role_name(message.role), "content": message.text})),
    );
    // Without `num_ctx`, Ollama truncates a long prompt silently.
    let mut options = json!({"num_predict": request.max_output_tokens, "num_ctx": context.context_tokens});
    if let Some(temperature) = request.temperature {
        options["temperature"] = temperature.into();
    }
    let mut body = json!({
        "model": request.model.model, "messages": messages, "stream": false, "options": options,
    });
    if let Some(schema) = request.schema.as_deref() {
        match context.mode {
            OutputMode::Strict | OutputMode::Schema => body["format"] = schema.clone(),
            OutputMode::JsonObject => body["format"] = "json".into(),
            OutputMode::Text => {}
        }
    }
    let headers = context.headers(AUTHORIZATION, "Bearer ")?;
    Ok(HttpRequest { url: context.url(&["api", "chat"]), headers, body })
}

pub fn response(body: &Value, model: &str) -> Result<ModelResponse, ModelError> {
    let text = body.pointer("/message/content").and_then(Value::as_str);
    let text = text.ok_or_else(|| invalid(model, "it has no message"))?.to_owned();
    let finish = match body.get("done_reason").and_then(Value::as_str) {
        Some("length") => FinishReason::Length,
        _ => FinishReason::Done,
    };
    let response = RawResponse {
        text,
        model: body.get("model").and_then(Value::as_str),
        prompt_tokens: number(body, "/prompt_eval_count"),
        completion_tokens: number(body, "/eval_count"),
        finish,
    };
    response.check(model)
}
