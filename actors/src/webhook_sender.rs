//! The webhook sender: one message per delivery attempt. It schedules its own retries.
//!
//! Due deliveries wait in one queue per receiver, and the receivers take turns. Deliveries due within the horizon wait in a
//! queue ordered by time, with one timer for the earliest. All others stay in the store until a sweep reads them.

mod actor;
mod attempt;
mod body;
mod delay_queue;
mod messages;
mod policy;
mod receiver_queues;
mod schedule;

pub use actor::{SenderContext, WebhookSender};
pub use messages::{DrainDeliveries, ReplayDeliveries, ReplayDelivery};
pub use policy::SenderPolicy;
