//! Checks and headers that apply to every request.

pub mod auth;
mod compression;
mod header_limits;
mod host_check;
pub mod rate_limit;
mod request_record;
mod response_headers;

pub use auth::{Auth, AuthSettings, NamedToken, TokenHash, hash};
pub use compression::compress;
pub use header_limits::HeaderLimits;
pub use rate_limit::{Rate, RateSettings};
pub use request_record::record_requests;
pub use response_headers::response_headers;
