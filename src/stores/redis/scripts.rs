//! The scripts: every step that touches more than one key is one of them, and takes Redis' own time.

use jiff::Timestamp;
use opilio_actors::domain::id::{JobId, NodeId};
use opilio_actors::domain::job::{Cause, JobState, Verdict};
use opilio_actors::domain::lease::Lease;
use opilio_actors::kinds::CRAWL;
use redis::Script;

use super::row::state_name;

macro_rules! scripts {
    ($($name:ident),* $(,)?) => {
        /// Each sent by its digest, and loaded where Redis does not know it (any more).
        pub struct Scripts {
            $(pub $name: Script,)*
        }

        impl Scripts {
            /// `clock`: a Lua function `now` that returns microseconds; by default, Redis' own time.
            pub fn new(clock: Option<&str>) -> Self {
                let prelude = include_str!("scripts/prelude.lua")
                    .replace("--{clock}", clock.unwrap_or("local function now() return time() end"))
                    .replace("--{moves}", &moves());
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
    checkpoint,
    claim,
    due,
    expire,
    find_page,
    finish_attempt,
    release,
    jobs,
    keep_page,
    should_yield,
    record_pages,
    renew,
    replay,
    replay_many,
    requeue,
    set_aside,
    settle,
    start_attempt,
    submit,
);

/// [`JobState::after`] as a Lua table, so that the scripts move jobs by the one table that there is.
fn moves() -> String {
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
        ("handed_back", Cause::Released { not_before: None }),
        ("completed", Cause::Settled { verdict: Verdict::Completed }),
        ("failed", Cause::Settled { verdict: Verdict::Failed }),
        ("cancelled", Cause::CancelRequested),
    ];
    let rows = states.map(|state| {
        let allowed = causes.iter().filter_map(|(cause, moved)| {
            let next = state.clone().after(moved.clone())?;
            Some(format!("{cause} = '{}'", state_name(&next)))
        });
        format!("{} = {{{}}}", state_name(&state), allowed.collect::<Vec<_>>().join(", "))
    });
    format!("{{{}}}", rows.join(", "))
}
