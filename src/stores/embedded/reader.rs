//! Reads, away from the threads that serve messages, on a few connections of their own.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use opilio_actors::ports::StoreError;
use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::schema;

/// More than a few readers only wait for each other's pages.
const CONNECTIONS: usize = 4;

pub struct Reader {
    idle: Arc<Mutex<Vec<Connection>>>,
    turns: Arc<Semaphore>,
}

impl Reader {
    pub fn new(file: &Path) -> Result<Self, rusqlite::Error> {
        let idle: Vec<_> = (0..CONNECTIONS).map(|_| schema::connect_reader(file)).collect::<Result<_, _>>()?;
        Ok(Self { idle: Arc::new(Mutex::new(idle)), turns: Arc::new(Semaphore::new(CONNECTIONS)) })
    }

    /// Runs `work` on a snapshot of what is committed.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let away = |_| StoreError::Unavailable("the reading pool is gone".to_owned());
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(away)?;
        let idle = Arc::clone(&self.idle);
        let joined = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            let connection = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let connection = connection.ok_or_else(|| StoreError::Unavailable("no reading connection".to_owned()))?;
            let outcome = work(&connection);
            idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
            outcome
        });
        joined.await.map_err(|error| StoreError::Damaged(format!("a read panicked: {error}")))?
    }
}
