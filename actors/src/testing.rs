//! Test support for stores and actors; compiled with the feature `testing` only.

pub mod clock;
pub mod contract;
pub mod failing_store;
pub mod fakes;
pub mod jobs;
pub mod kill;
pub mod memory;
pub mod model;
pub mod store_decorator;
pub mod until;
