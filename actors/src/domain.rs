//! Domain values and rules: no I/O, no clock, no randomness.

pub mod crash;
pub mod crawl;
pub mod crawl_options;
pub mod crawl_result;
pub mod delivery;
pub mod engine;
pub mod extraction;
pub mod id;
pub mod job;
pub mod kind;
pub mod lease;
pub mod link_preview;
pub mod page_extraction;
pub mod page_template;
pub mod queue_key;
pub mod retention;
pub mod retry;
pub mod scope;
pub mod secret;
pub mod task;
pub mod text;
pub mod time;
pub mod usage;
pub mod webhook;
pub mod webhook_envelope;
