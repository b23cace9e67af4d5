//! Settings that both backends share.

use opilio_actors::domain::retention::Retention;

/// The operator's settings of a store.
#[derive(Clone, Copy, Debug)]
pub struct StoreSettings {
    pub retention: Retention,
    /// At most this many queued jobs in all; `None`: unlimited.
    pub max_queued: Option<u64>,
    /// At most this many queued and running jobs of one principal; `None`: unlimited.
    pub max_per_principal: Option<u64>,
}
