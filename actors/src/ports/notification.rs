//! Notifications between nodes that share a store.

use actix::Message;

use crate::domain::id::JobId;
use crate::domain::kind::JobKind;

/// A hint about jobs. It can arrive twice, late or never.
#[derive(Clone, Debug, PartialEq, Eq, Message)]
#[rtype(result = "()")]
pub enum Notification {
    /// A job of this kind may be ready to be claimed.
    Ready(JobKind),
    /// A job was started, has a new page, or is settled.
    Changed(JobId),
    /// A job was cancelled. Its lease is stale.
    Cancelled(JobId),
    /// Notifications may have been lost.
    Missed,
}
