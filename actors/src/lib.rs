//! Opilio's actors: who does what, in which order, and what survives a crash.
//!
//! [`domain`] holds the rules, [`ports`] what is needed from outside.

pub mod domain;
pub mod ports;

#[cfg(feature = "testing")]
pub mod testing;
