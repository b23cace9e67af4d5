//! Requests that are repeated until the response conforms to the schema.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::blocking::run_blocking;
use super::checkpoint::Prompt;
use super::error::AttemptError;
use super::session::ModelSession;
use crate::domain::extraction::ExtractionError;
use crate::domain::extraction::prompt;
use crate::domain::extraction::response::parse_json;
use crate::domain::extraction::schema::{OutputSchema, SchemaScope};
use crate::ports::{Message, Role};

/// The limit on checking one response against the schema.
const VALIDATION_TIMEOUT: Duration = Duration::from_secs(10);

/// The value of a response that conforms to `schema`. A response that does not is sent back with its violations, up to
/// the configured number of repairs.
pub async fn conforming_response(
    session: &ModelSession<'_>,
    label: &str,
    prompt: String,
    schema: &Arc<OutputSchema>,
    scope: SchemaScope,
) -> Result<Value, AttemptError> {
    let json_schema = schema.json(scope);
    let system: Arc<str> = prompt::system(Some(json_schema)).into();
    let first = Message { role: Role::User, text: prompt };
    let mut messages = vec![first.clone()];
    let mut round = 0;
    loop {
        let request = Prompt {
            label: format!("{label}, {round}"),
            system: Arc::clone(&system),
            messages: messages.clone(),
            schema: Some(Arc::clone(json_schema)),
            is_repair: round > 0,
        };
        let response = session.respond(request).await?;
        let violations = match parse_json(&response.text) {
            Some(value) => match validate(schema, scope, value).await? {
                (value, violations) if violations.is_empty() => return Ok(value),
                (_, violations) => violations,
            },
            None => vec!["the response: not a JSON value".to_owned()],
        };
        if round >= session.policy().repair_attempts {
            return Err(not_conforming(&violations).into());
        }
        round += 1;
        let repair = Message { role: Role::User, text: prompt::repair(&violations) };
        messages = vec![first.clone(), Message { role: Role::Assistant, text: response.text }, repair];
    }
}

pub fn not_conforming(violations: &[String]) -> ExtractionError {
    let reason = format!("The model's response does not conform to the schema: {}", violations.join("; "));
    ExtractionError::failed("not_conforming", reason)
}

/// The value and its violations of the schema.
pub async fn validate(
    schema: &Arc<OutputSchema>,
    scope: SchemaScope,
    value: Value,
) -> Result<(Value, Vec<String>), AttemptError> {
    let schema = Arc::clone(schema);
    let check = run_blocking(move || {
        let violations = schema.violations(scope, &value);
        (value, violations)
    });
    tokio::time::timeout(VALIDATION_TIMEOUT, check).await.unwrap_or_else(|_| {
        let limit = VALIDATION_TIMEOUT.as_secs();
        let reason = format!("Checking the model's response against the schema takes longer than {limit}s");
        Err(ExtractionError::failed("schema_too_costly", reason).into())
    })
}
