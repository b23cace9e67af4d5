//! The job store's implementations.

mod blob;
pub mod embedded;
pub mod page_cache;
pub mod redis;

use opilio_actors::domain::retention::Retention;

/// What the operator chose about the store.
#[derive(Clone, Copy, Debug)]
pub struct StoreSettings {
    pub retention: Retention,
    /// Queued jobs of everybody together; `None`: no bound.
    pub max_queued: Option<u64>,
    /// Jobs of one principal, queued or running; `None`: no bound.
    pub max_per_principal: Option<u64>,
}
