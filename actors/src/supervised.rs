//! Actors that are restarted when they crash, and references to them.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use actix::dev::ToEnvelope;
use actix::prelude::*;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tracing::error;

use crate::domain::retry::Backoff;
use crate::metrics::Metrics;

/// The delay before a restart, by consecutive crashes.
const RESTART: Backoff = Backoff { initial: Duration::from_millis(10), max: Duration::from_secs(5), jitter: 0.0 };

/// After this time without a crash, the next crash counts as the first.
const STABLE_AFTER: Duration = Duration::from_secs(60);

/// A reference to an actor that may be replaced. Resolve it for each message; do not store the address.
pub struct ActorRef<A: Actor> {
    current: Arc<RwLock<Option<Addr<A>>>>,
}

impl<A: Actor> Default for ActorRef<A> {
    fn default() -> Self {
        Self { current: Arc::default() }
    }
}

impl<A: Actor> Clone for ActorRef<A> {
    fn clone(&self) -> Self {
        Self { current: Arc::clone(&self.current) }
    }
}

impl<A: Actor> ActorRef<A> {
    /// `None` while the actor is being replaced.
    pub fn address(&self) -> Option<Addr<A>> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sends an event. It is dropped while the actor is being replaced: events are hints, and the store has the facts.
    pub fn notify<M>(&self, event: M)
    where
        M: Message + Send + 'static,
        M::Result: Send,
        A: Handler<M>,
        A::Context: ToEnvelope<A, M>,
    {
        if let Some(address) = self.address() {
            address.do_send(event);
        }
    }

    /// A subscriber for events of one type, without the actor's type.
    pub fn subscriber<M>(&self) -> Subscriber<M>
    where
        M: Message + Send + 'static,
        M::Result: Send,
        A: Handler<M>,
        A::Context: ToEnvelope<A, M>,
    {
        let actor = self.clone();
        Subscriber(Arc::new(move || actor.address().map(Addr::recipient)))
    }

    fn set(&self, address: Option<Addr<A>>) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = address;
    }
}

/// Receives events of one type. The actor behind it may be replaced.
pub struct Subscriber<M>(Arc<dyn Fn() -> Option<Recipient<M>> + Send + Sync>)
where
    M: Message + Send + 'static,
    M::Result: Send;

impl<M> Subscriber<M>
where
    M: Message + Send + 'static,
    M::Result: Send,
{
    /// Sends an event; see [`ActorRef::notify`].
    pub fn notify(&self, event: M) {
        if let Some(recipient) = (self.0)() {
            recipient.do_send(event);
        }
    }
}

impl<M> From<Recipient<M>> for Subscriber<M>
where
    M: Message + Send + 'static,
    M::Result: Send,
{
    fn from(recipient: Recipient<M>) -> Self {
        Self(Arc::new(move || Some(recipient.clone())))
    }
}

impl<M> Clone for Subscriber<M>
where
    M: Message + Send + 'static,
    M::Result: Send,
{
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// Reports the exit of the actor that holds it, whatever the cause.
pub struct ExitSignal {
    exited: Option<oneshot::Sender<&'static str>>,
}

impl Drop for ExitSignal {
    fn drop(&mut self) {
        let cause = if std::thread::panicking() { "panicked" } else { "stopped" };
        if let Some(exited) = self.exited.take() {
            // There is no listener when the process exits.
            let _ = exited.send(cause);
        }
    }
}

/// Starts the actor on the current arbiter, and restarts it with back-off whenever it exits.
pub fn supervise<A>(
    actor: ActorRef<A>,
    name: &'static str,
    metrics: Metrics,
    create: impl Fn(ExitSignal) -> A + 'static,
) where
    A: Actor<Context = Context<A>>,
{
    let start = move |generation: u32| {
        let (sender, exited) = oneshot::channel();
        metrics.started(name, generation.into());
        actor.set(Some(create(ExitSignal { exited: Some(sender) }).start()));
        let (actor, metrics) = (actor.clone(), metrics.clone());
        async move {
            let started = Instant::now();
            let cause = exited.await.unwrap_or("stopped");
            actor.set(None);
            metrics.exited(name, cause);
            error!(actor = name, cause, "actor exited and is restarted");
            started.elapsed() >= STABLE_AFTER
        }
    };
    let mut running = start(0);
    actix::spawn(async move {
        let mut crashes = 0_u32;
        for generation in 1_u32.. {
            let was_stable = running.await;
            crashes = if was_stable { 1 } else { crashes.saturating_add(1) };
            tokio::time::sleep(RESTART.delay_after(crashes, 0.0)).await;
            running = start(generation);
        }
    });
}
