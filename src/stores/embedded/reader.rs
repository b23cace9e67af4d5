//! A pool of read-only connections, used on blocking threads.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use opilio_actors::ports::StoreError;
use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::schema;

/// SQLite reads do not get faster with more connections.
const CONNECTIONS: usize = 4;

pub struct Reader {
    idle: Arc<Mutex<Vec<Connection>>>,
    permits: Arc<Semaphore>,
}

impl Reader {
    pub fn new(file: &Path) -> Result<Self, rusqlite::Error> {
        let idle: Vec<_> = (0..CONNECTIONS).map(|_| schema::connect_reader(file)).collect::<Result<_, _>>()?;
        Ok(Self { idle: Arc::new(Mutex::new(idle)), permits: Arc::new(Semaphore::new(CONNECTIONS)) })
    }

    /// Runs `work` on the committed state.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let closed = |_| StoreError::Unavailable("the read pool is closed".to_owned());
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(closed)?;
        let idle = Arc::clone(&self.idle);
        let joined = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let connection = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let connection = connection.ok_or_else(|| StoreError::Unavailable("no read connection".to_owned()))?;
            let result = work(&connection);
            idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
            result
        });
        joined.await.map_err(|error| StoreError::Damaged(format!("a read panicked: {error}")))?
    }
}
