use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestError, TestRng, TestRunner};

use super::faulty_store::{Fault, FaultyStore};
use super::*;
use crate::testing::contract::RETENTION;
use crate::testing::memory::MemoryStore;

fn subject(fault: Option<Fault>) -> Subject {
    let clock = Arc::new(ManualClock::default());
    let store = MemoryStore::new(clock.clone(), RETENTION);
    let Some(fault) = fault else { return Subject { store: Arc::new(store), clock, crashed: Box::new(|| {}) } };
    let store = Arc::new(FaultyStore::new(store, fault));
    let faulty = Arc::clone(&store);
    Subject { store, clock, crashed: Box::new(move || faulty.crash()) }
}

/// The shortest run that was found to break a promise, and which.
fn search(fault: Option<Fault>) -> Option<(Vec<Step>, Broken)> {
    let config = Config { cases: 4000, failure_persistence: None, ..Config::default() };
    let rng = TestRng::deterministic_rng(config.rng_algorithm);
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("one thread");
    let outcome = TestRunner::new_with_rng(config, rng).run(&vec(any::<u16>(), 0..40), |numbers| {
        let steps: Vec<_> = numbers.into_iter().map(|number| Step::decode(number.into())).collect();
        runtime.block_on(run(subject(fault), &steps)).map_err(TestCaseError::fail)
    });
    match outcome {
        Ok(()) => None,
        Err(TestError::Fail(why, numbers)) => {
            let steps = numbers.into_iter().map(|number| Step::decode(number.into())).collect();
            Some((steps, why.to_string()))
        }
        Err(TestError::Abort(why)) => panic!("{why}"),
    }
}

#[test]
fn no_run_breaks_a_promise_of_the_memory_store() {
    assert_eq!(search(None), None);
}

#[test]
fn every_planted_fault_is_found() {
    let missed: Vec<_> = Fault::ALL
        .iter()
        .copied()
        .filter(|fault| match search(Some(*fault)) {
            Some((steps, broken)) => {
                println!("{fault:?}: {broken}\n    by {steps:?}");
                false
            }
            None => true,
        })
        .collect();
    assert_eq!(missed, [], "the model does not see these");
}
