//! Opilio's actors: who does what, in which order, and what survives a crash.
//!
//! [`domain`] holds the rules, [`ports`] what is needed from outside, [`start`] puts the actors to work.

mod crawl_worker;
pub mod domain;
pub mod faults;
pub mod http_front;
pub mod job_supervisor;
pub mod keeper;
mod llm_worker;
pub mod metrics;
mod persistence;
pub mod ports;
pub mod pulse;
pub mod start;
pub mod watchers;
pub mod webhook_sender;
mod worker;

pub use crawl_worker::{CrawlPolicy, Crawler};
pub use llm_worker::{AnswerCache, ExtractionPolicy, Extractor};

#[cfg(feature = "testing")]
pub mod testing;
