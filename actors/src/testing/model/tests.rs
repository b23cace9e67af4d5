use std::sync::Arc;

use super::faulty_store::{Fault, FaultyStore};
use super::{Step, Subject, Violation, run};
use crate::testing::clock::ManualClock;
use crate::testing::contract::RETENTION;
use crate::testing::memory::MemoryStore;

fn subject(fault: Option<Fault>) -> Subject {
    let clock = Arc::new(ManualClock::default());
    let store = MemoryStore::new(clock.clone(), RETENTION);
    let Some(fault) = fault else { return Subject { store: Arc::new(store), clock, on_crash: Box::new(|| {}) } };
    let store = Arc::new(FaultyStore::new(store, fault));
    let faulty = Arc::clone(&store);
    Subject { store, clock, on_crash: Box::new(move || faulty.crash()) }
}

fn search(fault: Option<Fault>) -> Option<(Vec<Step>, Violation)> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    super::search(4000, |steps| runtime.block_on(run(subject(fault), steps)))
}

#[test]
fn model_finds_no_violation_in_the_memory_store() {
    assert_eq!(search(None), None);
}

#[test]
fn model_finds_every_fault() {
    let mut missed = Vec::new();
    for fault in Fault::ALL {
        match search(Some(*fault)) {
            Some((steps, violation)) => println!("{fault:?}: {violation}\n    after {steps:?}"),
            None => missed.push(fault),
        }
    }
    assert!(missed.is_empty(), "not found: {missed:?}");
}
