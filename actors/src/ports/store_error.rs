//! Errors of the stores.

/// Why a store operation failed; one variant per decision that a caller can make.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The lease is stale: the job was settled, released or claimed again. The holder stops its work.
    #[error("the lease is no longer valid")]
    LeaseLost,
    #[error("no such job")]
    NotFound,
    /// The operation is not allowed in the job's present state; the text says why.
    #[error("{0}")]
    Conflict(&'static str),
    /// The queue accepts no more jobs, from this principal (`principal`) or from any.
    #[error("the queue is full")]
    Full { principal: bool },
    /// The store is unreachable, locked or out of space; the same call may succeed later.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// Stored data cannot be read; a retry does not help.
    #[error("the store is damaged: {0}")]
    Damaged(String),
}

impl StoreError {
    /// Whether the same call may succeed later.
    pub fn is_transient(&self) -> bool {
        matches!(self, StoreError::Unavailable(_))
    }
}
