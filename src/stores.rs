//! The implementations of the stores: embedded (SQLite) and Redis.

mod blob;
mod convert;
pub mod embedded;
pub mod page_cache;
pub mod redis;
mod settings;

pub use settings::StoreSettings;
