//! What a provider's refusal means: its status and its words, as the decision that the caller can take.

use std::time::Duration;

use http::HeaderMap;
use jiff::Timestamp;
use opilio_actors::ports::{ModelError, Spent};
use serde_json::Value;

use crate::egress::retry_after;

/// An answer that is not a 2xx. `body` is `null` where it is no JSON.
pub fn of(status: u16, headers: &HeaderMap, body: &Value, now: Timestamp, who: &str) -> ModelError {
    let words = Words::of(body);
    let wait = wait(headers, body, now);
    of_words(status, &words, wait, who)
}

/// Some say an error with a status of 200.
pub fn within_success(body: &Value, who: &str) -> Option<ModelError> {
    let error = body.get("error").filter(|error| !error.is_null())?;
    let status = error.get("code").and_then(Value::as_u64).and_then(|code| u16::try_from(code).ok());
    Some(of_words(status.filter(|status| *status >= 400).unwrap_or(500), &Words::of(body), None, who))
}

fn of_words(status: u16, words: &Words, wait: Option<Duration>, who: &str) -> ModelError {
    let who = who.to_owned();
    match status {
        _ if words.mean(&["insufficient_quota", "billing_hard_limit", "credit balance is too low"]) => {
            ModelError::Quota { who }
        }
        400 | 413 | 422 if words.mean(TOO_LONG) => ModelError::ContextTooLong { who },
        400 | 422 if words.mean(&["content_filter", "content_policy", "responsibleaipolicy"]) => {
            ModelError::Filtered { who, spent: Spent::default() }
        }
        400 if words.mean(&["api_key_invalid", "api key not valid"]) => ModelError::Unauthorized { who },
        401 => ModelError::Unauthorized { who },
        402 => ModelError::Quota { who },
        403 => ModelError::Forbidden { who },
        404 => ModelError::ModelNotFound { who },
        408 => ModelError::Overloaded { who, status, wait },
        413 => ModelError::ContextTooLong { who },
        429 => ModelError::RateLimited { who, wait },
        300..=399 => ModelError::BadRequest { who, status, words: "it redirects, which is not followed".to_owned() },
        500..=599 => ModelError::Overloaded { who, status, wait },
        _ => ModelError::BadRequest { who, status, words: words.for_a_person() },
    }
}

/// How providers and servers say that a question is longer than the context.
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

/// Whether the provider does not take the schema, or no schema at all.
pub fn is_about_the_form(error: &ModelError) -> bool {
    let ModelError::BadRequest { status: 400 | 422, words, .. } = error else { return false };
    let words = words.to_lowercase();
    ["schema", "response_format", "response format", "format", "output_config", "grammar", "json", "mime"]
        .iter()
        .any(|sign| words.contains(sign))
}

/// The words of an error body, in whatever shape they come.
struct Words {
    message: String,
    codes: Vec<String>,
}

impl Words {
    fn of(body: &Value) -> Self {
        // Gemini's OpenAI-compatible side wraps its error in a list.
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

    fn mean(&self, signs: &[&str]) -> bool {
        let message = self.message.to_lowercase();
        signs.iter().any(|sign| message.contains(sign) || self.codes.iter().any(|code| code.contains(sign)))
    }

    fn for_a_person(&self) -> String {
        if self.message.trim().is_empty() { "no reason given".to_owned() } else { shortened(&self.message) }
    }
}

/// One line of at most 200 characters, without control characters.
pub fn shortened(text: &str) -> String {
    const MOST: usize = 200;
    let line: String = text.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if line.chars().count() <= MOST { line } else { line.chars().take(MOST).chain(['…']).collect() }
}

/// Whoever asks for more is taken at a day.
const LONGEST_WAIT: Duration = Duration::from_secs(86_400);

/// How long the provider asks to be left alone: `retry-after-ms`, `Retry-After`, or Google's `RetryInfo`.
fn wait(headers: &HeaderMap, body: &Value, now: Timestamp) -> Option<Duration> {
    let millis = headers.get("retry-after-ms").and_then(|raw| raw.to_str().ok()?.trim().parse().ok());
    let seconds = || headers.get("retry-after").and_then(|raw| raw.to_str().ok()?.trim().parse::<f64>().ok());
    let seconds = || seconds().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let told = || {
        let details = body.pointer("/error/details")?.as_array()?;
        let delay = details.iter().find_map(|detail| detail.get("retryDelay")?.as_str())?;
        Duration::try_from_secs_f64(delay.strip_suffix('s')?.parse().ok()?).ok()
    };
    let asked = millis.map(Duration::from_millis).or_else(seconds).or_else(|| retry_after(headers, now)).or_else(told);
    asked.map(|asked| asked.min(LONGEST_WAIT))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn kind(status: u16, body: &Value) -> &'static str {
        of(status, &HeaderMap::new(), body, Timestamp::UNIX_EPOCH, "openai/x").kind()
    }

    #[test]
    fn each_refusal_has_its_own_name() {
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
    fn the_providers_wait_is_found_wherever_it_stands() {
        let asked = |name: &'static str, value: &'static str, body: Value| {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().unwrap());
            of(429, &headers, &body, Timestamp::UNIX_EPOCH, "x").wait()
        };
        assert_eq!(asked("retry-after", "7", Value::Null), Some(Duration::from_secs(7)));
        assert_eq!(asked("retry-after", "0.5", Value::Null), Some(Duration::from_millis(500)));
        assert_eq!(asked("retry-after-ms", "120", Value::Null), Some(Duration::from_millis(120)));
        assert_eq!(asked("retry-after", "99999999999999999999", Value::Null), None);
        assert_eq!(asked("retry-after", "9999999999", Value::Null), Some(LONGEST_WAIT));
        let info = json!({"error": {"details": [{"@type": "…RetryInfo", "retryDelay": "3.2s"}]}});
        assert_eq!(asked("x", "y", info), Some(Duration::from_millis(3200)));
    }

    #[test]
    fn an_error_with_a_status_of_200_is_an_error() {
        let error = within_success(&json!({"error": {"code": 429, "message": "slow down"}}), "x");
        assert_eq!(error.map(|error| error.kind()), Some("rate_limited"));
        assert_eq!(within_success(&json!({"error": null}), "x"), None);
    }
}
