//! Connections to Redis. Small commands of all callers are pipelined on a few shared connections. A large value occupies a
//! pooled connection of its own, so it never delays another command, such as a lease renewal.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use deadpool_redis::{Connection, Manager, Pool, PoolError, Runtime};
use opilio_actors::ports::StoreError;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{AsyncConnectionConfig, Client, ErrorKind, RedisError, RedisResult, ServerErrorKind};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// The operator's settings and the timeouts of the connections.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionSettings {
    /// The number of shared connections.
    pub connections: usize,
    /// The number of pooled connections.
    pub pool_size: usize,
    /// The time limit of a small command, including reconnection: callers learn within this time that Redis is unavailable.
    pub timeout: Duration,
    /// The time limit of a large value, and of the wait for a pooled connection.
    pub large_value_timeout: Duration,
}

impl ConnectionSettings {
    pub fn new(connections: usize, pool_size: usize) -> Self {
        let (timeout, large_value_timeout) = (Duration::from_millis(1500), Duration::from_secs(10));
        Self { connections, pool_size, timeout, large_value_timeout }
    }
}

pub struct Connections {
    shared: Vec<ConnectionManager>,
    next: AtomicUsize,
    pool: Pool,
    timeout: Duration,
}

impl Connections {
    /// Connects on first use.
    pub fn new(client: &Client, settings: ConnectionSettings) -> RedisResult<Self> {
        let ConnectionSettings { connections, pool_size, timeout, large_value_timeout } = settings;
        // After the last retry, the next caller starts over. The delays have jitter.
        let config = ConnectionManagerConfig::new()
            .set_number_of_retries(2)
            .set_min_delay(Duration::from_millis(50))
            .set_max_delay(Duration::from_secs(1))
            .set_connection_timeout(Some(CONNECT_TIMEOUT))
            .set_response_timeout(Some(timeout));
        let shared = (0..connections.max(1))
            .map(|_| ConnectionManager::new_lazy_with_config(client.clone(), config.clone()))
            .collect::<RedisResult<_>>()?;
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_TIMEOUT))
            .set_response_timeout(Some(large_value_timeout));
        let manager = Manager::new_with_config(client.get_connection_info().clone(), config)?;
        let pool = Pool::builder(manager)
            .max_size(pool_size.max(1))
            .wait_timeout(Some(large_value_timeout))
            .create_timeout(Some(timeout))
            .recycle_timeout(Some(timeout))
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|error| RedisError::from((ErrorKind::InvalidClientConfig, "pool", error.to_string())))?;
        Ok(Self { shared, next: AtomicUsize::new(0), pool, timeout })
    }

    /// Runs small commands on a shared connection.
    pub async fn shared<T, F>(&self, commands: impl FnOnce(ConnectionManager) -> F) -> Result<T, StoreError>
    where
        F: Future<Output = RedisResult<T>>,
    {
        let index = self.next.fetch_add(1, Ordering::Relaxed) % self.shared.len();
        match tokio::time::timeout(self.timeout, commands(self.shared[index].clone())).await {
            Ok(result) => result.map_err(|error| store_error(&error)),
            Err(_) => Err(StoreError::Unavailable(format!("Redis did not respond within {:?}", self.timeout))),
        }
    }

    /// Runs commands that transfer large values on a pooled connection.
    pub async fn pooled<T>(
        &self,
        commands: impl AsyncFnOnce(&mut Connection) -> RedisResult<T>,
    ) -> Result<T, StoreError> {
        let mut connection = self.pool.get().await.map_err(|error| match error {
            PoolError::Backend(error) => store_error(&error),
            other => StoreError::Unavailable(format!("no connection for a large value: {other}")),
        })?;
        let result = commands(&mut connection).await;
        // After a timeout the connection may still be busy with the value.
        if result.as_ref().is_err_and(RedisError::is_timeout) {
            drop(Connection::take(connection));
        }
        result.map_err(|error| store_error(&error))
    }

    #[cfg(test)]
    pub fn pool(&self) -> &Pool {
        &self.pool
    }
}

/// The beginning of the error of a command that the ACL denies to a script.
const DENIED: &str = "The user executing the script";

/// Whether this is the text of an error by which the ACL denies a command. The client prints the code `NOPERM` in its own way.
pub fn is_denied(reason: &str) -> bool {
    reason.contains("NoPerm") || reason.contains("NOPERM") || reason.contains(DENIED)
}

/// `Unavailable` if Redis is unreachable, loading, a replica, out of memory or denies a command; `Damaged` for errors that a
/// retry cannot fix.
pub fn store_error(error: &RedisError) -> StoreError {
    let text = error.to_string();
    let damaged = match error.kind() {
        ErrorKind::Parse | ErrorKind::UnexpectedReturnType => true,
        // An error of the script itself; a rejected write inside a script has a code of its own.
        ErrorKind::Server(ServerErrorKind::ResponseError) => text.contains("user_script") && !text.contains(DENIED),
        _ => error.code() == Some("WRONGTYPE"),
    };
    if damaged { StoreError::Damaged(text) } else { StoreError::Unavailable(text) }
}
