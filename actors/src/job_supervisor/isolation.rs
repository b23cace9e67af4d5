//! The isolation of suspects: jobs that may have caused crashes of the process run one at a time, while no other job
//! starts, so that a crash counts only for its cause.
//!
//! A suspect that has run for [`MAX_ISOLATION`] is no longer one; other jobs then run beside it. After each isolation,
//! suspects wait for as long as it lasted, so that other jobs have half of the time.

use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use tokio::time::Instant;
use tracing::{info, warn};

use super::actor::JobSupervisor;
use super::worker_pool::{Assignment, WorkerPool};
use crate::domain::crash::MAX_ISOLATION;
use crate::ports::StoreError;
use crate::retry_store::retry_transient;

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

    fn end(&mut self) {
        if let Some(started) = self.started.take() {
            self.next = Some(Instant::now() + started.elapsed());
        }
    }

    /// The time until the next suspect may start; zero: now.
    pub fn wait(&self) -> Duration {
        self.next.map_or(Duration::ZERO, |next| next.saturating_duration_since(Instant::now()))
    }
}

impl JobSupervisor {
    /// Whether no job may start now.
    pub(super) fn is_isolating(&mut self) -> bool {
        let isolating = self.pools.iter().flat_map(WorkerPool::assignments).any(|it| it.isolated);
        if !isolating {
            self.isolation.end();
        }
        isolating
    }

    /// Ends an isolation of the maximum length: the job is no longer a suspect.
    pub(super) fn end_long_isolation(&mut self, ctx: &mut Context<Self>) {
        let is_over = |it: &&mut Assignment| it.isolated && it.started.elapsed() >= MAX_ISOLATION;
        let Some(assignment) = self.pools.iter_mut().flat_map(WorkerPool::assignments_mut).find(is_over) else {
            return;
        };
        assignment.isolated = false;
        let (store, lease) = (Arc::clone(&self.store), assignment.lease.clone());
        info!(task_id = %lease.job, "job caused no crash; other jobs run beside it");
        let cleared = async move { retry_transient(|| store.clear_crashes(&lease)).await };
        ctx.spawn(cleared.into_actor(self).map(|cleared, _, _| match cleared {
            Ok(()) | Err(StoreError::LeaseLost) => {}
            Err(error) => warn!(%error, "the number of crashes of a job could not be cleared"),
        }));
        self.claim_all(ctx);
    }
}
