use super::*;
use crate::domain::id::NodeId;
use crate::kinds::CRAWL;

fn lease() -> Lease {
    let job = JobId::new(CRAWL, Timestamp::UNIX_EPOCH, 1);
    Lease { job, node: NodeId::new("n"), token: 1 }
}

#[test]
fn settled_job_allows_no_transition() {
    for settled in [JobState::Completed, JobState::Failed, JobState::Cancelled] {
        let causes = [
            Cause::Claimed { lease: lease() },
            Cause::Released { not_before: None },
            Cause::Settled { verdict: Verdict::Completed },
            Cause::CancelRequested,
        ];
        for cause in causes {
            assert_eq!(settled.clone().after(cause), None);
        }
    }
}

#[test]
fn only_queued_jobs_are_claimed_and_only_running_ones_settled() {
    let queued = JobState::Queued { not_before: None };
    let running = JobState::Running { lease: lease() };
    assert_eq!(queued.clone().after(Cause::Claimed { lease: lease() }), Some(running.clone()));
    assert_eq!(running.clone().after(Cause::Claimed { lease: lease() }), None);
    assert_eq!(queued.clone().after(Cause::Settled { verdict: Verdict::Failed }), None);
    assert_eq!(running.after(Cause::Settled { verdict: Verdict::Failed }), Some(JobState::Failed));
    assert_eq!(queued.after(Cause::CancelRequested), Some(JobState::Cancelled));
}

#[test]
fn one_successful_page_completes_a_job() {
    assert_eq!(Progress { done: 3, failed: 2, total: 3 }.verdict(), Verdict::Completed);
    assert_eq!(Progress { done: 3, failed: 3, total: 3 }.verdict(), Verdict::Failed);
}

#[test]
fn only_panics_and_hangs_cost_an_attempt() {
    use Interruption::{Crashed, Deferred, Drained, Hung, Vanished, Yielded};
    let costs = [Crashed, Hung, Vanished, Drained, Yielded, Deferred].map(Interruption::costs_an_attempt);
    assert_eq!(costs, [true, true, false, false, false, false]);
}
