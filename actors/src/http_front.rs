//! The actor behind the HTTP routes: admits jobs or refuses them, forwards commands, and wakes waiting clients.

use std::time::Duration;

use actix::prelude::*;
use futures_util::FutureExt;
use tokio::time::Instant;

use crate::crawl_worker::PageCrawled;
use crate::domain::id::JobId;
use crate::domain::job::Job;
use crate::job_notifier::{JobNotifier, JobWatch};
use crate::job_supervisor::{CancelJob, DrainJobs, JobSettled, JobStarted, JobSupervisor, SubmitJob};
use crate::ports::{Notification, StoreError, Submission};
use crate::supervised::ActorRef;
use crate::webhook_sender::{DrainDeliveries, ReplayDeliveries, ReplayDelivery, WebhookSender};

/// Stops admitting jobs, gives running ones `grace` before they are released, and webhooks in flight what is left of it.
/// The reply follows when nothing runs.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Drain {
    pub grace: Duration,
}

/// Asks whether jobs are admitted.
#[derive(Debug, Message)]
#[rtype(result = "bool")]
pub struct IsOpen;

/// Watches a job until the reply is dropped.
#[derive(Debug, Message)]
#[rtype(result = "JobWatch")]
pub struct WatchJob {
    pub job: JobId,
}

/// Watches all jobs until the reply is dropped.
#[derive(Debug, Message)]
#[rtype(result = "JobWatch")]
pub struct WatchJobs;

pub struct HttpFront {
    supervisor: ActorRef<JobSupervisor>,
    sender: ActorRef<WebhookSender>,
    draining: bool,
    notifier: JobNotifier,
}

impl HttpFront {
    pub fn new(supervisor: ActorRef<JobSupervisor>, sender: ActorRef<WebhookSender>) -> Self {
        Self { supervisor, sender, draining: false, notifier: JobNotifier::default() }
    }
}

impl Actor for HttpFront {
    type Context = Context<Self>;
}

/// Sends a command to the actor that handles it and returns that actor's reply. `Unavailable` while it is restarted.
fn forward<A, M, T>(actor: &ActorRef<A>, command: M) -> ResponseFuture<Result<T, StoreError>>
where
    A: Actor<Context = Context<A>> + Handler<M>,
    M: Message<Result = Result<T, StoreError>> + Send + 'static,
    T: Send + 'static,
{
    let reply = actor.address().map(|address| address.send(command));
    Box::pin(async move {
        let reply = match reply {
            Some(reply) => reply.await.ok(),
            None => None,
        };
        reply.unwrap_or_else(|| Err(StoreError::Unavailable("an internal component is restarting".to_owned())))
    })
}

impl Handler<SubmitJob> for HttpFront {
    type Result = ResponseFuture<Result<Submission, StoreError>>;

    fn handle(&mut self, submit: SubmitJob, _: &mut Self::Context) -> Self::Result {
        if self.draining {
            return Box::pin(async { Err(StoreError::Unavailable("the server is shutting down".to_owned())) });
        }
        let (submission, new_jobs) = (forward(&self.supervisor, submit), self.notifier.new_jobs());
        Box::pin(submission.inspect(move |_| {
            new_jobs.send_replace(());
        }))
    }
}

impl Handler<CancelJob> for HttpFront {
    type Result = ResponseFuture<Result<Job, StoreError>>;

    fn handle(&mut self, cancel: CancelJob, _: &mut Self::Context) -> Self::Result {
        forward(&self.supervisor, cancel)
    }
}

impl Handler<ReplayDelivery> for HttpFront {
    type Result = ResponseFuture<Result<Job, StoreError>>;

    fn handle(&mut self, replay: ReplayDelivery, _: &mut Self::Context) -> Self::Result {
        forward(&self.sender, replay)
    }
}

impl Handler<ReplayDeliveries> for HttpFront {
    type Result = ResponseFuture<Result<u64, StoreError>>;

    fn handle(&mut self, replay: ReplayDeliveries, _: &mut Self::Context) -> Self::Result {
        forward(&self.sender, replay)
    }
}

impl Handler<IsOpen> for HttpFront {
    type Result = bool;

    fn handle(&mut self, _: IsOpen, _: &mut Self::Context) -> bool {
        !self.draining
    }
}

impl Handler<WatchJob> for HttpFront {
    type Result = MessageResult<WatchJob>;

    fn handle(&mut self, WatchJob { job }: WatchJob, _: &mut Self::Context) -> Self::Result {
        MessageResult(self.notifier.watch(job))
    }
}

impl Handler<WatchJobs> for HttpFront {
    type Result = MessageResult<WatchJobs>;

    fn handle(&mut self, _: WatchJobs, _: &mut Self::Context) -> Self::Result {
        MessageResult(self.notifier.watch_all())
    }
}

impl Handler<JobStarted> for HttpFront {
    type Result = ();

    fn handle(&mut self, JobStarted { job }: JobStarted, _: &mut Self::Context) {
        self.notifier.notify(&job);
    }
}

impl Handler<PageCrawled> for HttpFront {
    type Result = ();

    fn handle(&mut self, PageCrawled { job }: PageCrawled, _: &mut Self::Context) {
        self.notifier.notify(&job);
    }
}

impl Handler<JobSettled> for HttpFront {
    type Result = ();

    fn handle(&mut self, JobSettled { job }: JobSettled, _: &mut Self::Context) {
        self.notifier.notify(&job.id);
    }
}

impl Handler<Notification> for HttpFront {
    type Result = ();

    fn handle(&mut self, notification: Notification, _: &mut Self::Context) {
        match notification {
            Notification::Changed(job) | Notification::Cancelled(job) => self.notifier.notify(&job),
            Notification::Missed => self.notifier.notify_each(),
            Notification::Ready(_) => {}
        }
    }
}

impl Handler<Drain> for HttpFront {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, Drain { grace }: Drain, _: &mut Self::Context) -> Self::Result {
        self.draining = true;
        let (supervisor, sender) = (self.supervisor.address(), self.sender.address());
        let started = Instant::now();
        Box::pin(async move {
            // A crashed actor runs nothing; its leases expire.
            if let Some(supervisor) = supervisor {
                let _ = supervisor.send(DrainJobs { grace }).await;
            }
            if let Some(sender) = sender {
                let _ = sender.send(DrainDeliveries { grace: grace.saturating_sub(started.elapsed()) }).await;
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::kinds::CRAWL;

    #[actix::test]
    async fn notification_of_another_node_wakes_a_watch() {
        tokio::time::pause();
        let front = HttpFront::new(ActorRef::default(), ActorRef::default()).start();
        let job = JobId::new(CRAWL, Timestamp::UNIX_EPOCH, 1);
        for notification in
            [Notification::Changed(job.clone()), Notification::Cancelled(job.clone()), Notification::Missed]
        {
            let mut watch = front.send(WatchJob { job: job.clone() }).await.expect("the front runs");
            front.send(notification).await.expect("the front runs");
            let started = Instant::now();
            watch.changed().await;
            assert_eq!(started.elapsed(), Duration::ZERO);
        }
    }
}
