//! What can be wrong with the settings, each as a sentence for a person.

/// Where it stands, what is wrong, and what would be right. Never shows a value that may be secret.
#[derive(Debug, thiserror::Error)]
pub enum BadSettings {
    #[error("{path} cannot be read: {source}")]
    Unreadable { path: String, source: std::io::Error },
    #[error("{path}: {message}")]
    Syntax { path: String, message: String },
    #[error("{origin}: unknown key `{key}`{}", nearest.as_ref().map_or(String::new(), |near| format!("; is `{near}` meant?")))]
    Unknown { origin: String, key: String, nearest: Option<String> },
    #[error("{origin}: `{key}` is given twice, in two spellings")]
    TwoSpellings { origin: String, key: String },
    #[error("{origin}: `{key}`: {message}")]
    Value { origin: String, key: String, message: String },
    #[error("{0}")]
    Contradiction(String),
}
