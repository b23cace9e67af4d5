//! Opilio's outside world: what puts the actors' ports into practice.

pub mod http;
pub mod stores;
