//! The operator's settings for webhook deliveries.

use std::time::Duration;

use crate::domain::retry::DeliveryPolicy;

#[derive(Clone, Debug)]
pub struct SenderPolicy {
    pub retry: DeliveryPolicy,
    /// The lease of an attempt, longer than the transport's timeout: an attempt that is open for longer was interrupted.
    pub lease: Duration,
    pub max_in_flight: usize,
    pub max_in_flight_per_receiver: usize,
    /// Deliveries due later than this stay in the store.
    pub horizon: Duration,
    /// The maximum number of deliveries that wait in memory.
    pub max_in_memory: usize,
    /// The interval of sweeps.
    pub sweep: Duration,
}

impl SenderPolicy {
    /// The maximum number of deliveries to one receiver that wait in memory, so that it leaves space for the others.
    pub fn max_in_memory_per_receiver(&self) -> usize {
        self.max_in_flight_per_receiver.saturating_mul(4)
    }
}
