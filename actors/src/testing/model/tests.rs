use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestError, TestRng, TestRunner};

use super::planted::{Bug, Planted};
use super::*;
use crate::testing::contract::RETENTION;
use crate::testing::memory::MemoryStore;

fn subject(bug: Option<Bug>) -> Subject {
    let clock = Arc::new(ManualClock::default());
    let store = MemoryStore::new(clock.clone(), RETENTION);
    let Some(bug) = bug else { return Subject { store: Arc::new(store), clock, crashed: Box::new(|| {}) } };
    let store = Arc::new(Planted::new(store, bug));
    let planted = Arc::clone(&store);
    Subject { store, clock, crashed: Box::new(move || planted.crash()) }
}

/// The shortest run that was found to break a promise, and which.
fn search(bug: Option<Bug>) -> Option<(Vec<Step>, Broken)> {
    let config = Config { cases: 4000, failure_persistence: None, ..Config::default() };
    let rng = TestRng::deterministic_rng(config.rng_algorithm);
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("one thread");
    let outcome = TestRunner::new_with_rng(config, rng).run(&vec(any::<u16>(), 0..40), |numbers| {
        let steps: Vec<_> = numbers.into_iter().map(|number| Step::decode(number.into())).collect();
        runtime.block_on(run(subject(bug), &steps)).map_err(TestCaseError::fail)
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
    let missed: Vec<_> = Bug::ALL
        .into_iter()
        .filter(|bug| match search(Some(*bug)) {
            Some((steps, broken)) => {
                println!("{bug:?}: {broken}\n    by {steps:?}");
                false
            }
            None => true,
        })
        .collect();
    assert_eq!(missed, [], "the model does not see these");
}
