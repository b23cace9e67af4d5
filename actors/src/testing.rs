//! What tests of stores and actors share. Compiled with the feature `testing` only.

pub mod brittle;
pub mod clock;
pub mod contract;
pub mod death;
pub mod fakes;
pub mod jobs;
pub mod memory;
pub mod model;
