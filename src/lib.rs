//! Opilio's outside world: what puts the actors' ports into practice.

pub mod app;
pub mod cli;
pub mod egress;
mod fair_semaphore;
pub mod fetchers;
pub mod http;
pub mod models;
#[doc(hidden)]
pub mod promises;
pub mod reader;
pub mod settings;
pub mod stores;
pub mod webhooks;
