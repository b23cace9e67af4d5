//! Egress: every outgoing connection passes the [`Guard`].
//!
//! The guard checks a URL twice: the host as written, when an [`AllowedUrl`] is made from it, and the addresses that its
//! name resolves to, when the connection is made. The client connects to the addresses that were checked. It accepts only
//! an [`AllowedUrl`], so each hop of a redirect is checked too, under stricter rules than the first URL. The connections of
//! a page in the browser pass the guard through its [`PageNetwork`].

mod address;
mod allowlist;
mod client;
mod decoding;
mod error;
mod guard;
mod location;
mod own_ports;
mod page_network;
mod policy;
mod port_policy;
mod request_body;
mod resolver;
mod response;
mod retry_after;
mod same_origin;
mod tls;
mod web_url;

#[cfg(test)]
pub mod testing;

pub use allowlist::{Allowlist, InvalidAllowlistEntry};
pub use client::{BuildError, Egress, EgressSettings};
pub use error::{EgressError, format_duration};
pub use guard::{AllowedUrl, Blocked, Guard};
pub use location::{check_length, redirect_target};
pub use own_ports::OwnPorts;
pub use page_network::{PageConnection, PageNetwork};
pub use policy::{EgressPolicy, Purpose};
pub use port_policy::{InvalidPort, PortPolicy};
pub use request_body::RequestBody;
pub use response::Response;
pub use retry_after::retry_after;
pub use same_origin::is_same_origin;
pub use tls::client_tls_config;
pub use web_url::{InvalidUrl, MAX_URL_BYTES, parse_web_url};
