//! The result of an extraction.

/// JSON text, and whether a limit truncated it.
pub(crate) struct ExtractedJson {
    pub(crate) json: String,
    pub(crate) truncated: bool,
}
