//! Messages that end an actor by a panic of its own.

use actix::Message;

/// The actor that gets it panics.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct Panic;

/// Every worker of the supervisor panics.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct KillWorkers;
