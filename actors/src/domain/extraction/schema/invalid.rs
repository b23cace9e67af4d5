//! The error of an invalid schema.

/// The value is not a JSON Schema that Opilio accepts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}{}{pointer}", if pointer.is_empty() { "" } else { " at " })]
pub struct InvalidSchema {
    /// JSON Pointer to the error; empty for the root.
    pub pointer: String,
    pub reason: String,
}
