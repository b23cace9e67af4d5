//! A randomized model of two nodes, a store and a receiver, with a crash possible between any two steps. It checks the
//! store's guarantees at every step and at the end of a run.
//!
//! A run is a list of [`Step`]s, each decoded from a number, so that proptest can shrink it. [`faulty_store`] checks the
//! model itself: the model finds every fault.

pub mod faulty_store;
mod job_steps;
mod node_steps;
mod run;
mod search;
mod state;
mod step;

#[cfg(test)]
mod tests;

pub use run::run;
pub use search::search;
pub use state::{Subject, Violation};
pub use step::Step;
