//! Chat completions, as OpenAI defined them and most others speak them.

use http::header::AUTHORIZATION;
use opilio_actors::ports::{ModelAnswer, ModelError};
use serde_json::{Value, json};

use super::{End, Form, Request, Said, Sent, is_object_shape, not_promised, number, role};

pub fn request(sent: &Sent<'_>) -> Result<Request, ModelError> {
    let question = sent.question;
    let mut messages = vec![json!({"role": "system", "content": question.system})];
    messages.extend(question.turns.iter().map(|turn| json!({"role": role(turn.role), "content": turn.text})));
    let mut body = json!({"model": question.model.model, "messages": messages});
    // The newer name is needed by OpenAI's reasoning models, wherever they are served, the older one by everybody else.
    let host = sent.base_url.host_str().unwrap_or_default();
    let is_openai = [".openai.com", ".openai.azure.com"].iter().any(|own| host.ends_with(own));
    let limit = if is_openai || sent.family == "openai" { "max_completion_tokens" } else { "max_tokens" };
    body[limit] = question.answer_tokens.into();
    if let Some(temperature) = question.temperature {
        body["temperature"] = temperature.into();
    }
    if let Some(schema) = question.schema.as_deref().filter(|schema| is_object_shape(schema)) {
        match sent.form {
            Form::Strict | Form::Schema => {
                let strict = sent.form == Form::Strict;
                let named = json!({"name": "extraction", "schema": schema, "strict": strict});
                body["response_format"] = json!({"type": "json_schema", "json_schema": named});
            }
            Form::Object => body["response_format"] = json!({"type": "json_object"}),
            Form::Free => {}
        }
    }
    let headers = sent.headers(AUTHORIZATION, "Bearer ")?;
    Ok(Request { url: sent.below(&["chat", "completions"]), headers, body })
}

pub fn answer(body: &Value, who: &str) -> Result<ModelAnswer, ModelError> {
    let choice = body.pointer("/choices/0").ok_or_else(|| not_promised(who, "it has no choices"))?;
    let message = choice.get("message").ok_or_else(|| not_promised(who, "it has no message"))?;
    let refusal = message.get("refusal").and_then(Value::as_str).filter(|words| !words.is_empty());
    let end = match (refusal, choice.get("finish_reason").and_then(Value::as_str)) {
        (Some(words), _) => End::Refusal(words.to_owned()),
        (None, Some("length" | "model_length")) => End::Length,
        (None, Some("content_filter")) => End::Filter,
        (None, Some("error")) => return Err(not_promised(who, "it ended with an error")),
        _ => End::Done,
    };
    let text = match message.get("content") {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => parts.iter().filter_map(|part| part.get("text").and_then(Value::as_str)).collect(),
        _ => String::new(),
    };
    let said = Said {
        text,
        model: body.get("model").and_then(Value::as_str),
        prompt_tokens: number(body, "/usage/prompt_tokens"),
        completion_tokens: number(body, "/usage/completion_tokens"),
        end,
    };
    said.checked(who)
}
