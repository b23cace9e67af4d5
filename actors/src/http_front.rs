//! Answers for the HTTP routes: lets jobs in or says that none are taken, passes commands on to their owners, and knows
//! who waits for which job.

use std::time::Duration;

use actix::prelude::*;
use tokio::time::Instant;

use crate::crawl_worker::PageCrawled;
use crate::domain::id::JobId;
use crate::domain::job::Job;
use crate::job_notifier::{JobNotifier, JobWatch};
use crate::job_supervisor::{CancelJob, DrainJobs, JobSettled, JobStarted, JobSupervisor, SubmitJob};
use crate::ports::{Notification, StoreError, Submission};
use crate::supervised::ActorRef;
use crate::webhook_sender::{DrainDeliveries, ReplayDeliveries, ReplayDelivery, WebhookSender};

/// Let no more jobs in; give running ones `grace`, then hand them back; let webhooks in flight end in
/// what is left of it. The answer comes when nothing runs any more.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Drain {
    pub grace: Duration,
}

/// Whether jobs are let in.
#[derive(Debug, Message)]
#[rtype(result = "bool")]
pub struct IsOpen;

/// Be woken when something happens to a job, until the answer is dropped.
#[derive(Debug, Message)]
#[rtype(result = "JobWatch")]
pub struct WatchJob {
    pub job: JobId,
}

/// Be woken when something happens to any job, until the answer is dropped.
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

fn away(what: &str) -> StoreError {
    StoreError::Unavailable(format!("{what} is being restarted"))
}

impl Handler<SubmitJob> for HttpFront {
    type Result = ResponseFuture<Result<Submission, StoreError>>;

    fn handle(&mut self, submit: SubmitJob, _: &mut Self::Context) -> Self::Result {
        let supervisor = self.supervisor.address().filter(|_| !self.draining);
        let why = if self.draining { StoreError::Unavailable("shutting down".to_owned()) } else { away("the queue") };
        let news = self.notifier.any();
        Box::pin(async move {
            let Some(supervisor) = supervisor else { return Err(why) };
            let submission = supervisor.send(submit).await.unwrap_or_else(|_| Err(away("the queue")));
            news.send_replace(());
            submission
        })
    }
}

impl Handler<CancelJob> for HttpFront {
    type Result = ResponseFuture<Result<Job, StoreError>>;

    fn handle(&mut self, cancel: CancelJob, _: &mut Self::Context) -> Self::Result {
        let supervisor = self.supervisor.address();
        Box::pin(async move {
            let supervisor = supervisor.ok_or_else(|| away("the queue"))?;
            supervisor.send(cancel).await.unwrap_or_else(|_| Err(away("the queue")))
        })
    }
}

impl Handler<ReplayDelivery> for HttpFront {
    type Result = ResponseFuture<Result<Job, StoreError>>;

    fn handle(&mut self, replay: ReplayDelivery, _: &mut Self::Context) -> Self::Result {
        let sender = self.sender.address();
        Box::pin(async move {
            let sender = sender.ok_or_else(|| away("the webhook sender"))?;
            sender.send(replay).await.unwrap_or_else(|_| Err(away("the webhook sender")))
        })
    }
}

impl Handler<ReplayDeliveries> for HttpFront {
    type Result = ResponseFuture<Result<u64, StoreError>>;

    fn handle(&mut self, replay: ReplayDeliveries, _: &mut Self::Context) -> Self::Result {
        let sender = self.sender.address();
        Box::pin(async move {
            let sender = sender.ok_or_else(|| away("the webhook sender"))?;
            sender.send(replay).await.unwrap_or_else(|_| Err(away("the webhook sender")))
        })
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
        self.notifier.tell(&job);
    }
}

impl Handler<PageCrawled> for HttpFront {
    type Result = ();

    fn handle(&mut self, PageCrawled { job }: PageCrawled, _: &mut Self::Context) {
        self.notifier.tell(&job);
    }
}

impl Handler<JobSettled> for HttpFront {
    type Result = ();

    fn handle(&mut self, JobSettled { job }: JobSettled, _: &mut Self::Context) {
        self.notifier.tell(&job.id);
    }
}

impl Handler<Notification> for HttpFront {
    type Result = ();

    fn handle(&mut self, notice: Notification, _: &mut Self::Context) {
        match notice {
            Notification::Changed(job) | Notification::Cancelled(job) => self.notifier.tell(&job),
            Notification::Missed => self.notifier.tell_all(),
            Notification::Ready(_) => {}
        }
    }
}

impl Handler<Drain> for HttpFront {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, Drain { grace }: Drain, _: &mut Self::Context) -> Self::Result {
        self.draining = true;
        let (supervisor, sender) = (self.supervisor.address(), self.sender.address());
        let began = Instant::now();
        Box::pin(async move {
            // An actor that is gone runs nothing; its leases end by themselves.
            if let Some(supervisor) = supervisor {
                let _ = supervisor.send(DrainJobs { grace }).await;
            }
            if let Some(sender) = sender {
                let _ = sender.send(DrainDeliveries { grace: grace.saturating_sub(began.elapsed()) }).await;
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use tokio::time::Instant;

    use super::*;
    use crate::kinds::CRAWL;

    #[actix::test]
    async fn what_another_node_says_of_a_job_wakes_who_waits_for_it() {
        tokio::time::pause();
        let front = HttpFront::new(ActorRef::default(), ActorRef::default()).start();
        let job = JobId::new(CRAWL, Timestamp::UNIX_EPOCH, 1);
        for notice in [Notification::Changed(job.clone()), Notification::Cancelled(job.clone()), Notification::Missed] {
            let mut watch = front.send(WatchJob { job: job.clone() }).await.expect("it is there");
            front.send(notice).await.expect("it is there");
            let began = Instant::now();
            watch.changed().await;
            assert_eq!(began.elapsed(), Duration::ZERO);
        }
    }
}
