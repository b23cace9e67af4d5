//! Why a command ends without success, and the exit code that says so to a script.

use std::fmt::Write;
use std::process::ExitCode;

use serde_json::{Value, json};

use super::shown;

/// What a client command can meet, one variant an exit code.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// The job ended, but not well.
    #[error("{0}")]
    JobFailed(String),
    /// What was asked for makes no sense, whatever the server thinks of it.
    #[error("{0}")]
    Usage(String),
    #[error("no server answers at {url}: {why}")]
    Unreachable { url: String, why: String },
    #[error("the server refuses: {why} (HTTP {status})")]
    Refused { status: u16, why: String, answer: Value },
    #[error("the server cannot do this now: {why} (HTTP {status})")]
    Unable { status: u16, why: String, answer: Value },
}

impl Trouble {
    /// What an answer that is no success says.
    pub fn answered(status: u16, body: &[u8]) -> Self {
        let answer = serde_json::from_slice(body).unwrap_or_default();
        let why = reason(&answer);
        match status {
            429 | 500.. => Self::Unable { status, why, answer },
            _ => Self::Refused { status, why, answer },
        }
    }

    /// The same request may succeed later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Unable { status: 429 | 502..=504, .. })
    }

    fn code(&self) -> u8 {
        match self {
            Self::JobFailed(_) => 1,
            Self::Usage(_) => 2,
            Self::Unreachable { .. } => 3,
            Self::Refused { .. } => 4,
            Self::Unable { .. } => 5,
        }
    }
}

/// The command line asks for JSON, so that what goes wrong is said in JSON, too: also where it makes no sense.
pub fn is_said_in_json() -> bool {
    std::env::args_os().skip(1).take_while(|argument| argument != "--").any(|argument| argument == "--json")
}

/// What is wrong, as a program reads it: a sentence, the exit code and, where a server answered, its status and what it
/// said.
fn document(error: &anyhow::Error, code: u8) -> Value {
    let mut document = json!({"error": format!("{error:#}"), "exit_code": code});
    if let Some(Trouble::Refused { status, answer, .. } | Trouble::Unable { status, answer, .. }) =
        error.downcast_ref::<Trouble>()
    {
        document["status"] = json!(status);
        document["answer"] = answer.clone();
    }
    document
}

/// How a command line leaves that makes no sense, or that only asks for help.
pub fn misunderstood(error: &clap::Error) -> ExitCode {
    if error.use_stderr() && is_said_in_json() {
        let text = error.render().to_string();
        let why = text.split("\n\n").next().unwrap_or_default().trim_start_matches("error: ").to_owned();
        return exit(Err(Trouble::Usage(why).into()));
    }
    // Whoever does not listen any more has asked for nothing.
    let _ = error.print();
    u8::try_from(error.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from)
}

/// How a command that ended so leaves. Whoever closed our output early has seen enough of it.
pub fn exit(done: anyhow::Result<()>) -> ExitCode {
    let Err(error) = done else { return ExitCode::SUCCESS };
    let closed = |cause: &(dyn std::error::Error + 'static)| {
        cause.downcast_ref::<std::io::Error>().is_some_and(|io| io.kind() == std::io::ErrorKind::BrokenPipe)
    };
    if error.chain().any(closed) {
        return ExitCode::SUCCESS;
    }
    tell(&error);
    code(&error).into()
}

fn code(error: &anyhow::Error) -> u8 {
    error.downcast_ref::<Trouble>().map_or(1, Trouble::code)
}

/// On standard error, as people or programs read it.
pub fn tell(error: &anyhow::Error) {
    match is_said_in_json() {
        true => eprintln!("{}", document(error, code(error))),
        // Who cannot be told cannot be told that either.
        false => drop(shown::say_all(&mut std::io::stderr(), &format!("opilio: {error:#}"))),
    }
}

/// The `detail` of an error as one sentence.
fn reason(body: &Value) -> String {
    match (body.get("detail"), body.get("error")) {
        (Some(Value::Array(fields)), _) => fields.iter().map(field).collect::<Vec<_>>().join("; "),
        (Some(Value::String(why)), _) | (None, Some(Value::String(why))) => match body.get("correlation_id") {
            Some(Value::String(id)) => format!("{why}, correlation id {id}"),
            _ => why.clone(),
        },
        _ => "no reason given".to_owned(),
    }
}

/// A wrong field and what is wrong with it: `urls.0: a URL is a text`.
fn field(error: &Value) -> String {
    let mut place = String::new();
    for step in error["loc"].as_array().into_iter().flatten().filter(|step| *step != "body") {
        let dot = if place.is_empty() { "" } else { "." };
        let _ = match step {
            Value::String(step) => write!(place, "{dot}{step}"),
            step => write!(place, "{dot}{step}"),
        };
    }
    let what = error["msg"].as_str().unwrap_or("wrong");
    if place.is_empty() { what.to_owned() } else { format!("{place}: {what}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wrong_field_is_named_in_one_sentence() {
        let body = br#"{"detail":[{"loc":["body","urls",0],"msg":"a URL is a text","type":"url_type"},
            {"loc":["body"],"msg":"an object is needed","type":"x"}]}"#;
        let trouble = Trouble::answered(422, body);
        let told = "the server refuses: urls.0: a URL is a text; an object is needed (HTTP 422)";
        assert_eq!((trouble.to_string().as_str(), trouble.code()), (told, 4));
    }

    #[test]
    fn what_may_pass_has_a_code_of_its_own_and_an_internal_error_names_its_trace() {
        for (status, code, transient) in [(401, 4, false), (429, 5, true), (500, 5, false), (503, 5, true)] {
            let trouble = Trouble::answered(status, b"");
            assert_eq!((trouble.code(), trouble.is_transient()), (code, transient), "{status}");
        }
        let internal = Trouble::answered(500, br#"{"error":"Internal server error","correlation_id":"01K"}"#);
        assert!(internal.to_string().contains("Internal server error, correlation id 01K"));
    }
}
