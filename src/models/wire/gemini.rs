//! Google's `generateContent`.

use http::header::HeaderName;
use opilio_actors::ports::{ModelAnswer, ModelError, Role, Spent};
use serde_json::{Value, json};

use super::{End, Form, Request, Said, Sent, not_promised, number};

pub fn request(sent: &Sent<'_>) -> Result<Request, ModelError> {
    let question = sent.question;
    let contents = question.turns.iter().map(|turn| {
        let role = if turn.role == Role::User { "user" } else { "model" };
        json!({"role": role, "parts": [{"text": turn.text}]})
    });
    let mut generation = json!({"maxOutputTokens": question.answer_tokens});
    if let Some(temperature) = question.temperature {
        generation["temperature"] = temperature.into();
    }
    if let Some(schema) = question.schema.as_deref() {
        if sent.form != Form::Free {
            generation["responseMimeType"] = "application/json".into();
        }
        if matches!(sent.form, Form::Strict | Form::Schema) {
            generation["responseJsonSchema"] = schema.clone();
        }
    }
    let body = json!({
        "systemInstruction": {"parts": [{"text": question.system}]},
        "contents": contents.collect::<Vec<_>>(),
        "generationConfig": generation,
    });
    let headers = sent.headers(HeaderName::from_static("x-goog-api-key"), "")?;
    let method = format!("{}:generateContent", question.model.model);
    Ok(Request { url: sent.below(&["models", &method]), headers, body })
}

pub fn answer(body: &Value, who: &str) -> Result<ModelAnswer, ModelError> {
    if body.pointer("/promptFeedback/blockReason").is_some() {
        let prompt_tokens = number(body, "/usageMetadata/promptTokenCount");
        let spent = Spent { prompt_tokens, completion_tokens: 0 };
        return Err(ModelError::Filtered { who: who.to_owned(), spent });
    }
    let candidate = body.pointer("/candidates/0").ok_or_else(|| not_promised(who, "it has no candidates"))?;
    let parts = candidate.pointer("/content/parts").and_then(Value::as_array);
    let spoken = parts.into_iter().flatten().filter(|part| part.get("thought") != Some(&Value::Bool(true)));
    let text = spoken.filter_map(|part| part.get("text").and_then(Value::as_str)).collect();
    let end = match candidate.get("finishReason").and_then(Value::as_str) {
        Some("MAX_TOKENS") => End::Length,
        Some("SAFETY" | "RECITATION" | "BLOCKLIST" | "PROHIBITED_CONTENT" | "SPII") => End::Filter,
        _ => End::Done,
    };
    let thought = number(body, "/usageMetadata/thoughtsTokenCount");
    let said = Said {
        text,
        model: body.get("modelVersion").and_then(Value::as_str),
        prompt_tokens: number(body, "/usageMetadata/promptTokenCount"),
        completion_tokens: number(body, "/usageMetadata/candidatesTokenCount") + thought,
        end,
    };
    said.checked(who)
}
