//! One thread that writes: what waits together is committed together, each caller in a savepoint of its own.

use std::cell::RefCell;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;

use jiff::Timestamp;
use opilio_actors::domain::id::TaskType;
use opilio_actors::faults;
use opilio_actors::ports::{Clock, StoreError};
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::StoreSettings;
use super::access::store_error;

/// So many callers share one commit at most.
const GROUP: usize = 512;

/// What a write may use besides the connection.
pub struct Context {
    clock: Arc<dyn Clock>,
    pub settings: StoreSettings,
    /// Whose job of each kind was claimed last; the next claim goes on after it.
    pub last_served: RefCell<HashMap<TaskType, String>>,
}

impl Context {
    pub fn new(clock: Arc<dyn Clock>, settings: StoreSettings) -> Self {
        Self { clock, settings, last_served: RefCell::default() }
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// For leases and for what comes due: it does not jump.
    pub fn steady(&self) -> Timestamp {
        self.clock.steady()
    }
}

/// The way to the writing thread. Dropping it waits until what was asked for is written.
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
                    group.extend(waiting.try_iter().take(GROUP - 1));
                    write_group(&connection, &context, group);
                }
            })
            .expect("the operating system gives one thread at start");
        Self { queue: Some(queue), thread: Some(thread) }
    }

    /// Runs `work` in the next group; what it returns arrives after the commit. An error undoes only its own changes.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection, &Context) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let write = Pending { work: Some(work), outcome: None, reply };
        self.queue.as_ref().ok_or_else(gone)?.send(Box::new(write)).map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            // Its panics were caught; there is nobody left to tell of others.
            let _ = thread.join();
        }
    }
}

fn gone() -> StoreError {
    StoreError::Unavailable("the writing thread is gone".to_owned())
}

fn write_group(connection: &Connection, context: &Context, mut group: Vec<Box<dyn Write + Send>>) {
    let committed = connection.execute_batch("BEGIN IMMEDIATE").map_err(store_error).and_then(|()| {
        for write in &mut group {
            write.apply(connection, context);
            // A full disk makes SQLite undo the whole group by itself; what came after would stand alone.
            if connection.is_autocommit() {
                return Err(StoreError::Unavailable("the group was rolled back".to_owned()));
            }
        }
        faults::point("commit.before");
        connection.execute_batch("COMMIT").map_err(store_error)
    });
    if committed.is_err() && !connection.is_autocommit() {
        // The group's changes are gone either way; what its callers hear is the reason of the failed commit.
        let _ = connection.execute_batch("ROLLBACK");
    }
    for write in group {
        write.answer(&committed);
    }
}

/// One caller's part of a group.
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
        let outcome = self.outcome.unwrap_or_else(|| Err(gone()));
        // A caller that left does not need its answer.
        let _ = self.reply.send(committed.clone().and(outcome));
    }
}

fn in_savepoint<T>(connection: &Connection, work: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    connection.execute_batch("SAVEPOINT caller").map_err(store_error)?;
    let outcome = work();
    let end = if outcome.is_ok() { "RELEASE caller" } else { "ROLLBACK TO caller; RELEASE caller" };
    let ended = connection.execute_batch(end).map_err(store_error);
    outcome.and_then(|value| ended.map(|()| value))
}
