//! The right to work on a job for a while.

use super::id::{JobId, NodeId};

/// Every write by a worker carries it. The store refuses one whose token is not the job's newest: of two workers on the
/// same job only one can write. When it ends is the store's knowledge alone.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Lease {
    pub job: JobId,
    pub node: NodeId,
    /// The fencing token: raised by every claim, never reused.
    pub token: u64,
}
