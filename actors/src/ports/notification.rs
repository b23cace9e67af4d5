//! Notifications from other nodes that use the same store.

use crate::domain::id::JobId;
use crate::domain::kind::JobKind;

/// A hint: it can arrive twice, late or never.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notification {
    /// A job of this kind can be claimed.
    Ready(JobKind),
    /// A job was started or settled, or one of its pages was recorded.
    Changed(JobId),
    /// A job was cancelled, so its worker's lease is no longer valid.
    Cancelled(JobId),
    /// Any number of notifications may have been lost.
    Missed,
}
