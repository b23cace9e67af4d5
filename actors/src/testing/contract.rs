//! The contract of [`JobStore`](crate::ports::JobStore) and [`DeliveryStore`](crate::ports::DeliveryStore): one function
//! per guarantee, run against every backend. A bug found in one store becomes a function here.

mod attempts;
mod changes;
mod checkpoints;
mod claims;
mod expiry;
mod harness;
mod leases;
mod replays;
mod settling;
mod submission;

pub use attempts::*;
pub use changes::*;
pub use checkpoints::*;
pub use claims::*;
pub use expiry::*;
pub use harness::{Harness, LEASE, RETENTION, TERMS};
pub use leases::*;
pub use replays::*;
pub use settling::*;
pub use submission::*;

/// Instantiates every guarantee as a test of the module `contract`; `$harness` creates a [`Harness`] with an empty store.
#[macro_export]
macro_rules! store_contract {
    ($harness:expr) => {
        mod contract {
            use super::*;

            $crate::store_contract!($harness =>
                same_key_and_request_return_the_existing_job,
                reused_key_with_another_request_is_rejected,
                concurrent_equal_submissions_admit_one_job,
                submission_over_the_principals_limit_is_rejected,
                claims_rotate_over_principals_oldest_first,
                second_claim_goes_to_another_principal,
                yielded_job_is_claimed_after_other_principals_jobs,
                interactive_jobs_have_their_own_queue,
                interactive_job_yields_only_to_other_principals,
                interactive_job_keeps_its_queue_after_lease_expiry_and_cancellation,
                leased_job_is_not_claimed_again,
                expired_job_is_claimed_with_its_missing_pages_only,
                expired_lease_can_be_renewed_until_the_next_claim,
                wait_is_noted_until_the_next_claim,
                stale_lease_cannot_write,
                drained_job_keeps_its_attempts_and_queue_position,
                crashed_job_is_delayed_and_costs_an_attempt,
                crash_is_counted_and_delayed_and_costs_no_attempt,
                drain_keeps_the_number_of_crashes,
                attempt_that_ends_without_a_crash_clears_the_crashes,
                cleared_crashes_are_counted_again_from_zero,
                next_attempt_reads_checkpoints,
                checkpoint_keeps_its_first_value,
                stale_lease_cannot_write_checkpoint,
                settled_job_has_no_checkpoints,
                extraction_is_claimed_by_task_and_settles_with_one_record,
                page_keeps_its_first_result,
                job_with_missing_pages_cannot_settle,
                one_successful_page_completes_the_job_and_creates_the_delivery,
                crawl_without_successful_page_fails_with_the_first_error,
                settled_job_reports_its_last_attempt,
                cancelled_job_rejects_late_writes,
                settled_job_cannot_be_cancelled,
                concurrent_cancel_and_settle_agree,
                job_is_invisible_to_other_principals,
                job_with_pending_delivery_does_not_expire,
                unsettled_jobs_do_not_expire,
                expire_removes_everything_and_frees_the_key,
                expire_respects_its_limit,
                concurrent_attempt_start_is_rejected,
                failed_attempt_is_due_after_its_delay,
                interrupted_attempt_is_due_again_and_cannot_finish,
                interrupted_attempt_is_counted_and_delayed,
                too_many_interruptions_exhaust_the_delivery,
                aborted_attempt_does_not_count,
                busy_receiver_does_not_hide_others,
                backlog_of_one_principal_does_not_hide_others,
                due_time_beyond_the_maximum_is_capped,
                replay_starts_a_new_schedule,
                replay_during_an_attempt_follows_any_outcome,
                replay_during_an_interrupted_attempt_is_the_next_attempt,
                replay_all_selects_receivers_by_origin,
                replay_all_includes_attempts_in_progress,
                changed_job_appears_once_in_its_present_state,
                second_claim_is_not_a_change,
                changes_are_paged_and_limited_to_the_principal,
                pages_of_jobs_and_changes_respect_the_byte_limit,
                summary_reports_status_and_progress,
            );
        }
    };
    ($harness:expr => $($guarantee:ident),* $(,)?) => {
        $(
            #[actix::test]
            async fn $guarantee() {
                $crate::testing::contract::$guarantee(&$harness).await;
            }
        )*
    };
}

#[cfg(test)]
#[test]
fn every_guarantee_is_instantiated() {
    let modules = [
        include_str!("contract/attempts.rs"),
        include_str!("contract/changes.rs"),
        include_str!("contract/checkpoints.rs"),
        include_str!("contract/claims.rs"),
        include_str!("contract/expiry.rs"),
        include_str!("contract/leases.rs"),
        include_str!("contract/replays.rs"),
        include_str!("contract/settling.rs"),
        include_str!("contract/submission.rs"),
    ];
    let defined = modules.iter().flat_map(|module| module.lines()).filter_map(|line| {
        let (name, _) = line.strip_prefix("pub async fn ")?.split_once('(')?;
        Some(name)
    });
    for name in defined {
        assert!(include_str!("contract.rs").contains(&format!("                {name},\n")), "{name} is not listed");
    }
}
