//! The protocols of the providers: validation of a request, and the body of a response.

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};

use super::State;

/// The validation errors of a request.
struct Validation(Vec<String>);

impl Validation {
    fn headers(request: &HttpRequest, needed: &[(&str, &str)]) -> Self {
        let mut validation = Self(Vec::new());
        let found = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
        for (name, value) in [("content-type", "application/json")].iter().chain(needed) {
            validation.check(found(name) == Some(value), &format!("header {name}"));
        }
        validation
    }

    fn check(&mut self, valid: bool, name: &str) {
        if !valid {
            self.0.push(name.to_owned());
        }
    }

    fn keys(&mut self, object: &Value, needed: &[&str], possible: &[&str]) {
        let Some(object) = object.as_object() else { return self.check(false, "an object") };
        for key in needed {
            self.check(object.contains_key(*key), &format!("{key} is missing"));
        }
        for key in object.keys() {
            let known = needed.contains(&key.as_str()) || possible.contains(&key.as_str());
            self.check(known, &format!("{key} is not known"));
        }
    }

    /// Checks that roles alternate and that the first and the last are the user's.
    fn messages(&mut self, messages: &[Value], other: &str, text: &str) {
        self.check(messages.len() % 2 == 1, "an odd number of messages");
        for (message, role) in messages.iter().zip(["user", other].into_iter().cycle()) {
            self.check(message["role"] == role, "roles alternate");
            self.check(
                message.pointer(text).is_some_and(|text| text.as_str().is_some_and(|text| !text.is_empty())),
                "a text",
            );
        }
    }

    /// The error response, if the request is invalid.
    fn into_error(self) -> Option<HttpResponse> {
        let errors = format!("the fake provider rejects: {}", self.0.join(", "));
        (!self.0.is_empty())
            .then(|| HttpResponse::build(418u16.try_into().expect("a status")).json(json!({"error": errors})))
    }
}

pub async fn openai(state: web::Data<State>, request: HttpRequest, body: web::Json<Value>) -> HttpResponse {
    let mut validation = Validation::headers(&request, &[("authorization", "Bearer test-key")]);
    // Servers that are compatible with OpenAI's know the older name only.
    let limit = if request.path().starts_with("/own") { "max_tokens" } else { "max_completion_tokens" };
    validation.keys(&body, &["model", "messages", limit], &["temperature", "response_format"]);
    validation.check(body[limit].as_u64().is_some_and(|tokens| tokens > 0), limit);
    let messages = body["messages"].as_array().cloned().unwrap_or_default();
    validation.check(messages.first().is_some_and(|first| first["role"] == "system"), "a system message");
    validation.messages(messages.get(1..).unwrap_or_default(), "assistant", "/content");
    if let Some(format) = body.get("response_format") {
        let named = &format["json_schema"];
        let complete = named["name"].is_string() && named["schema"].is_object() && named["strict"].is_boolean();
        validation
            .check(format["type"] == "json_object" || format["type"] == "json_schema" && complete, "response_format");
    }
    if let Some(error) = validation.into_error() {
        return error;
    }
    let model = body["model"].as_str().unwrap_or_default().to_owned();
    let format = |text: &str, end: &str| {
        let refusal = (end == "refusal").then_some(text);
        let content = if refusal.is_some() { Value::Null } else { text.into() };
        let finish = match end {
            "length" => "length",
            "filter" => "content_filter",
            _ => "stop",
        };
        json!({"id": "x", "object": "chat.completion", "model": "gpt-test-2026",
            "choices": [{"index": 0, "finish_reason": finish,
                "message": {"role": "assistant", "content": content, "refusal": refusal}}],
            "usage": {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}})
    };
    state.respond(&model, body.into_inner(), format).await
}

