//! The webhook sender: one message per delivery attempt. It schedules its own retries.
//!
//! Due deliveries wait in queues by principal and receiver. Deliveries due within the horizon wait in a queue ordered by time,
//! with one timer for the earliest. All others stay in the store until a sweep reads them.

mod actor;
mod attempt;
mod body;
mod delay_queue;
mod delivery_queues;
mod in_flight;
mod messages;
mod policy;
mod receiver_health;
mod schedule;
mod slots;

pub use actor::{SenderContext, WebhookSender};
pub use messages::{DrainDeliveries, ReplayDeliveries, ReplayDelivery};
pub use policy::SenderPolicy;
