//! Connections to Redis: what waits on one of them travels together, and each comes back by itself.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use opilio_actors::ports::StoreError;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, ErrorKind, RedisError, RedisResult, ServerErrorKind};

/// A caller hears within this time that Redis is away.
const PATIENCE: Duration = Duration::from_millis(1500);

/// Shared lines: many callers write to each without waiting for one another's answers.
pub struct Link {
    lines: Vec<ConnectionManager>,
    next: AtomicUsize,
}

impl Link {
    /// Connects when it is first used.
    pub fn new(client: &Client, lines: usize) -> RedisResult<Self> {
        // Delays carry jitter of their own; after the last retry the next caller begins anew.
        let config = ConnectionManagerConfig::new()
            .set_number_of_retries(2)
            .set_min_delay(Duration::from_millis(50))
            .set_max_delay(Duration::from_secs(1))
            .set_connection_timeout(Some(Duration::from_secs(1)))
            .set_response_timeout(Some(PATIENCE));
        let line = |_| ConnectionManager::new_lazy_with_config(client.clone(), config.clone());
        Ok(Self { lines: (0..lines.max(1)).map(line).collect::<RedisResult<_>>()?, next: AtomicUsize::new(0) })
    }

    /// Does `work` on one of the lines, within a time that a caller can wait.
    pub async fn run<T, F>(&self, work: impl FnOnce(ConnectionManager) -> F) -> Result<T, StoreError>
    where
        F: Future<Output = RedisResult<T>>,
    {
        let line = self.next.fetch_add(1, Ordering::Relaxed) % self.lines.len();
        match tokio::time::timeout(PATIENCE, work(self.lines[line].clone())).await {
            Ok(answer) => answer.map_err(|error| store_error(&error)),
            Err(_) => Err(StoreError::Unavailable(format!("Redis does not answer within {PATIENCE:?}"))),
        }
    }
}

/// What a caller can do about an error of Redis: try again later (it is away, loading, a replica, out of memory), or
/// nothing.
pub fn store_error(error: &RedisError) -> StoreError {
    let text = error.to_string();
    let broken = match error.kind() {
        ErrorKind::Parse | ErrorKind::UnexpectedReturnType => true,
        // A script that met what it cannot reckon with; a refused write inside of one has a code of its own.
        ErrorKind::Server(ServerErrorKind::ResponseError) => text.contains("user_script"),
        _ => error.code() == Some("WRONGTYPE"),
    };
    if broken { StoreError::Damaged(text) } else { StoreError::Unavailable(text) }
}
