//! What is said about a request's keys: where, and what is wrong.

use opilio_actors::domain::text::visible;
use serde::Serialize;
use utoipa::ToSchema;

/// One step of the path to a field, as `detail` of a `422` shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(untagged)]
pub enum Loc {
    Key(String),
    Index(usize),
}

impl From<&str> for Loc {
    fn from(name: &str) -> Self {
        Self::Key(shortened(name))
    }
}

impl From<usize> for Loc {
    fn from(index: usize) -> Self {
        Self::Index(index)
    }
}

/// One entry of `detail` of a `422`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    pub loc: Vec<Loc>,
    /// A sentence for a person; never holds the value.
    pub msg: String,
    #[serde(rename = "type")]
    pub kind: &'static str,
}

impl FieldError {
    /// As it may be shown: names and words from the request do nothing there.
    pub fn visible(&self) -> Self {
        let step = |step: &Loc| match step {
            Loc::Key(name) => Loc::Key(visible(name).into_owned()),
            Loc::Index(index) => Loc::Index(*index),
        };
        Self { loc: self.loc.iter().map(step).collect(), msg: visible(&self.msg).into_owned(), kind: self.kind }
    }
}

/// What is wrong with a value, wherever it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidValue {
    pub kind: &'static str,
    pub msg: String,
}

impl InvalidValue {
    pub fn new(kind: &'static str, msg: impl Into<String>) -> Self {
        Self { kind, msg: msg.into() }
    }

    pub fn value(msg: impl Into<String>) -> Self {
        Self::new("value_error", msg)
    }

    /// The key or the value is known, and cannot be done.
    pub fn unsupported(reason: &str) -> Self {
        Self::new("not_supported", reason)
    }

    pub fn at(self, place: &FieldPath) -> FieldError {
        FieldError { loc: place.0.clone(), msg: self.msg, kind: self.kind }
    }
}

/// The path to a field, without the wrappers that a value may come in.
#[derive(Clone, Debug)]
pub struct FieldPath(Vec<Loc>);

impl FieldPath {
    pub fn body() -> Self {
        Self(vec!["body".into()])
    }

    pub fn child(&self, step: impl Into<Loc>) -> Self {
        let mut path = self.0.clone();
        path.push(step.into());
        Self(path)
    }

    /// The path within the body, joined by dots, as `warnings` show it.
    pub fn dotted(&self) -> String {
        let step = |loc: &Loc| match loc {
            Loc::Key(name) => name.clone(),
            Loc::Index(index) => index.to_string(),
        };
        self.0.iter().skip(1).map(step).collect::<Vec<_>>().join(".")
    }
}

/// At most 64 characters of a name that somebody chose.
pub fn shortened(name: &str) -> String {
    const LONGEST: usize = 64;
    match name.char_indices().nth(LONGEST) {
        Some((cut, _)) => format!("{}…", &name[..cut]),
        None => name.to_owned(),
    }
}
