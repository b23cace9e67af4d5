//! What `/monitor` shows of this process.

use super::endpoint_stats::EndpointStats;
use super::machine::Machine;

/// Clones share the measurements.
#[derive(Clone, Default)]
pub struct Monitor {
    endpoints: EndpointStats,
    machine: Machine,
}

impl Monitor {
    pub fn endpoints(&self) -> &EndpointStats {
        &self.endpoints
    }

    pub fn machine(&self) -> &Machine {
        &self.machine
    }
}
