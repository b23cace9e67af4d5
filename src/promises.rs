//! What is promised of everything that strangers send, as functions that panic where a promise is broken. The fuzz targets
//! in `fuzz/` and `tests/fuzzed.rs` call them with whatever they like; nobody else does.

mod addresses;
mod alike;
mod answers;
mod bodies;
mod configurations;
mod pages;
mod webhook_headers;

pub use addresses::address;
pub use answers::answer;
pub use bodies::body;
pub use configurations::configuration;
pub use pages::page;
pub use webhook_headers::webhook_header;
