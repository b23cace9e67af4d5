//! The steps of a run.

use crate::testing::contract::LEASE;

/// What happens next; `node` is 0 or 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Submit { pages: usize },
    Cancel { job: usize },
    Replay { job: usize },
    Wait { seconds: u64 },
    Sweep,
    Claim { node: usize },
    Renew { node: usize },
    Record { node: usize },
    Settle { node: usize },
    Release { node: usize },
    StartAttempt { node: usize },
    Post { node: usize, accepted: bool },
    FinishAttempt { node: usize },
    Crash { node: usize },
}

impl Step {
    pub fn decode(number: u16) -> Self {
        let (node, rest) = (usize::from(number / 16 % 2), usize::from(number / 32));
        match number % 16 {
            0 | 1 => Self::Submit { pages: 1 + rest % 3 },
            2 => Self::Cancel { job: rest % 4 },
            3 => Self::Replay { job: rest % 4 },
            4 => Self::Wait { seconds: [1, LEASE.as_secs() / 2, LEASE.as_secs()][rest % 3] },
            5 => Self::Sweep,
            6 | 7 => Self::Claim { node },
            8 => Self::Renew { node },
            9 | 10 => Self::Record { node },
            11 => Self::Settle { node },
            12 => Self::Release { node },
            13 => Self::StartAttempt { node },
            14 if rest % 3 == 0 => Self::Crash { node },
            14 => Self::Post { node, accepted: rest % 2 == 0 },
            _ => Self::FinishAttempt { node },
        }
    }
}
