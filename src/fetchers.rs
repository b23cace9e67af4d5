//! Pages from the network.

mod body;
mod cookies;
mod headers;
mod http;
mod raw;
mod robots;
mod turns;

pub mod charset;

pub use self::http::{HttpFetcher, HttpFetcherSettings, own_user_agent};
