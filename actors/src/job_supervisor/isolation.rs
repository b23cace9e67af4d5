//! The isolation of suspects: jobs that may have caused crashes of the process run one at a time, while no other job
//! starts, so that a crash counts only for its cause.
//!
//! A suspect that has run for 30 s is no longer one; other jobs then run beside it. After each isolation,
//! suspects wait for as long as it lasted, so that other jobs have half of the time.

use std::time::Duration;

use tokio::time::Instant;

/// When suspects may start on this node.
#[derive(Debug, Default)]
pub struct Isolation {
    /// When the present isolation started.
    started: Option<Instant>,
    /// When the next one may start.
    next: Option<Instant>,
}

impl Isolation {
    pub fn start(&mut self) {
        self.started = Some(Instant::now());
    }

    /// Has no effect if no isolation is in progress.
    pub fn end(&mut self) {
        if let Some(started) = self.started.take() {
            self.next = Some(Instant::now() + started.elapsed());
        }
    }

    /// The time until the next suspect may start; zero: now.
    pub fn wait(&self) -> Duration {
        self.next.map_or(Duration::ZERO, |next| next.saturating_duration_since(Instant::now()))
    }
}
