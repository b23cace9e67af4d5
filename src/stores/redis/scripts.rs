//! The Lua scripts.

use std::collections::BTreeSet;

use jiff::Timestamp;
use opilio_actors::domain::crash;
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
                let prelude = PRELUDE
                    .replace("--{clock}", clock.unwrap_or("local function now() return redis_time() end"))
                    .replace("--{transitions}", &transitions())
                    .replace("--{crash_delays}", &crash::DELAYS.map(|delay| delay.as_micros().to_string()).join(", "));
                Self {
                    $($name: script(&prelude, stringify!($name), SOURCES),)*
                }
            }
        }

        /// The name and the text of each script.
        const SOURCES: &[(&str, &str)] =
            &[$((stringify!($name), include_str!(concat!("scripts/", stringify!($name), ".lua"))),)*];
    };
}

const PRELUDE: &str = include_str!("scripts/prelude.lua");

/// The script that checks the permissions of all scripts.
const PROBE: &str = "probe";

fn script(prelude: &str, name: &str, sources: &[(&str, &str)]) -> Script {
    let checked = sources.iter().filter(|(other, _)| *other == name || name == PROBE);
    let commands: BTreeSet<_> = checked.flat_map(|(_, text)| commands(text)).chain(commands(PRELUDE)).collect();
    let commands = commands.into_iter().map(|command| format!("'{command}'")).collect::<Vec<_>>().join(", ");
    let text = sources.iter().find(|(other, _)| *other == name).map_or("", |(_, text)| text);
    Script::new(&format!("{}\n{text}", prelude.replace("--{commands}", &commands)))
}

/// The commands that a script cannot do without. A `pcall` may fail.
fn commands(text: &str) -> impl Iterator<Item = &str> {
    let calls = text.match_indices("call('").filter(|(at, _)| !text[..*at].ends_with('p'));
    calls.filter_map(|(at, call)| text[at + call.len()..].split('\'').next())
}

/// All commands that the scripts cannot do without.
#[cfg(test)]
pub fn all_commands() -> BTreeSet<&'static str> {
    SOURCES.iter().flat_map(|(_, text)| commands(text)).chain(commands(PRELUDE)).collect()
}

scripts!(
    cancel,
    changes,
    claim,
    clear_crashes,
    due,
    expire,
    fail_unreadable,
    find_cached_page,
    finish_attempt,
    list_jobs,
    may_notify,
    note_waits,
    probe,
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
