//! Long computations on other threads than those that serve messages.

use super::error::AttemptError;

pub async fn run_blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, AttemptError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| AttemptError::Crashed(error.to_string()))
}
