//! Compatibility with Crawl4AI's HTTP API: its routes, request bodies and configuration keys.

pub(crate) mod config_dump;
mod config_schema;
pub mod crawl_options;
pub mod crawl_request;
mod crawl_stream;
pub(crate) mod crawl_sync;
mod crawler_configs;
pub(crate) mod hooks;
pub(crate) mod llm_answer;
pub mod llm_request;
pub(crate) mod markdown;
mod markdown_filter;
pub(crate) mod page_html;
pub mod report;
mod request_fields;
pub(crate) mod schemas;
mod sync_page;
pub mod url_policy;
pub mod webhook_config;
