//! The Redis (or Valkey) store: jobs and deliveries of any number of processes.
//!
//! Each job is a hash; sorted sets index ready, delayed, leased and expiring jobs and due deliveries. Every operation that
//! changes more than one key is a Lua script ([`scripts`]). The time is Redis' own.

mod attempts;
mod client;
mod connection;
mod delivery_store;
mod due;
mod health_check;
mod job_store;
mod lease;
mod maintenance;
mod notifications;
pub mod page_cache;
mod pages;
mod queries;
mod queue;
mod replay;
mod reply;
mod row;
mod scripts;
mod settle;
mod store;
mod unacknowledged_claims;

#[cfg(test)]
mod tests;

pub use client::{RedisSettings, TlsSettings};
pub use connection::ConnectionSettings;
pub use notifications::Notifications;
pub use store::RedisStore;
