//! Opilio's actors, domain rules and ports.
//!
//! [`domain`]: values and rules. [`ports`]: traits for storage, network and clock. [`kinds`]: the kinds of job. [`start`]:
//! starts the actors.

pub mod crawl_usage;
mod crawl_worker;
mod dependencies;
pub mod domain;
pub mod faults;
pub mod heartbeat;
pub mod http_front;
pub mod job_notifier;
pub mod job_supervisor;
pub mod kinds;
mod llm_worker;
pub mod metrics;
mod page_source;
mod policy;
pub mod ports;
mod retry_store;
pub mod start;
pub mod supervised;
pub mod webhook_sender;
mod worker;

pub use crawl_worker::{CrawlPolicy, Crawler};
pub use dependencies::Dependencies;
pub use llm_worker::{ExtractionPolicy, Extractor, ResponseCacheSettings};
pub use policy::Policy;

#[cfg(feature = "testing")]
pub mod testing;
