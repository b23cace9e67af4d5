//! Maps a provider's error response to a [`ModelError`], by status and message.

use std::time::Duration;

use http::HeaderMap;
use jiff::Timestamp;
use opilio_actors::ports::{ModelError, TokenCount};
use serde_json::Value;

use crate::egress::retry_after;

/// The error of a response whose status is not 2xx. `body` is `null` if it is not JSON.
pub fn from_response(status: u16, headers: &HeaderMap, body: &Value, now: Timestamp, model: &str) -> ModelError {
    classify(status, &ErrorBody::parse(body), retry_delay(headers, body, now), model)
}

/// The error of a response with status 2xx: some providers report errors in its body.
pub fn in_success(body: &Value, model: &str) -> Option<ModelError> {
    let error = body.get("error").filter(|error| !error.is_null())?;
    let status = error.get("code").and_then(Value::as_u64).and_then(|code| u16::try_from(code).ok());
    Some(classify(status.filter(|status| *status >= 400).unwrap_or(500), &ErrorBody::parse(body), None, model))
}

fn classify(status: u16, body: &ErrorBody, retry_after: Option<Duration>, model: &str) -> ModelError {
    let model = model.to_owned();
    match status {
        _ if body.mentions(&["insufficient_quota", "billing_hard_limit", "credit balance is too low"]) => {
            ModelError::Quota { model }
        }
        400 | 413 | 422 if body.mentions(TOO_LONG) => ModelError::ContextTooLong { model },
        400 | 422 if body.mentions(&["content_filter", "content_policy", "responsibleaipolicy"]) => {
            ModelError::Filtered { model, used: TokenCount::default() }
        }
        400 if body.mentions(&["api_key_invalid", "api key not valid"]) => ModelError::Unauthorized { model },
        401 => ModelError::Unauthorized { model },
        402 => ModelError::Quota { model },
        403 => ModelError::Forbidden { model },
        404 => ModelError::ModelNotFound { model },
        408 => ModelError::Overloaded { model, status, retry_after },
        413 => ModelError::ContextTooLong { model },
        429 => ModelError::RateLimited { model, retry_after },
        300..=399 => ModelError::BadRequest { model, status, message: "redirects are not followed".to_owned() },
        500..=599 => ModelError::Overloaded { model, status, retry_after },
        _ => ModelError::BadRequest { model, status, message: body.display_message() },
    }
}

/// Codes and phrases of providers for a request that is longer than the context.
const TOO_LONG: &[&str] = &[
    "context_length_exceeded",
    "exceed_context_size",
    "maximum context length",
    "context window",
    "context size",
    "prompt is too long",
    "input is too long",
    "too many tokens",
    "exceeds the maximum number of tokens",
    "request too large",
];

/// Whether the provider rejects the schema or structured output.
pub fn rejects_output_mode(error: &ModelError) -> bool {
    let ModelError::BadRequest { status: 400 | 422, message, .. } = error else { return false };
    let message = message.to_lowercase();
    ["schema", "response_format", "response format", "format", "output_config", "grammar", "json", "mime"]
        .iter()
        .any(|word| message.contains(word))
}

/// Message and codes of an error body, in any provider's format.
struct ErrorBody {
    message: String,
    /// In lower case.
    codes: Vec<String>,
}

impl ErrorBody {
    fn parse(body: &Value) -> Self {
        // Gemini's OpenAI-compatible API wraps the error in a list.
        let body = body.get(0).unwrap_or(body);
        let error = body.get("error").unwrap_or(body);
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let message = text(error).or_else(|| error.get("message").and_then(text));
        let message = message.or_else(|| body.get("detail").and_then(text)).unwrap_or_default();
        let mut codes: Vec<_> = ["code", "type", "status"].iter().filter_map(|key| error.get(key)?.as_str()).collect();
        let details = error.get("details").and_then(Value::as_array);
        codes.extend(details.into_iter().flatten().filter_map(|detail| detail.get("reason")?.as_str()));
        let codes = codes.into_iter().map(str::to_lowercase).collect();
        Self { message, codes }
    }

    fn mentions(&self, phrases: &[&str]) -> bool {
        let message = self.message.to_lowercase();
        phrases.iter().any(|phrase| message.contains(phrase) || self.codes.iter().any(|code| code.contains(phrase)))
    }

    fn display_message(&self) -> String {
        if self.message.trim().is_empty() { "no reason given".to_owned() } else { shortened(&self.message) }
    }
}

