//! The writer thread: it commits waiting writes together (group commit), each in a savepoint of its own.

use std::cell::RefCell;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;

use jiff::Timestamp;
use opilio_actors::domain::kind::JobKind;
use opilio_actors::faults;
use opilio_actors::ports::{Clock, StoreError};
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::convert::store_error;
use super::file_identity::FileIdentity;
use crate::stores::settings::StoreSettings;

/// At most this many writes share one commit.
const MAX_GROUP: usize = 512;

/// What a write uses besides the connection.
pub struct Context {
    clock: Arc<dyn Clock>,
    files: FileIdentity,
    pub settings: StoreSettings,
    /// The queue of the last claimed job of each type; round-robin continues after it.
    pub last_claimed_queue: RefCell<HashMap<JobKind, String>>,
}

impl Context {
    pub fn new(clock: Arc<dyn Clock>, settings: StoreSettings, files: FileIdentity) -> Self {
        Self { clock, files, settings, last_claimed_queue: RefCell::default() }
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Monotonic time, for leases and due times.
    pub fn steady(&self) -> Timestamp {
        self.clock.steady()
    }
}

/// The handle of the writer thread. Dropping it waits until the queued writes are committed.
pub struct Writer {
    queue: Option<mpsc::Sender<Box<dyn Write + Send>>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub fn start(connection: Connection, context: Context) -> Self {
        let (queue, waiting) = mpsc::channel::<Box<dyn Write + Send>>();
        let thread = std::thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || {
                while let Ok(first) = waiting.recv() {
                    let mut group = vec![first];
                    group.extend(waiting.try_iter().take(MAX_GROUP - 1));
                    write_group(&connection, &context, group);
                }
            })
            .expect("a thread can be created at start");
        Self { queue: Some(queue), thread: Some(thread) }
    }

    /// Runs `work` in the next group and returns its result after the commit. An error rolls back only its own changes.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection, &Context) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let write = Pending { work: Some(work), outcome: None, reply };
        self.queue.as_ref().ok_or_else(stopped)?.send(Box::new(write)).map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())?
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            // Panics of writes are caught; another panic has no recipient here.
            let _ = thread.join();
        }
    }
}

fn stopped() -> StoreError {
    StoreError::Unavailable("the writer thread has stopped".to_owned())
}

fn write_group(connection: &Connection, context: &Context, mut group: Vec<Box<dyn Write + Send>>) {
    let committed = connection.execute_batch("BEGIN IMMEDIATE").map_err(store_error).and_then(|()| {
        for write in &mut group {
            write.apply(connection, context);
            // On a full disk SQLite rolls back the whole transaction; later writes would commit one by one.
            if connection.is_autocommit() {
                return Err(StoreError::Unavailable("the group was rolled back".to_owned()));
            }
        }
        context.files.check()?;
        faults::point("commit.before");
        connection.execute_batch("COMMIT").map_err(store_error)
    });
    if committed.is_err() && !connection.is_autocommit() {
        // The callers receive the error of the failed commit.
        let _ = connection.execute_batch("ROLLBACK");
    }
    for write in group {
        write.answer(&committed);
    }
}

/// One write of a group.
trait Write {
    fn apply(&mut self, connection: &Connection, context: &Context);
    fn answer(self: Box<Self>, committed: &Result<(), StoreError>);
}

struct Pending<T, F> {
    work: Option<F>,
    outcome: Option<Result<T, StoreError>>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> Write for Pending<T, F>
where
    F: FnOnce(&Connection, &Context) -> Result<T, StoreError>,
{
    fn apply(&mut self, connection: &Connection, context: &Context) {
        let Some(work) = self.work.take() else { return };
        self.outcome = Some(in_savepoint(connection, || {
            catch_unwind(AssertUnwindSafe(|| work(connection, context)))
                .unwrap_or_else(|_| Err(StoreError::Damaged("a write panicked".to_owned())))
        }));
    }

    fn answer(self: Box<Self>, committed: &Result<(), StoreError>) {
        let outcome = self.outcome.unwrap_or_else(|| Err(stopped()));
        // The caller may have been dropped.
        let _ = self.reply.send(committed.clone().and(outcome));
    }
}

fn in_savepoint<T>(connection: &Connection, work: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    let execute = |sql| connection.prepare_cached(sql).and_then(|mut statement| statement.execute([]).map(drop));
    execute("SAVEPOINT caller").map_err(store_error)?;
    let outcome = work();
    let undone = if outcome.is_ok() { Ok(()) } else { execute("ROLLBACK TO caller") };
    let ended = undone.and_then(|()| execute("RELEASE caller")).map_err(store_error);
    outcome.and_then(|value| ended.map(|()| value))
}
