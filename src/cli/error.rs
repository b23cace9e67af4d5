//! Errors of the commands, and their exit codes.

use std::fmt::Write;
use std::process::ExitCode;

use serde_json::{Value, json};

use super::output;

/// An error of a client command; one variant for each exit code.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The job failed or was cancelled.
    #[error("{0}")]
    JobFailed(String),
    #[error("{0}")]
    InvalidArguments(String),
    #[error("cannot reach the server at {url}: {reason}")]
    Unreachable { url: String, reason: String },
    #[error("the server rejected the request: {reason} (HTTP {status})")]
    Rejected { status: u16, reason: String, response: Value },
    #[error("the server is temporarily unable: {reason} (HTTP {status})")]
    Unable { status: u16, reason: String, response: Value },
}

impl ClientError {
    /// The error of a response whose status is not a success.
    pub fn from_response(status: u16, body: &[u8]) -> Self {
        let response = serde_json::from_slice(body).unwrap_or_default();
        let reason = reason(&response);
        match status {
            429 | 500.. => Self::Unable { status, reason, response },
            _ => Self::Rejected { status, reason, response },
        }
    }

    /// Whether the same request may succeed later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Unable { status: 429 | 502..=504, .. })
    }

    fn exit_code(&self) -> u8 {
        match self {
            Self::JobFailed(_) => 1,
            Self::InvalidArguments(_) => 2,
            Self::Unreachable { .. } => 3,
            Self::Rejected { .. } => 4,
            Self::Unable { .. } => 5,
        }
    }
}

/// Whether errors are printed as JSON. Read from the raw arguments, because they may be invalid.
pub fn is_json() -> bool {
    std::env::args_os().skip(1).take_while(|argument| argument != "--").any(|argument| argument == "--json")
}

/// The error as JSON: its text, the exit code, and the status and body of the server's response.
fn document(error: &anyhow::Error, exit_code: u8) -> Value {
    let mut document = json!({"error": format!("{error:#}"), "exit_code": exit_code});
    if let Some(ClientError::Rejected { status, response, .. } | ClientError::Unable { status, response, .. }) =
        error.downcast_ref::<ClientError>()
    {
        document["status"] = json!(status);
        document["response"] = response.clone();
    }
    document
}

/// Exits after invalid arguments, `--help` or `--version`.
pub fn exit_invalid_arguments(error: &clap::Error) -> ExitCode {
    if error.use_stderr() && is_json() {
        let text = error.render().to_string();
        let reason = text.split("\n\n").next().unwrap_or_default().trim_start_matches("error: ").to_owned();
        return exit(Err(ClientError::InvalidArguments(reason).into()));
    }
    // Fails only if the output is closed.
    let _ = error.print();
    u8::try_from(error.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from)
}

/// Prints the error, if any, and returns the exit code. A closed output is not an error.
pub fn exit(result: anyhow::Result<()>) -> ExitCode {
    let Err(error) = result else { return ExitCode::SUCCESS };
    let is_closed = |cause: &(dyn std::error::Error + 'static)| {
        cause.downcast_ref::<std::io::Error>().is_some_and(|io| io.kind() == std::io::ErrorKind::BrokenPipe)
    };
    if error.chain().any(is_closed) {
        return ExitCode::SUCCESS;
    }
    print(&error);
    exit_code(&error).into()
}

fn exit_code(error: &anyhow::Error) -> u8 {
    error.downcast_ref::<ClientError>().map_or(1, ClientError::exit_code)
}

/// Prints the error on standard error, as text or JSON.
pub fn print(error: &anyhow::Error) {
    match is_json() {
        true => eprintln!("{}", document(error, exit_code(error))),
        // Standard error may be closed.
        false => drop(output::write_text(&mut std::io::stderr(), &format!("opilio: {error:#}"))),
    }
}

/// The `detail` of an error response as one sentence.
fn reason(body: &Value) -> String {
    match (body.get("detail"), body.get("error")) {
        (Some(Value::Array(fields)), _) => fields.iter().map(field).collect::<Vec<_>>().join("; "),
        (Some(Value::String(reason)), _) | (None, Some(Value::String(reason))) => match body.get("correlation_id") {
            Some(Value::String(id)) => format!("{reason}, correlation id {id}"),
            _ => reason.clone(),
        },
        _ => "no reason given".to_owned(),
    }
}

/// An invalid field and its error: `urls.0: must be a string`.
fn field(error: &Value) -> String {
    let mut path = String::new();
    for segment in error["loc"].as_array().into_iter().flatten().filter(|segment| *segment != "body") {
        let dot = if path.is_empty() { "" } else { "." };
        let _ = match segment {
            Value::String(name) => write!(path, "{dot}{name}"),
            index => write!(path, "{dot}{index}"),
        };
    }
    let message = error["msg"].as_str().unwrap_or("invalid");
    if path.is_empty() { message.to_owned() } else { format!("{path}: {message}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_invalid_fields_are_in_one_sentence() {
        let body = br#"{"detail":[{"loc":["body","urls",0],"msg":"must be a string","type":"url_type"},
            {"loc":["body"],"msg":"must be an object","type":"x"}]}"#;
        let error = ClientError::from_response(422, body);
        let text = "the server rejected the request: urls.0: must be a string; must be an object (HTTP 422)";
        assert_eq!((error.to_string().as_str(), error.exit_code()), (text, 4));
    }

    #[test]
    fn temporary_errors_have_their_own_exit_code() {
        for (status, exit_code, is_transient) in [(401, 4, false), (429, 5, true), (500, 5, false), (503, 5, true)] {
            let error = ClientError::from_response(status, b"");
            assert_eq!((error.exit_code(), error.is_transient()), (exit_code, is_transient), "{status}");
        }
        let body = br#"{"error":"Internal server error","correlation_id":"01K"}"#;
        let error = ClientError::from_response(500, body);
        assert!(error.to_string().contains("Internal server error, correlation id 01K"));
    }
}
