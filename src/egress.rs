//! The one way out: every connection that the server makes passes the guard here first.
//!
//! An address is judged twice: its host as written when a [`AllowedUrl`] is made from it, and the addresses its name
//! resolves to when the connection is made; the addresses that were judged are the ones that are dialled. Only a
//! [`AllowedUrl`] can be sent to, so each hop of a redirect is judged like a first address, and more strictly.

mod address;
mod allow;
mod allowlist;
mod client;
mod decoding;
mod error;
mod guard;
mod port_policy;
mod request_body;
mod resolver;
mod response;
mod retry_after;
mod same_origin;
mod tls;

#[cfg(test)]
pub mod testing;

pub use allow::{Allow, InvalidAllowEntry};
pub use allowlist::{Allowlists, Purpose};
pub use client::{BuildError, Egress, EgressSettings};
pub use error::{EgressError, in_words};
pub use guard::{AllowedUrl, Blocked, Guard};
pub use port_policy::{InvalidPort, Ports};
pub use request_body::RequestBody;
pub use response::Answer;
pub use retry_after::retry_after;
pub use same_origin::is_same_origin;
pub use tls::user_tls;
