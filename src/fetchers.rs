//! Fetches pages: over HTTP or in the browser, robots.txt, limits per host.

mod body;
mod browser;
mod certificate;
mod cookies;
mod engine;
mod headers;
mod host_limiter;
mod http;
mod meta_refresh;
mod raw;
mod robots;

pub mod charset;

pub use self::engine::EngineFetcher;
pub use self::http::{HttpFetcher, HttpFetcherSettings, own_user_agent};
