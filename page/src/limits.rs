//! Limits on the work that one page may cause.

use std::time::Duration;

/// Longer selectors and expressions are rejected.
pub(crate) const MAX_SELECTOR_BYTES: usize = 2000;

/// Limits on the work that one page may cause.
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    /// Elements nested deeper are not opened; their content becomes part of the deepest open ancestor.
    pub max_depth: usize,
    /// A longer page is rejected.
    pub max_bytes: usize,
    /// A page with more nodes is cut there; [`Page::truncated`](crate::Page::truncated) says so.
    pub max_nodes: usize,
    /// A page that takes more steps is rejected. One step is about the cost of visiting a node. The count does not
    /// depend on the machine; an ordinary page takes about one step per byte.
    pub max_work: u64,
    /// A page that takes longer, measured from the call, is rejected. `None`: no time limit.
    pub deadline: Option<Duration>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_depth: 512,
            max_bytes: 20 * 1024 * 1024,
            max_nodes: 1_000_000,
            max_work: 400_000_000,
            deadline: Some(Duration::from_secs(30)),
        }
    }
}
