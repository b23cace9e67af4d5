//! The store on Redis (or Valkey): the queue and the memory that any number of processes share.
//!
//! One hash a job, sorted sets for what is ready, waits, is leased or due, and a script for every step that touches more
//! than one of them ([`scripts`]). The time is Redis' own.

mod check;
mod connect;
mod deliveries;
mod lease;
mod link;
mod lost;
mod notices;
pub mod page_cache;
mod port;
mod queue;
mod reads;
mod row;
mod scripts;

#[cfg(test)]
mod tests;

use std::fmt;

use opilio_actors::domain::job::Interruption;
use opilio_actors::domain::retention::Keep;
use opilio_actors::ports::StoreError;
use redis::{Client, FromRedisValue, Script, ScriptInvocation, Value};

pub use self::connect::{RedisSettings, TlsSettings};
pub use self::notices::Notices;

use self::link::Link;
use self::lost::LostClaims;
use self::row::{damaged, micros};
use self::scripts::Scripts;
use super::{StoreSettings, blob};

/// What a job may ask for. A version that lets it ask for what the versions before would not do raises this; nodes of
/// those leave its jobs to nodes that understand them.
const FORMAT: u32 = 1;

/// Keeps every promise of [`opilio_actors::ports::JobStore`], for all processes on one Redis under one prefix.
pub struct RedisStore {
    link: Link,
    scripts: Scripts,
    /// Before every key; what stands in braces sends all of them to the same node of a cluster.
    prefix: String,
    settings: StoreSettings,
    format: u32,
    lost: LostClaims,
    /// Instead of Redis' own time.
    #[cfg(test)]
    clock: Option<std::sync::Arc<opilio_actors::testing::clock::ManualClock>>,
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RedisStore({})", self.prefix)
    }
}

impl RedisStore {
    /// Connects when it is first used; `lines` connections are shared by all callers.
    ///
    /// # Errors
    /// The client's description makes no connection.
    pub fn new(client: &Client, lines: usize, prefix: &str, settings: StoreSettings) -> Result<Self, StoreError> {
        Ok(Self {
            link: Link::new(client, lines).map_err(|error| link::store_error(&error))?,
            scripts: Scripts::new(None),
            prefix: format!("{{{prefix}}}:"),
            settings,
            format: FORMAT,
            lost: LostClaims::default(),
            #[cfg(test)]
            clock: None,
        })
    }

    /// What the nodes tell one another. `client`: the one that this store was made with.
    pub fn notices(&self, client: &Client) -> Notices {
        Notices::new(client, &self.prefix)
    }

    fn key(&self, name: &str, of: &str) -> String {
        format!("{}{name}:{of}", self.prefix)
    }

    /// Runs a script; `args` adds what it takes.
    async fn ask<T: FromRedisValue>(
        &self,
        script: &Script,
        args: impl FnOnce(&mut ScriptInvocation<'_>),
    ) -> Result<T, StoreError> {
        let mut call = script.key(self.prefix.as_str());
        #[cfg(test)]
        if let Some(clock) = &self.clock {
            call.key(opilio_actors::ports::Clock::now(&**clock).as_microsecond());
        }
        args(&mut call);
        let call = &call;
        self.link.run(|mut line| async move { call.invoke_async(&mut line).await }).await
    }

    /// How long a job is kept, in the scripts' words: empty is for ever.
    fn keep(keep: Keep) -> String {
        match keep {
            Keep::Unbounded => String::new(),
            Keep::For(time) => micros(time).to_string(),
        }
    }
}

/// What an interruption costs that came before any progress, and one that came after some.
fn costs(interruption: Interruption) -> [u32; 2] {
    [0, 1].map(|pages| u32::from(interruption.costs_an_attempt(pages)))
}

/// What a script answers: a word that says what became of it, and what belongs to it.
struct Reply {
    word: String,
    rest: std::vec::IntoIter<Value>,
}

impl FromRedisValue for Reply {
    fn from_redis_value(value: Value) -> Result<Self, redis::ParsingError> {
        let mut rest = Vec::<Value>::from_redis_value(value)?.into_iter();
        let word = String::from_redis_value(rest.next().unwrap_or(Value::Nil))?;
        Ok(Self { word, rest })
    }
}

impl Reply {
    fn take<T: FromRedisValue>(&mut self) -> Result<T, StoreError> {
        read(self.rest.next().unwrap_or(Value::Nil))
    }
}

fn read<T: FromRedisValue>(value: Value) -> Result<T, StoreError> {
    T::from_redis_value(value).map_err(|_| damaged("a script's answer"))
}
