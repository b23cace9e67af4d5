//! Server-sent events: of one job, and of all jobs of a caller.

pub mod all;
pub mod job;
