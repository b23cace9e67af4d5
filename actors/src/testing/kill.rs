//! Messages that make an actor panic.

use actix::Message;

/// The receiving actor panics.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct Panic;

/// Every worker of the receiving supervisor panics.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct KillWorkers;