pub async fn anthropic(state: web::Data<State>, request: HttpRequest, body: web::Json<Value>) -> HttpResponse {
    let mut validation =
        Validation::headers(&request, &[("x-api-key", "test-key"), ("anthropic-version", "2023-06-01")]);
    validation.keys(&body, &["model", "messages", "max_tokens"], &["system", "temperature", "output_config"]);
    validation.check(body["max_tokens"].as_u64().is_some_and(|tokens| tokens > 0), "max_tokens");
    validation.check(body["system"].is_string(), "system");
    validation.messages(body["messages"].as_array().map_or(&[], Vec::as_slice), "assistant", "/content");
    if let Some(config) = body.get("output_config") {
        let format = &config["format"];
        validation.check(format["type"] == "json_schema" && format["schema"].is_object(), "output_config");
    }
    if let Some(error) = validation.into_error() {
        return error;
    }
    let model = body["model"].as_str().unwrap_or_default().to_owned();
    let format = |text: &str, end: &str| {
        let stop = match end {
            "length" => "max_tokens",
            "refusal" | "filter" => "refusal",
            _ => "end_turn",
        };
        json!({"id": "msg_x", "type": "message", "role": "assistant", "model": "claude-test-2026",
            "content": [{"type": "text", "text": text}], "stop_reason": stop,
            "usage": {"input_tokens": 100, "output_tokens": 10}})
    };
    state.respond(&model, body.into_inner(), format).await
}

pub async fn gemini(
    state: web::Data<State>,
    request: HttpRequest,
    method: web::Path<String>,
    body: web::Json<Value>,
) -> HttpResponse {
    let mut validation = Validation::headers(&request, &[("x-goog-api-key", "test-key")]);
    validation.keys(&body, &["contents"], &["systemInstruction", "generationConfig"]);
    validation
        .check(body.pointer("/systemInstruction/parts/0/text").is_some_and(Value::is_string), "systemInstruction");
    validation.messages(body["contents"].as_array().map_or(&[], Vec::as_slice), "model", "/parts/0/text");
    let known = ["temperature", "maxOutputTokens", "responseMimeType", "responseJsonSchema"];
    validation.keys(&body["generationConfig"], &[], &known);
    validation.check(request.query_string().is_empty(), "no key in the address");
    let (model, verb) = method.rsplit_once(':').unwrap_or_default();
    validation.check(verb == "generateContent", "the method");
    if let Some(error) = validation.into_error() {
        return error;
    }
    let format = |text: &str, end: &str| {
        let finish = match end {
            "length" => "MAX_TOKENS",
            "filter" => "SAFETY",
            "refusal" => return json!({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}),
            _ => "STOP",
        };
        json!({"candidates": [{"content": {"role": "model", "parts": [{"text": text}]}, "finishReason": finish}],
            "usageMetadata": {"promptTokenCount": 100, "candidatesTokenCount": 10, "totalTokenCount": 110},
            "modelVersion": "gemini-test-2026"})
    };
    state.respond(model, body.into_inner(), format).await
}

pub async fn ollama(state: web::Data<State>, request: HttpRequest, body: web::Json<Value>) -> HttpResponse {
    let mut validation = Validation::headers(&request, &[]);
    validation.keys(&body, &["model", "messages", "stream"], &["format", "options"]);
    validation.check(body["stream"] == false, "stream");
    validation.check(body.pointer("/options/num_ctx").is_some_and(Value::is_u64), "num_ctx");
    let messages = body["messages"].as_array().cloned().unwrap_or_default();
    validation.messages(messages.get(1..).unwrap_or_default(), "assistant", "/content");
    if let Some(error) = validation.into_error() {
        return error;
    }
    let model = body["model"].as_str().unwrap_or_default().to_owned();
    let format = |text: &str, end: &str| {
        let reason = if end == "length" { "length" } else { "stop" };
        json!({"model": "ollama-test-2026", "message": {"role": "assistant", "content": text}, "done": true,
            "done_reason": reason, "prompt_eval_count": 100, "eval_count": 10})
    };
    state.respond(&model, body.into_inner(), format).await
}
