//! The job store's implementations.

pub mod embedded;
