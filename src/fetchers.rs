//! Fetches pages: HTTP, robots.txt, limits per host.

mod body;
mod certificate;
mod cookies;
mod headers;
mod host_limiter;
mod http;
mod meta_refresh;
mod raw;
mod robots;

pub mod charset;

pub use self::http::{HttpFetcher, HttpFetcherSettings, own_user_agent};
