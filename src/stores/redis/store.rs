//! The store's connections, scripts and keys.

use std::fmt;

use opilio_actors::domain::retention::Keep;
use opilio_actors::ports::StoreError;
use redis::{Client, FromRedisValue, Script, ScriptInvocation};

use super::connection::{ConnectionSettings, Connections, store_error};
use super::notifications::Notifications;
use super::row::micros;
use super::scripts::Scripts;
use super::unacknowledged_claims::UnacknowledgedClaims;
use crate::stores::settings::StoreSettings;

/// The format of a job's request. Raise it when jobs can request something that older versions cannot do: nodes of those
/// versions leave such jobs to others.
const JOB_FORMAT: u32 = 1;

/// Jobs and deliveries of all processes that use one Redis with one prefix.
pub struct RedisStore {
    pub(super) connections: Connections,
    pub(super) scripts: Scripts,
    /// Precedes every key. The part in braces is a hash tag: it maps all keys to one node of a cluster.
    pub(super) prefix: String,
    pub(super) settings: StoreSettings,
    pub(super) job_format: u32,
    pub(super) unacknowledged_claims: UnacknowledgedClaims,
    /// Replaces Redis' own time.
    #[cfg(test)]
    pub(super) clock: Option<std::sync::Arc<opilio_actors::testing::clock::ManualClock>>,
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RedisStore({})", self.prefix)
    }
}

impl RedisStore {
    /// Connects on first use.
    ///
    /// # Errors
    /// The client's settings are invalid.
    pub fn new(
        client: &Client,
        connections: ConnectionSettings,
        prefix: &str,
        settings: StoreSettings,
    ) -> Result<Self, StoreError> {
        Ok(Self {
            connections: Connections::new(client, connections).map_err(|error| store_error(&error))?,
            scripts: Scripts::new(None),
            prefix: format!("{{{prefix}}}:"),
            settings,
            job_format: JOB_FORMAT,
            unacknowledged_claims: UnacknowledgedClaims::default(),
            #[cfg(test)]
            clock: None,
        })
    }

    /// Notifications between nodes. `client` is the client of this store.
    pub fn notifications(&self, client: &Client) -> Notifications {
        Notifications::new(client, &self.prefix)
    }

    pub(super) fn key(&self, kind: &str, id: &str) -> String {
        format!("{}{kind}:{id}", self.prefix)
    }

    /// Runs a script with small arguments and a small result; `args` adds the arguments.
    pub(super) async fn run<T: FromRedisValue>(
        &self,
        script: &Script,
        args: impl FnOnce(&mut ScriptInvocation<'_>),
    ) -> Result<T, StoreError> {
        let call = &self.invocation(script, args);
        self.connections.shared(|mut connection| async move { call.invoke_async(&mut connection).await }).await
    }

    /// Runs a script that transfers large values.
    pub(super) async fn run_large<T: FromRedisValue>(
        &self,
        script: &Script,
        args: impl FnOnce(&mut ScriptInvocation<'_>),
    ) -> Result<T, StoreError> {
        let call = &self.invocation(script, args);
        self.connections.pooled(async |connection| call.invoke_async(connection).await).await
    }

    fn invocation<'a>(&self, script: &'a Script, args: impl FnOnce(&mut ScriptInvocation<'_>)) -> ScriptInvocation<'a> {
        let mut call = script.key(self.prefix.as_str());
        #[cfg(test)]
        if let Some(clock) = &self.clock {
            call.key(opilio_actors::ports::Clock::now(&**clock).as_microsecond());
        }
        args(&mut call);
        call
    }
}

/// A retention period as the scripts expect it: microseconds, or empty if the job does not expire.
pub(super) fn retention(keep: Keep) -> String {
    match keep {
        Keep::Unbounded => String::new(),
        Keep::For(time) => micros(time).to_string(),
    }
}
