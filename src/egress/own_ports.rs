//! The ports that this process listens on.

use std::collections::HashSet;
use std::sync::{Arc, PoisonError, RwLock};

use tokio::net::TcpStream;

/// Addresses that pages name never lead to these ports of this machine. All clones share the list.
#[derive(Clone, Debug, Default)]
pub struct OwnPorts(Arc<RwLock<HashSet<u16>>>);

impl OwnPorts {
    pub fn add(&self, port: u16) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(port);
    }

    pub fn remove(&self, port: u16) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).remove(&port);
    }

    pub(super) fn contains(&self, port: u16) -> bool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).contains(&port)
    }

    /// Whether the connection leads to this process. A connection between two addresses of one machine has either a
    /// loopback address at its other end or the same address at both ends.
    pub(super) fn are_reached_by(&self, stream: &TcpStream) -> bool {
        let (Ok(local), Ok(remote)) = (stream.local_addr(), stream.peer_addr()) else { return true };
        let is_this_machine = remote.ip().to_canonical().is_loopback() || remote.ip() == local.ip();
        is_this_machine && self.contains(remote.port())
    }
}
