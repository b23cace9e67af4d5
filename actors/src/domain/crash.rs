//! Crashes of the process, which each job counts separately from its attempts: a crash also interrupts jobs that did not
//! cause it.

use std::time::Duration;

/// A job that was running at this many consecutive crashes is a suspect.
const SUSPECT: u32 = 2;

/// The longest time for which a suspect runs while no other job starts.
pub const MAX_ISOLATION: Duration = Duration::from_secs(30);

/// The delay after the first, the second and each further crash; the last one is repeated.
pub const DELAYS: [Duration; 6] = [
    Duration::ZERO,
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
    Duration::from_secs(10),
];

/// How the end of an attempt changes the job's number of consecutive crashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CrashCount {
    /// The process crashed.
    Increment,
    /// The process shut down, or it claimed the job without running it.
    Keep,
    /// The process outlived the attempt.
    Clear,
}

/// Whether a job with this many consecutive crashes may be their cause.
pub fn is_suspect(crashes: u32) -> bool {
    crashes >= SUSPECT
}

/// The delay before a job is claimed again after its crash number `crashes` (1 for the first).
pub fn delay_after(crashes: u32) -> Duration {
    let index = usize::try_from(crashes.saturating_sub(1)).unwrap_or(usize::MAX);
    DELAYS[index.min(DELAYS.len() - 1)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_crash_causes_no_delay_and_later_ones_double_it() {
        let seconds: Vec<_> = (0..9).map(|crashes| delay_after(crashes).as_secs()).collect();
        assert_eq!(seconds, [0, 0, 1, 2, 4, 8, 10, 10, 10]);
        assert_eq!(delay_after(u32::MAX), Duration::from_secs(10));
    }

    #[test]
    fn second_consecutive_crash_makes_a_job_a_suspect() {
        assert_eq!([0, 1, 2, 3].map(is_suspect), [false, false, true, true]);
    }
}
