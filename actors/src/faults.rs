//! Named moments at which a test ends the process, and pages that are poison. Without the feature `faults`, which no
//! released binary has, all of it is nothing.
//!
//! `OPILIO_FAULT=settle.after:2` kills the process when it has settled for the second time and before anybody hears of
//! it. A page with `fault=abort`, `fault=panic` or `fault=spin` in its address does that to whoever reads it, and a receiver to
//! whoever reads its answer.

use std::sync::Arc;

use crate::ports::JobStore;

/// Every fault point on the path of a job and of its webhook: before and after each write, and between the writes.
pub const POINTS: [&str; 31] = [
    "submit.before",
    "submit.after",
    "claim.before",
    "claim.after",
    "renew.before",
    "renew.after",
    "page.fetched",
    "record_pages.before",
    "record_pages.after",
    "checkpoint.before",
    "checkpoint.after",
    "settle.before",
    "settle.after",
    "hand_back.before",
    "hand_back.after",
    "cancel.before",
    "cancel.after",
    "start_attempt.before",
    "start_attempt.after",
    "webhook.posted",
    "finish_attempt.before",
    "finish_attempt.after",
    "replay.before",
    "replay.after",
    "replay_all.before",
    "replay_all.after",
    "requeue.before",
    "requeue.after",
    "expire.before",
    "expire.after",
    "commit.before",
];

#[cfg(not(feature = "faults"))]
mod off {
    use super::{Arc, JobStore};

    /// Nothing happens here.
    #[inline(always)]
    pub fn point(_: &str) {}

    /// Nothing happens to whoever reads what came from there.
    #[inline(always)]
    pub fn came_from(_: &str) {}

    /// The store itself.
    pub fn brittle(store: Arc<dyn JobStore>) -> Arc<dyn JobStore> {
        store
    }
}

#[cfg(feature = "faults")]
mod on {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::{Arc, JobStore};
    use crate::testing::failing_store::Brittle;

    struct Plan {
        point: String,
        left: AtomicU32,
    }

    fn plan() -> Option<&'static Plan> {
        static PLAN: OnceLock<Option<Plan>> = OnceLock::new();
        let read = || {
            let text = std::env::var("OPILIO_FAULT").ok()?;
            let (point, times) = text.split_once(':')?;
            Some(Plan { point: point.to_owned(), left: AtomicU32::new(times.parse().ok()?) })
        };
        PLAN.get_or_init(read).as_ref()
    }

    /// The process ends here, as by `kill -9`, if this is the point and the time.
    pub fn point(name: &str) {
        if let Some(plan) = plan()
            && plan.point == name
            && plan.left.fetch_sub(1, Ordering::SeqCst) == 1
        {
            std::process::abort();
        }
    }

    /// Does to whoever reads what came from there what the address says.
    pub fn came_from(url: &str) {
        match url.rsplit_once("fault=").map(|(_, fault)| fault) {
            Some("abort") => std::process::abort(),
            Some("panic") => panic!("this is poison"),
            Some("spin") => loop {
                std::hint::spin_loop();
            },
            _ => {}
        }
    }

    /// A store with fault points around every write, where the environment names one.
    pub fn brittle(store: Arc<dyn JobStore>) -> Arc<dyn JobStore> {
        let fails = |name| {
            point(name);
            std::future::ready(Ok(()))
        };
        if plan().is_some() { Arc::new(Brittle { store, fails }) } else { store }
    }
}

#[cfg(not(feature = "faults"))]
pub use off::{brittle, came_from, point};
#[cfg(feature = "faults")]
pub use on::{brittle, came_from, point};
