//! What other nodes say about jobs, where the store is shared.

use crate::domain::id::JobId;
use crate::domain::kind::JobKind;

/// A hint, as all messages are: it may come twice, late or never.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notification {
    /// A job of this kind may be there to be claimed.
    Ready(JobKind),
    /// A job was started, has one more page, or is settled.
    Changed(JobId),
    /// A job was cancelled: whoever works on it can write nothing more.
    Cancelled(JobId),
    /// Any of these may have been said without being heard.
    Missed,
}
