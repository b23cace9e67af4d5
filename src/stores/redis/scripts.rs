//! The Lua scripts.

use jiff::Timestamp;
use opilio_actors::domain::id::{JobId, NodeId};
use opilio_actors::domain::job::{Cause, JobState, Verdict};
use opilio_actors::domain::lease::Lease;
use opilio_actors::kinds::CRAWL;
use redis::Script;

use crate::stores::convert::job_state_name;

/// Generates [`Scripts`] from the names of the files.
macro_rules! scripts {
    ($($name:ident),* $(,)?) => {
        /// Each script is invoked by its digest and loaded when Redis does not know it.
        pub struct Scripts {
            $(pub $name: Script,)*
        }

        impl Scripts {
            /// `clock`: a Lua function `now` that returns microseconds; `None`: Redis' own time.
            pub fn new(clock: Option<&str>) -> Self {
                let prelude = include_str!("scripts/prelude.lua")
                    .replace("--{clock}", clock.unwrap_or("local function now() return redis_time() end"))
                    .replace("--{transitions}", &transitions());
                Self {
                    $($name: Script::new(&format!(
                        "{prelude}\n{}", include_str!(concat!("scripts/", stringify!($name), ".lua"))
                    )),)*
                }
            }
        }
    };
}

scripts!(
    cancel,
    changes,
    claim,
    due,
    expire,
    fail_unreadable,
    find_cached_page,
    finish_attempt,
    list_jobs,
    note_waits,
    record_pages,
    release,
    renew,
    replay,
    replay_matching,
    requeue,
    settle,
    should_yield,
    start_attempt,
    store_cached_page,
    submit,
    write_checkpoint,
);

/// [`JobState::after`] as a Lua table, so that the scripts use the one state machine of the domain.
fn transitions() -> String {
    let job = JobId::new(CRAWL, Timestamp::UNIX_EPOCH, 0);
    let lease = Lease { job, node: NodeId::new(""), token: 0 };
    let states = [
        JobState::Queued { not_before: None },
        JobState::Running { lease: lease.clone() },
        JobState::Completed,
        JobState::Failed,
        JobState::Cancelled,
    ];
    let causes = [
        ("claimed", Cause::Claimed { lease }),
        ("released", Cause::Released { not_before: None }),
        ("completed", Cause::Settled { verdict: Verdict::Completed }),
        ("failed", Cause::Settled { verdict: Verdict::Failed }),
        ("cancelled", Cause::CancelRequested),
    ];
    let rows = states.map(|state| {
        let allowed = causes.iter().filter_map(|(name, cause)| {
            let next = state.clone().after(cause.clone())?;
            Some(format!("{name} = '{}'", job_state_name(&next)))
        });
        format!("{} = {{{}}}", job_state_name(&state), allowed.collect::<Vec<_>>().join(", "))
    });
    format!("{{{}}}", rows.join(", "))
}
