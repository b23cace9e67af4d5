//! The promises of [`JobStore`](crate::ports::JobStore), each a function whose name is the promise. A bug found in one
//! store becomes a promise here, for all of them.

mod attempts;
mod changes;
mod checkpoints;
mod queue;
mod settling;

use std::future::Future;
use std::time::Duration;

use crate::domain::id::TaskType;
use crate::domain::retention::Retention;
use crate::ports::{AttemptTerms, Claim, NewJob, Store, Submission};
use crate::testing::jobs::node;

pub use attempts::*;
pub use changes::*;
pub use checkpoints::*;
pub use queue::*;
pub use settling::*;

/// A lease's length in the contract.
pub const LEASE: Duration = Duration::from_secs(30);
/// On which the contract's attempts at deliveries begin: an attempt cut short rests for longer than it was held.
pub const TERMS: AttemptTerms = AttemptTerms {
    lease_duration: LEASE,
    interruption_delay: Duration::from_secs(2 * LEASE.as_secs()),
    max_interruptions: 3,
};
/// How long the contract's stores keep jobs.
pub const RETENTION: Retention =
    Retention { settled: Some(Duration::from_secs(3600)), exhausted: Some(Duration::from_secs(7 * 86_400)) };

/// A store to be tested, empty at first, and its time.
pub trait Harness: Sync {
    fn store(&self) -> &dyn Store;

    /// The store's time goes on by this much.
    fn let_time_pass(&self, time: Duration) -> impl Future<Output = ()> + Send;
}

/// Stamps every promise as a test; `$harness` makes a new [`Harness`] over an empty store.
#[macro_export]
macro_rules! store_contract {
    ($harness:expr) => {
        $crate::store_contract!($harness =>
            an_equal_submission_under_the_same_key_is_the_same_job,
            a_key_used_for_another_request_is_refused,
            a_job_is_refused_when_its_principal_has_as_many_as_it_may,
            claims_go_round_the_principals_oldest_first,
            a_job_that_somebody_waits_for_stands_in_a_line_of_its_own,
            a_job_that_somebody_waits_for_lets_only_others_go_first,
            a_job_that_somebody_waited_for_keeps_its_line_when_its_lease_runs_out_or_it_is_cancelled,
            a_claimed_job_is_not_claimed_again_while_its_lease_runs,
            a_job_whose_lease_ran_out_is_claimed_again_with_only_its_missing_pages,
            an_expired_lease_that_nobody_claimed_may_be_renewed,
            a_stale_lease_can_write_nothing,
            a_job_handed_back_by_a_drain_keeps_its_attempts_and_its_place,
            a_job_that_broke_waits_and_has_spent_an_attempt,
            a_vanished_attempt_counts_only_without_progress,
            a_checkpoint_is_there_for_the_next_attempt,
            a_checkpoint_written_twice_keeps_its_first_value,
            a_stale_lease_can_write_no_checkpoint,
            a_settled_job_keeps_no_checkpoints,
            an_extraction_settles_by_its_one_record_and_is_claimed_apart_from_crawls,
            a_page_recorded_twice_keeps_its_first_result,
            a_job_with_missing_pages_does_not_settle,
            one_good_page_completes_a_crawl_and_queues_its_webhook,
            the_attempt_that_ends_a_job_is_its_last_number,
            expiry_takes_no_more_at_once_than_it_is_asked_to,
            a_crawl_of_nothing_but_failures_fails_with_the_first_reason,
            a_cancelled_job_stays_cancelled_whatever_its_worker_says,
            a_settled_job_is_not_cancelled,
            a_job_is_invisible_to_other_principals,
            a_job_still_to_be_delivered_does_not_expire,
            expiry_takes_everything_and_frees_the_key,
            an_attempt_is_made_by_one_sender_only,
            a_failed_attempt_comes_due_after_its_wait,
            an_interrupted_attempt_comes_due_again_and_its_late_outcome_is_refused,
            an_attempt_cut_short_rests_before_it_is_made_again_and_is_counted,
            an_attempt_broken_off_on_purpose_counts_for_nothing,
            a_delivery_cut_short_too_often_is_given_up,
            a_replay_starts_a_fresh_schedule,
            a_replay_asked_for_during_an_attempt_follows_it_whatever_comes_of_it,
            a_replay_asked_for_during_an_attempt_that_is_cut_short_is_the_next_attempt,
            many_are_replayed_and_those_that_are_being_sent_follow,
            a_busy_receiver_hides_nobody_else,
            a_due_time_beyond_any_wait_is_brought_in,
            however_many_jobs_one_principal_has_the_next_claim_but_one_is_anothers,
            a_job_that_lets_others_go_first_is_claimed_after_theirs,
            of_equal_submissions_at_the_same_time_one_is_admitted,
            a_cancellation_and_an_end_at_the_same_time_are_one_of_them,
            expiry_touches_nothing_that_waits_or_runs,
            a_change_of_a_job_is_told_once_and_as_the_job_stands,
            a_job_claimed_again_is_no_change,
            changes_are_told_to_their_principal_a_stretch_at_a_time,
            a_list_and_a_stretch_of_changes_end_before_requests_that_are_too_large_together,
            how_far_a_job_is_is_told_without_its_request,
        );
    };
    ($harness:expr => $($promise:ident),* $(,)?) => {
        $(
            #[actix::test]
            async fn $promise() {
                $crate::testing::contract::$promise(&$harness).await;
            }
        )*
    };
}

async fn submit(h: &impl Harness, job: NewJob) {
    assert_eq!(h.store().submit(job).await, Ok(Submission::Admitted));
}

async fn claim(h: &impl Harness, who: &str, most: usize) -> Vec<Claim> {
    h.store().claim(&node(who), TaskType::Crawl, most, LEASE).await.expect("the store is there")
}

/// Submits a job and claims it.
async fn claimed(h: &impl Harness, job: NewJob) -> Claim {
    submit(h, job).await;
    claim(h, "first", 1).await.pop().expect("a job was waiting")
}
