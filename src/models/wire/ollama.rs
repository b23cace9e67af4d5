//! Ollama's own chat.

use http::header::AUTHORIZATION;
use opilio_actors::ports::{ModelAnswer, ModelError};
use serde_json::{Value, json};

use super::{End, Form, Request, Said, Sent, not_promised, number, role};

pub fn request(sent: &Sent<'_>) -> Result<Request, ModelError> {
    let question = sent.question;
    let mut messages = vec![json!({"role": "system", "content": question.system})];
    messages.extend(question.turns.iter().map(|turn| json!({"role": role(turn.role), "content": turn.text})));
    // Without `num_ctx` a long question is cut in silence.
    let mut options = json!({"num_predict": question.answer_tokens, "num_ctx": sent.context_tokens});
    if let Some(temperature) = question.temperature {
        options["temperature"] = temperature.into();
    }
    let mut body = json!({
        "model": question.model.model, "messages": messages, "stream": false, "options": options,
    });
    if let Some(schema) = question.schema.as_deref() {
        match sent.form {
            Form::Strict | Form::Schema => body["format"] = schema.clone(),
            Form::Object => body["format"] = "json".into(),
            Form::Free => {}
        }
    }
    let headers = sent.headers(AUTHORIZATION, "Bearer ")?;
    Ok(Request { url: sent.below(&["api", "chat"]), headers, body })
}

pub fn answer(body: &Value, who: &str) -> Result<ModelAnswer, ModelError> {
    let text = body.pointer("/message/content").and_then(Value::as_str);
    let text = text.ok_or_else(|| not_promised(who, "it has no message"))?.to_owned();
    let end = match body.get("done_reason").and_then(Value::as_str) {
        Some("length") => End::Length,
        _ => End::Done,
    };
    let said = Said {
        text,
        model: body.get("model").and_then(Value::as_str),
        prompt_tokens: number(body, "/prompt_eval_count"),
        completion_tokens: number(body, "/eval_count"),
        end,
    };
    said.checked(who)
}
