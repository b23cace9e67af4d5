//! Opilio's actors: who does what, in which order, and what survives a crash.
//!
//! [`domain`] holds the rules, [`ports`] what is needed from outside, [`start`] puts the actors to work.

mod crawl_worker;
pub mod domain;
pub mod http_front;
pub mod job_supervisor;
pub mod keeper;
pub mod metrics;
mod persistence;
pub mod ports;
pub mod start;
pub mod webhook_sender;

pub use crawl_worker::{CrawlPolicy, Crawler};

#[cfg(feature = "testing")]
pub mod testing;