/// One line of at most 200 characters, without control characters.
pub fn shortened(text: &str) -> String {
    const MAX: usize = 200;
    let line: String = text.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if line.chars().count() <= MAX { line } else { line.chars().take(MAX).chain(['…']).collect() }
}

/// The limit on a delay that a provider requests.
const MAX_DELAY: Duration = Duration::from_secs(86_400);

/// The delay that the provider requests: `retry-after-ms`, `Retry-After`, or Google's `RetryInfo`.
fn retry_delay(headers: &HeaderMap, body: &Value, now: Timestamp) -> Option<Duration> {
    let millis = headers.get("retry-after-ms").and_then(|raw| raw.to_str().ok()?.trim().parse().ok());
    let seconds = || headers.get("retry-after").and_then(|raw| raw.to_str().ok()?.trim().parse::<f64>().ok());
    let seconds = || seconds().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let retry_info = || {
        let details = body.pointer("/error/details")?.as_array()?;
        let delay = details.iter().find_map(|detail| detail.get("retryDelay")?.as_str())?;
        Duration::try_from_secs_f64(delay.strip_suffix('s')?.parse().ok()?).ok()
    };
    let requested =
        millis.map(Duration::from_millis).or_else(seconds).or_else(|| retry_after(headers, now)).or_else(retry_info);
    requested.map(|delay| delay.min(MAX_DELAY))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn kind(status: u16, body: &Value) -> &'static str {
        from_response(status, &HeaderMap::new(), body, Timestamp::UNIX_EPOCH, "openai/x").kind()
    }

    #[test]
    fn each_error_response_has_its_kind() {
        let openai = |code: &str| json!({"error": {"message": "m", "type": "t", "code": code}});
        for (status, body, name) in [
            (401, openai("invalid_api_key"), "unauthorized"),
            (403, openai("x"), "forbidden"),
            (404, openai("model_not_found"), "model_not_found"),
            (429, openai("rate_limit_exceeded"), "rate_limited"),
            (429, openai("insufficient_quota"), "quota_exhausted"),
            (402, json!({"error": {"message": "Insufficient Balance"}}), "quota_exhausted"),
            (400, openai("context_length_exceeded"), "context_too_long"),
            (400, openai("content_filter"), "content_filtered"),
            (400, openai("unsupported_value"), "bad_request"),
            (400, json!({"error": {"type": "exceed_context_size_error", "message": "n"}}), "context_too_long"),
            (400, json!({"error": {"message": "prompt is too long: 9 > 8"}}), "context_too_long"),
            (
                400,
                json!({"type": "error", "error": {"type": "invalid_request_error",
                "message": "Your credit balance is too low"}}),
                "quota_exhausted",
            ),
            (400, json!({"error": {"status": "INVALID_ARGUMENT", "message": "API key not valid."}}), "unauthorized"),
            (404, json!({"error": "model 'x' not found"}), "model_not_found"),
            (500, Value::Null, "overloaded"),
            (529, json!({"error": {"type": "overloaded_error"}}), "overloaded"),
        ] {
            assert_eq!(kind(status, &body), name, "{status} {body}");
        }
    }

    #[test]
    fn requested_delay_is_found_in_headers_and_body() {
        let requested = |name: &'static str, value: &'static str, body: Value| {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().unwrap());
            from_response(429, &headers, &body, Timestamp::UNIX_EPOCH, "x").retry_after()
        };
        assert_eq!(requested("retry-after", "7", Value::Null), Some(Duration::from_secs(7)));
        assert_eq!(requested("retry-after", "0.5", Value::Null), Some(Duration::from_millis(500)));
        assert_eq!(requested("retry-after-ms", "120", Value::Null), Some(Duration::from_millis(120)));
        assert_eq!(requested("retry-after", "99999999999999999999", Value::Null), None);
        assert_eq!(requested("retry-after", "9999999999", Value::Null), Some(MAX_DELAY));
        let info = json!({"error": {"details": [{"@type": "…RetryInfo", "retryDelay": "3.2s"}]}});
        assert_eq!(requested("x", "y", info), Some(Duration::from_millis(3200)));
    }

    #[test]
    fn error_in_a_successful_response_is_found() {
        let error = in_success(&json!({"error": {"code": 429, "message": "slow down"}}), "x");
        assert_eq!(error.map(|error| error.kind()), Some("rate_limited"));
        assert_eq!(in_success(&json!({"error": null}), "x"), None);
    }
}
