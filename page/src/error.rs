//! Why a page cannot be read.

use std::time::Duration;

/// Why [`read`](crate::read) returns no page. Each variant displays as one sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    #[error("page has {bytes} bytes; the limit is {limit}")]
    TooLarge { bytes: usize, limit: usize },
    #[error("page exceeds the work limit of {limit} steps")]
    WorkLimit { limit: u64 },
    #[error("page was not read within {} s", limit.as_secs_f64())]
    Deadline { limit: Duration },
    /// The options contain a selector or pattern that [`PatternCompiler`](crate::PatternCompiler) rejects.
    #[error("a selector or pattern {0}")]
    InvalidSelector(String),
    /// No element matches [`Options::required_selector`](crate::Options::required_selector).
    #[error("no element of the page matches the selector {selector}")]
    SelectorNotFound { selector: String },
}
