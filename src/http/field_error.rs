//! Errors of request fields: where the field is, what is wrong with it, and the type of the error.

use opilio_actors::domain::text::visible;
use serde::Serialize;
use utoipa::ToSchema;

/// One segment of the path to a field, as `detail` of a `422` shows it.
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
    /// A sentence for a person; never contains the value.
    pub msg: String,
    #[serde(rename = "type")]
    pub kind: &'static str,
}

impl FieldError {
    /// An error at a path of keys within the body.
    pub fn in_body(path: &[&str], kind: &'static str, msg: impl Into<String>) -> Self {
        let path = path.iter().fold(FieldPath::body(), |path, key| path.child(*key));
        InvalidValue::new(kind, msg).at(&path)
    }

    /// A copy that is safe to display: control characters in names and texts of the request are escaped.
    pub fn visible(&self) -> Self {
        let segment = |segment: &Loc| match segment {
            Loc::Key(name) => Loc::Key(visible(name).into_owned()),
            Loc::Index(index) => Loc::Index(*index),
        };
        Self { loc: self.loc.iter().map(segment).collect(), msg: visible(&self.msg).into_owned(), kind: self.kind }
    }
}

/// Why a request is rejected. The checks run in the order of the variants, and the first that fails decides the status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// `422`: fields with invalid values.
    Invalid(Vec<FieldError>),
    // Keys whose scope the token lacks (`403`) are checked here.
    /// `400`: keys or values that are valid, but not supported or not available.
    Unsupported(Vec<FieldError>),
}

impl Rejection {
    /// What fails the check that decides.
    pub fn errors(&self) -> &[FieldError] {
        match self {
            Self::Invalid(errors) | Self::Unsupported(errors) => errors,
        }
    }

    /// Adds the errors of another part of the request.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Invalid(a), Self::Invalid(b)) => Self::Invalid([a, b].concat()),
            (Self::Unsupported(a), Self::Unsupported(b)) => Self::Unsupported([a, b].concat()),
            (invalid @ Self::Invalid(_), _) | (_, invalid) => invalid,
        }
    }
}

impl From<FieldError> for Rejection {
    fn from(error: FieldError) -> Self {
        Self::Invalid(vec![error])
    }
}

/// What is wrong with a value, without its path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidValue {
    pub kind: &'static str,
    pub msg: String,
}

impl InvalidValue {
    pub fn new(kind: &'static str, msg: impl Into<String>) -> Self {
        Self { kind, msg: msg.into() }
    }

    /// A `value_error`.
    pub fn value(msg: impl Into<String>) -> Self {
        Self::new("value_error", msg)
    }

    /// The key or the value is known, but not supported or not available. `sentence` names it, the reason and the alternative.
    pub fn unsupported(sentence: impl Into<String>) -> Self {
        Self::new("not_supported", sentence)
    }

    pub fn at(self, path: &FieldPath) -> FieldError {
        FieldError { loc: path.0.clone(), msg: self.msg, kind: self.kind }
    }
}

/// The path to a field, without the wrappers (`params`, `value`) around a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldPath(Vec<Loc>);

impl FieldPath {
    pub fn body() -> Self {
        Self::of("body")
    }

    /// The root of a path: `body`, `query`, `path` or `header`.
    pub fn of(root: &str) -> Self {
        Self(vec![root.into()])
    }

    pub fn child(&self, segment: impl Into<Loc>) -> Self {
        let mut path = self.0.clone();
        path.push(segment.into());
        Self(path)
    }

    /// The path below its root, joined by dots, as `warnings` show it.
    pub fn dotted(&self) -> String {
        let segment = |loc: &Loc| match loc {
            Loc::Key(name) => name.clone(),
            Loc::Index(index) => index.to_string(),
        };
        self.0.iter().skip(1).map(segment).collect::<Vec<_>>().join(".")
    }
}

/// The first 64 characters of a name from a request.
fn shortened(name: &str) -> String {
    const MAX_CHARS: usize = 64;
    match name.char_indices().nth(MAX_CHARS) {
        Some((cut, _)) => format!("{}…", &name[..cut]),
        None => name.to_owned(),
    }
}
