//! The queues in memory, and what fills them: new deliveries, retries and sweeps.

use std::collections::HashSet;
use std::sync::Arc;

use actix::prelude::*;
use tokio::time::Instant;
use tracing::warn;

use super::actor::WebhookSender;
use super::messages::{AttemptDelivery, RetryDue, Sweep};
use crate::domain::delivery::DueDelivery;
use crate::domain::id::Principal;
use crate::ports::DueQuery;

impl WebhookSender {
    /// Queues a delivery, unless it is due after the horizon or the memory is full; then a sweep finds it later.
    pub(super) fn accept(&mut self, due: DueDelivery, ctx: &mut Context<Self>) {
        let of_receiver = self.queues.waiting_for(&due.principal, &due.receiver)
            + self.delayed.waiting_for(&due.principal, &due.receiver);
        let full = self.is_full(&due.principal) || of_receiver >= self.policy.max_in_memory_per_receiver();
        if full || due.wait > self.policy.horizon {
            if self.more_in_store.len() < self.policy.max_in_memory {
                self.more_in_store.insert((due.principal, due.receiver));
            }
            return;
        }
        if due.wait.is_zero() {
            self.delayed.remove(&due.job);
            self.queues.push(due);
        } else {
            self.delayed.insert(Instant::now() + due.wait, due);
        }
        self.set_timer(ctx);
        self.start_attempts(ctx);
    }

    fn accept_swept(&mut self, found: Vec<DueDelivery>, ctx: &mut Context<Self>) {
        for due in found {
            if !self.queues.contains(&due.job) && !self.delayed.contains(&due.job, due.version) {
                self.more_in_store.insert((due.principal.clone(), due.receiver.clone()));
                self.accept(due, ctx);
            }
        }
    }

    fn in_memory(&self) -> usize {
        self.queues.waiting() + self.delayed.len()
    }

    fn free_memory(&self) -> usize {
        self.policy.max_in_memory.saturating_sub(self.in_memory())
    }

    /// Whether no more deliveries of the principal are kept in memory: it never has more than are free, so that there is
    /// space for every other one.
    fn is_full(&self, principal: &Principal) -> bool {
        self.queues.waiting_of(principal) + self.delayed.waiting_of(principal) >= self.free_memory()
    }

    pub(super) fn start_attempts(&mut self, ctx: &mut Context<Self>) {
        while !self.draining
            && let Some(due) = self.queues.start_next()
        {
            ctx.notify(AttemptDelivery { due });
        }
    }

    fn set_timer(&mut self, ctx: &mut Context<Self>) {
        let earliest = self.delayed.earliest();
        if self.timer.as_ref().map(|(at, _)| *at) == earliest {
            return;
        }
        if let Some((_, handle)) = self.timer.take() {
            ctx.cancel_future(handle);
        }
        self.timer = earliest.map(|at| (at, ctx.notify_later(RetryDue, at.saturating_duration_since(Instant::now()))));
    }
}

impl Handler<RetryDue> for WebhookSender {
    type Result = ();

    fn handle(&mut self, _: RetryDue, ctx: &mut Self::Context) {
        self.timer = None;
        let now = Instant::now();
        while let Some(due) = self.delayed.pop_due(now) {
            self.queues.push(due);
        }
        self.set_timer(ctx);
        self.start_attempts(ctx);
    }
}

impl Handler<Sweep> for WebhookSender {
    type Result = ();

    fn handle(&mut self, _: Sweep, ctx: &mut Self::Context) {
        self.queues.note_slow();
        self.start_attempts(ctx);
        let limit = self.free_memory();
        if limit == 0 || self.sweeping || self.draining {
            return;
        }
        self.sweeping = true;
        let limit_per_receiver = self.policy.max_in_memory_per_receiver();
        let in_memory: HashSet<_> = self.queues.principals().chain(self.delayed.principals()).collect();
        let query = DueQuery {
            horizon: self.policy.horizon,
            limit,
            limit_per_principal: limit.div_ceil(2),
            limit_per_receiver,
            excluded_principals: in_memory.into_iter().filter(|one| self.is_full(one)).cloned().collect(),
            excluded_receivers: self.queues.receivers_with(limit_per_receiver),
            max_wait: self.policy.retry.backoff.max,
        };
        let store = Arc::clone(&self.runner.deliveries);
        let found = async move { store.due(query).await };
        ctx.spawn(found.into_actor(self).map(|found, this, ctx| {
            this.sweeping = false;
            match found {
                Ok(found) => this.accept_swept(found, ctx),
                Err(error) => warn!(target: "webhook", %error, "reading due webhooks failed"),
            }
        }));
    }
}
