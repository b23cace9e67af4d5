//! The one way out: every connection that the server makes passes the guard here first.
//!
//! An address is judged twice: its host as written when a [`Cleared`] is made from it, and the addresses its name
//! resolves to when the connection is made; the addresses that were judged are the ones that are dialled. Only a
//! [`Cleared`] can be sent to, so each hop of a redirect is judged like a first address, and more strictly.

mod address;
mod allow;
mod answer;
mod cargo;
mod client;
mod decoding;
mod guard;
mod lists;
mod party;
mod ports;
mod resolver;
mod retry_after;
mod tls;
mod trouble;

#[cfg(test)]
pub mod testing;

pub use allow::{Allow, BadAllow};
pub use answer::Answer;
pub use cargo::Cargo;
pub use client::{Egress, EgressSettings, Unbuildable};
pub use guard::{Blocked, Cleared, Guard};
pub use lists::{Errand, Lists};
pub use party::is_same_party;
pub use ports::{BadPort, Ports};
pub use retry_after::retry_after;
pub use tls::user_tls;
pub use trouble::{Trouble, in_words};
