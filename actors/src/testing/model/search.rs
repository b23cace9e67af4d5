//! The search for a run that violates a guarantee.

use proptest::collection::vec;
use proptest::prelude::any;
use proptest::test_runner::{Config, TestCaseError, TestError, TestRng, TestRunner};

use super::state::Violation;
use super::step::Step;

/// Generates `cases` runs from a fixed seed; returns the shortest violating run that was found.
pub fn search(cases: u32, run: impl Fn(&[Step]) -> Result<(), Violation>) -> Option<(Vec<Step>, Violation)> {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let rng = TestRng::deterministic_rng(config.rng_algorithm);
    let decode = |numbers: Vec<u16>| numbers.into_iter().map(Step::decode).collect::<Vec<_>>();
    let result = TestRunner::new_with_rng(config, rng)
        .run(&vec(any::<u16>(), 0..40), |numbers| run(&decode(numbers)).map_err(TestCaseError::fail));
    match result {
        Ok(()) => None,
        Err(TestError::Fail(violation, numbers)) => Some((decode(numbers), violation.to_string())),
        Err(TestError::Abort(reason)) => panic!("{reason}"),
    }
}
