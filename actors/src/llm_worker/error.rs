//! Why an attempt at an extraction ends without content.

use std::time::Duration;

use crate::domain::extraction::ExtractionError;
use crate::ports::StoreError;

#[derive(Debug)]
pub enum AttemptError {
    LeaseLost,
    Crashed(String),
    /// The provider is unavailable; the job is not claimed again before `delay` has passed.
    Deferred {
        delay: Duration,
        reason: String,
    },
    /// The worker is needed for another principal's job.
    Yielded,
    /// The request is longer than the model's context: the estimate of its tokens was too low.
    ContextTooLong(ExtractionError),
    /// The job fails.
    Failed(ExtractionError),
}

impl From<StoreError> for AttemptError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::LeaseLost => Self::LeaseLost,
            other => Self::Crashed(other.to_string()),
        }
    }
}

impl From<ExtractionError> for AttemptError {
    fn from(error: ExtractionError) -> Self {
        Self::Failed(error)
    }
}
