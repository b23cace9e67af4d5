//! Fault points: named moments at which a crash test ends the process, and URLs that trigger a fault. Without the feature
//! `faults`, which no released binary has, every function here does nothing.
//!
//! `OPILIO_FAULT=settle.after:2` aborts the process when it reaches `settle.after` for the second time. A URL that ends
//! with `fault=abort`, `fault=panic` or `fault=spin` triggers that fault when its page or response is processed.

#[cfg(not(feature = "faults"))]
mod disabled {
    use std::sync::Arc;

    use crate::ports::Store;

    #[inline(always)]
    pub fn point(_: &str) {}

    #[inline(always)]
    pub fn trigger(_: &str) {}

    /// Returns the store unchanged.
    pub fn with_fault_points(store: Arc<dyn Store>) -> Arc<dyn Store> {
        store
    }
}

#[cfg(feature = "faults")]
mod enabled {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::sync::{Arc, OnceLock};

    use crate::ports::Store;
    use crate::testing::failing_store::FailingStore;
    use crate::testing::store_decorator::WRITE_POINTS;

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

    /// Every fault point that a job and its webhook pass: before and after each write, and between the writes. A job passes
    /// `clear_crashes` only after it has run alone for 30 s.
    pub fn points() -> Vec<&'static str> {
        let writes = WRITE_POINTS.iter().filter(|point| !point.starts_with("clear_crashes"));
        writes.copied().chain(["page.fetched", "webhook.posted", "commit.before"]).collect()
    }

    /// Aborts the process, as `kill -9` would, if the plan names this point and this pass.
    pub fn point(name: &str) {
        if let Some(plan) = plan()
            && plan.point == name
            && plan.left.fetch_sub(1, Ordering::SeqCst) == 1
        {
            std::process::abort();
        }
    }

    /// Triggers the fault that the URL names.
    pub fn trigger(url: &str) {
        match url.rsplit_once("fault=").map(|(_, fault)| fault) {
            Some("abort") => std::process::abort(),
            Some("panic") => panic!("fault=panic"),
            Some("spin") => loop {
                std::hint::spin_loop();
            },
            _ => {}
        }
    }

    /// Adds the fault points of every write if the environment names a point.
    pub fn with_fault_points(store: Arc<dyn Store>) -> Arc<dyn Store> {
        let fails = |name| {
            point(name);
            std::future::ready(Ok(()))
        };
        if plan().is_some() { Arc::new(FailingStore { store, fails }) } else { store }
    }
}

#[cfg(not(feature = "faults"))]
pub use disabled::{point, trigger, with_fault_points};
#[cfg(feature = "faults")]
pub use enabled::{point, points, trigger, with_fault_points};
