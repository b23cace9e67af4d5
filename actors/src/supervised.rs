//! Starts the actors that must always be there, again whenever they die, and says where they are now.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use actix::dev::ToEnvelope;
use actix::prelude::*;
use tokio::sync::oneshot;
use tracing::error;

use crate::domain::retry::Backoff;
use crate::metrics::Metrics;

/// One that dies at once again and again comes back more and more slowly.
const RESTART: Backoff = Backoff { initial: Duration::from_millis(10), max: Duration::from_secs(5), jitter: 0.0 };

/// Where an actor is now. Nobody keeps the address itself: it may be replaced.
pub struct ActorRef<A: Actor> {
    cell: Arc<RwLock<Option<Addr<A>>>>,
}

impl<A: Actor> Default for ActorRef<A> {
    fn default() -> Self {
        Self { cell: Arc::default() }
    }
}

impl<A: Actor> Clone for ActorRef<A> {
    fn clone(&self) -> Self {
        Self { cell: Arc::clone(&self.cell) }
    }
}

impl<A: Actor> ActorRef<A> {
    /// `None` while it is being replaced.
    pub fn address(&self) -> Option<Addr<A>> {
        self.cell.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Tells an event; whoever is not there finds it in the store.
    pub fn tell<M>(&self, event: M)
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

    fn set(&self, address: Option<Addr<A>>) {
        *self.cell.write().unwrap_or_else(PoisonError::into_inner) = address;
    }
}

/// Held by an actor: dropped with it, however it ends.
pub struct DeathWatch {
    on_exit: Option<oneshot::Sender<&'static str>>,
}

impl Drop for DeathWatch {
    fn drop(&mut self) {
        let cause = if std::thread::panicking() { "panicked" } else { "stopped" };
        if let Some(on_exit) = self.on_exit.take() {
            // Nobody mourns at the end of the process.
            let _ = on_exit.send(cause);
        }
    }
}

/// An actor that lived so long was not killed by what it found at its start.
const LONG_LIFE: Duration = Duration::from_secs(60);

/// Starts the actor on this arbiter at once, and again each time it dies.
pub fn keep<A>(post: ActorRef<A>, name: &'static str, metrics: Metrics, make: impl Fn(DeathWatch) -> A + 'static)
where
    A: Actor<Context = Context<A>>,
{
    let begin = move |generation: u32| {
        let (on_exit, exited) = oneshot::channel();
        metrics.started(name, generation.into());
        post.set(Some(make(DeathWatch { on_exit: Some(on_exit) }).start()));
        let (post, metrics) = (post.clone(), metrics.clone());
        async move {
            let born = tokio::time::Instant::now();
            let cause = exited.await.unwrap_or("stopped");
            post.set(None);
            metrics.died(name, cause);
            error!(actor = name, cause, "an actor died and is replaced");
            born.elapsed() >= LONG_LIFE
        }
    };
    let mut life = begin(0);
    actix::spawn(async move {
        let mut deaths = 0_u32;
        for generation in 1_u32.. {
            let lived_long = life.await;
            deaths = if lived_long { 1 } else { deaths.saturating_add(1) };
            tokio::time::sleep(RESTART.delay_after(deaths, 0.0)).await;
            life = begin(generation);
        }
    });
}
