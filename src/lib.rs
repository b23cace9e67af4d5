//! Opilio: a job server for crawling and LLM extraction. The I/O adapters behind the ports of `opilio-actors`, the HTTP API,
//! the command line, and the composition root.

pub mod app;
pub mod browser;
pub mod cli;
mod clock;
pub mod cpu_pool;
pub mod egress;
mod fair_semaphore;
pub mod fetchers;
pub mod http;
pub mod loop_lag;
pub mod models;
pub mod reader;
pub mod settings;
pub mod stores;
pub mod webhooks;
