//! Invalid settings.

/// An invalid setting: its origin, the problem and the accepted values. Never contains a value that may be secret.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    #[error("cannot read {path}: {source}")]
    Unreadable { path: String, source: std::io::Error },
    #[error("{path}: {message}")]
    Syntax { path: String, message: String },
    #[error("{origin}: unknown key `{key}`{}", closest.as_ref().map_or(String::new(), |key| format!("; did you mean `{key}`?")))]
    Unknown { origin: String, key: String, closest: Option<String> },
    #[error("{origin}: duplicate key `{key}` in another spelling")]
    Duplicate { origin: String, key: String },
    #[error("{origin}: `{key}`: {message}")]
    Value { origin: String, key: String, message: String },
    /// A value that is valid by itself but not in combination with the others.
    #[error("{0}")]
    Conflict(String),
}
