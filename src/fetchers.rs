//! Pages from the network.

mod body;
mod cache;
mod cookies;
mod headers;
mod http;
mod raw;
mod turns;

pub mod charset;

pub use self::cache::{MemoryPageCache, PageCacheSettings};
pub use self::http::{HttpFetcher, HttpFetcherSettings};
