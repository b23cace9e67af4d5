//! Leases of jobs.

use super::id::{JobId, NodeId};

/// The right to work on a job until the lease expires. Every write by a worker carries it; the store rejects a stale one.
/// Only the store knows the expiry.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Lease {
    pub job: JobId,
    pub node: NodeId,
    /// The fencing token. Every claim increments it.
    pub token: u64,
}
