//! Compatibility with Crawl4AI's HTTP API: its request bodies and its configuration keys.

pub(crate) mod config_dump;
pub mod crawl_options;
pub(crate) mod crawl_request;
pub(crate) mod crawl_sync;
mod crawler_configs;
pub(crate) mod llm_request;
pub(crate) mod markdown;
pub(crate) mod url_policy;
pub(crate) mod webhook_config;
