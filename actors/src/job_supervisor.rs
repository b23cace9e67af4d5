//! Admits jobs, claims them, hands them to workers, renews their leases, settles them, and replaces dead workers.

use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use tokio::sync::Notify;
use tracing::{info, warn};

use crate::crawl_worker::{CrawlEnded, CrawlOutcome, CrawlWorker, Crawler, Slot, StartCrawl, StopCrawl, WorkerDied};
use crate::domain::crawl::PageRecord;
use crate::domain::id::{JobId, NodeId, Principal, TaskType};
use crate::domain::job::{Interruption, Job};
use crate::domain::lease::Lease;
use crate::domain::retry::Backoff;
use crate::keeper::{Post, Tombstone};
use crate::metrics::Metrics;
use crate::persistence::persistently;
use crate::ports::{Claim, Ending, HandBack, JobStore, NewJob, StoreError, Submission};
use crate::webhook_sender::WebhookSender;

/// Admit a job. The answer comes after the commit.
#[derive(Debug, Message)]
#[rtype(result = "Result<Submission, StoreError>")]
pub struct SubmitJob {
    pub job: NewJob,
}

/// End a job as cancelled, on behalf of `principal` (`None`: the operator).
#[derive(Debug, Message)]
#[rtype(result = "Result<Job, StoreError>")]
pub struct CancelJob {
    pub job: JobId,
    pub principal: Option<Principal>,
}

/// Claim no more; give running jobs `grace`, then hand them back. The answer comes when nothing runs any more.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct DrainJobs {
    pub grace: Duration,
}

/// A job is settled, and its webhook, if it has one, is due. A hint: the store knows it too.
#[derive(Clone, Debug, Message)]
#[rtype(result = "()")]
pub struct JobSettled {
    pub job: Arc<Job>,
}

/// Pages removed in one write at most, so that others get their turn between.
const EXPIRED_PAGES: usize = 1000;

/// The operator's choices.
#[derive(Clone, Copy, Debug)]
pub struct JobPolicy {
    pub crawl_workers: usize,
    pub lease: Duration,
    pub max_attempts: u32,
    /// Between the attempts of a job.
    pub backoff: Backoff,
    /// How often the store is looked through for what no message told.
    pub sweep: Duration,
}

pub struct JobSupervisor {
    store: Arc<dyn JobStore>,
    crawler: Arc<Crawler>,
    node: NodeId,
    policy: JobPolicy,
    listener: Post<WebhookSender>,
    metrics: Metrics,
    places: Vec<Place>,
    claiming: bool,
    sweeping: bool,
    draining: bool,
    /// Settlements and hand-backs being written.
    writing: usize,
    /// Notified when a drain finds nothing running any more.
    idle: Arc<Notify>,
    _tombstone: Tombstone,
}

/// One worker's place.
struct Place {
    generation: u64,
    worker: Option<Addr<CrawlWorker>>,
    busy: Option<Lease>,
    /// Of the job it is busy with; 1 for the first.
    attempt: u32,
}

impl JobSupervisor {
    pub fn new(
        crawler: Arc<Crawler>,
        node: NodeId,
        policy: JobPolicy,
        listener: Post<WebhookSender>,
        metrics: Metrics,
        tombstone: Tombstone,
    ) -> Self {
        let store = Arc::clone(&crawler.store);
        let places = Vec::with_capacity(policy.crawl_workers);
        Self {
            store,
            crawler,
            node,
            policy,
            listener,
            metrics,
            places,
            claiming: false,
            sweeping: false,
            draining: false,
            writing: 0,
            idle: Arc::default(),
            _tombstone: tombstone,
        }
    }

    fn hire(&self, slot: Slot, ctx: &mut Context<Self>) -> Addr<CrawlWorker> {
        self.metrics.started("crawl_worker", slot.generation);
        let (listener, obituary) = (ctx.address().recipient(), ctx.address().recipient());
        CrawlWorker::new(Arc::clone(&self.crawler), slot, listener, obituary).start()
    }

    fn claim(&mut self, ctx: &mut Context<Self>) {
        let idle = self.places.iter().filter(|place| place.worker.is_some() && place.busy.is_none()).count();
        if self.claiming || self.draining || idle == 0 {
            return;
        }
        self.claiming = true;
        let (store, node, hold) = (Arc::clone(&self.store), self.node.clone(), self.policy.lease);
        let claims = async move { store.claim(&node, TaskType::Crawl, idle, hold).await };
        ctx.spawn(claims.into_actor(self).map(move |claims, this, ctx| {
            this.claiming = false;
            match claims {
                Ok(claims) => this.hand_out(claims, idle, ctx),
                Err(error) => warn!(%error, "jobs could not be claimed"),
            }
            this.tell_if_idle();
        }));
    }

    fn hand_out(&mut self, claims: Vec<Claim>, asked: usize, ctx: &mut Context<Self>) {
        let more = claims.len() == asked;
        for claim in claims {
            if self.draining {
                self.return_job(claim.lease, Interruption::Drained, None, 1, ctx);
                continue;
            }
            if claim.job.attempts_spent >= self.policy.max_attempts {
                self.give_up(claim, ctx);
                continue;
            }
            let idle = self.places.iter_mut().find(|place| place.worker.is_some() && place.busy.is_none());
            let Some(Place { worker: Some(worker), busy, attempt, .. }) = idle else {
                self.return_job(claim.lease, Interruption::Drained, None, 1, ctx);
                continue;
            };
            info!(task_id = %claim.job.id, attempt = claim.job.attempt(), "job started");
            *busy = Some(claim.lease.clone());
            *attempt = claim.job.attempt();
            worker.do_send(StartCrawl { claim });
        }
        if more {
            ctx.notify(WorkArrived);
        }
    }

    /// Out of attempts: the pages that are not done fail, and no others.
    fn give_up(&mut self, claim: Claim, ctx: &mut Context<Self>) {
        let cause = claim.job.error.as_deref().unwrap_or("the server stopped while it ran");
        let reason = format!("Given up after {} attempts: {cause}", claim.job.attempts_spent);
        warn!(task_id = %claim.job.id, %reason, "job given up");
        let urls = claim.job.spec.urls();
        let failed = |index: &u32| {
            let url = urls.get(usize::try_from(*index).ok()?)?;
            Some(PageRecord::failed(*index, url, reason.clone()))
        };
        let pages: Vec<_> = claim.missing.iter().filter_map(failed).collect();
        let (store, lease) = (Arc::clone(&self.store), claim.lease);
        let work = async move {
            persistently(|| store.record_pages(&lease, pages.clone())).await?;
            persistently(|| store.settle(&lease, Ending::GivenUp)).await
        };
        self.write_end(work, ctx);
    }

    fn settle(&mut self, lease: Lease, ctx: &mut Context<Self>) {
        let store = Arc::clone(&self.store);
        self.write_end(async move { persistently(|| store.settle(&lease, Ending::Crawled)).await }, ctx);
    }

    fn write_end(&mut self, work: impl Future<Output = Result<Job, StoreError>> + 'static, ctx: &mut Context<Self>) {
        self.writing += 1;
        ctx.spawn(work.into_actor(self).map(|settled, this, ctx| {
            this.writing -= 1;
            this.announce(settled);
            this.tell_if_idle();
            this.claim(ctx);
        }));
    }

    /// Wakes who waits for the end of a drain.
    fn tell_if_idle(&self) {
        if self.draining && !self.claiming && self.writing == 0 && self.leases().is_empty() {
            self.idle.notify_one();
        }
    }

    fn announce(&self, settled: Result<Job, StoreError>) {
        match settled {
            Ok(job) => {
                let status = job.state.status().as_str();
                info!(task_id = %job.id, status, error = job.error.as_deref(), "job settled");
                self.metrics.settled(status);
                self.listener.tell(JobSettled { job: Arc::new(job) });
            }
            // Its lease runs out, it is claimed again, and found with nothing left to crawl.
            Err(error) => warn!(%error, "a job could not be settled"),
        }
    }

    fn return_job(
        &mut self,
        lease: Lease,
        interruption: Interruption,
        reason: Option<String>,
        attempt: u32,
        ctx: &mut Context<Self>,
    ) {
        let wait = match interruption {
            Interruption::Broke | Interruption::Hung => self.policy.backoff.wait(attempt, 0.5),
            _ => Duration::ZERO,
        };
        let store = Arc::clone(&self.store);
        let back = HandBack { interruption, reason, wait };
        let work = async move { persistently(|| store.hand_back(&lease, back.clone())).await };
        self.writing += 1;
        ctx.spawn(work.into_actor(self).map(|returned, this, _| {
            this.writing -= 1;
            this.tell_if_idle();
            if let Err(error) = returned {
                warn!(%error, "a job could not be handed back; its lease will run out");
            }
        }));
    }

    fn place(&mut self, slot: Slot) -> Option<&mut Place> {
        self.places.get_mut(slot.place).filter(|place| place.generation == slot.generation)
    }

    fn leases(&self) -> Vec<Lease> {
        self.places.iter().filter_map(|place| place.busy.clone()).collect()
    }

    /// Stops the work that `condition` picks by its lease: another worker may have the same job by a newer one.
    fn stop_work(&mut self, condition: impl Fn(&Lease) -> bool) {
        for place in &mut self.places {
            if place.busy.as_ref().is_some_and(&condition) {
                place.busy = None;
                if let Some(worker) = &place.worker {
                    worker.do_send(StopCrawl);
                }
            }
        }
    }
}

impl Actor for JobSupervisor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        for place in 0..self.policy.crawl_workers {
            let worker = self.hire(Slot { place, generation: 0 }, ctx);
            self.places.push(Place { generation: 0, worker: Some(worker), busy: None, attempt: 1 });
        }
        ctx.notify(Sweep);
        ctx.run_interval(self.policy.sweep, |_, ctx| ctx.notify(Sweep));
        ctx.run_interval(self.policy.lease / 3, |_, ctx| ctx.notify(Renew));
    }
}

impl Handler<SubmitJob> for JobSupervisor {
    type Result = ResponseFuture<Result<Submission, StoreError>>;

    fn handle(&mut self, SubmitJob { job }: SubmitJob, ctx: &mut Self::Context) -> Self::Result {
        let (store, this, metrics) = (Arc::clone(&self.store), ctx.address(), self.metrics.clone());
        Box::pin(async move {
            let submission = store.submit(job).await?;
            if submission == Submission::Admitted {
                metrics.jobs_submitted.inc();
                this.do_send(WorkArrived);
            }
            Ok(submission)
        })
    }
}

impl Handler<CancelJob> for JobSupervisor {
    type Result = ResponseActFuture<Self, Result<Job, StoreError>>;

    fn handle(&mut self, CancelJob { job, principal }: CancelJob, _: &mut Self::Context) -> Self::Result {
        let store = Arc::clone(&self.store);
        let work = async move { store.cancel(&job, principal.as_ref()).await };
        Box::pin(work.into_actor(self).map(|cancelled, this, ctx| {
            if let Ok(job) = &cancelled {
                this.stop_work(|lease| lease.job == job.id);
                this.announce(Ok(job.clone()));
                this.claim(ctx);
            }
            cancelled
        }))
    }
}

impl Handler<CrawlEnded> for JobSupervisor {
    type Result = ();

    fn handle(&mut self, CrawlEnded { slot, lease, outcome }: CrawlEnded, ctx: &mut Self::Context) {
        let Some(place) = self.place(slot).filter(|place| place.busy.as_ref() == Some(&lease)) else { return };
        place.busy = None;
        let attempt = place.attempt;
        match outcome {
            CrawlOutcome::Done => self.settle(lease, ctx),
            CrawlOutcome::LeaseLost => {
                self.tell_if_idle();
                self.claim(ctx);
            }
            CrawlOutcome::Broke { reason } => {
                warn!(task_id = %lease.job, %reason, "attempt broke");
                self.return_job(lease, Interruption::Broke, Some(reason), attempt, ctx);
            }
        }
    }
}

impl Handler<WorkerDied> for JobSupervisor {
    type Result = ();

    fn handle(&mut self, WorkerDied { slot }: WorkerDied, ctx: &mut Self::Context) {
        let Some(place) = self.place(slot) else { return };
        place.generation += 1;
        place.worker = None;
        let (busy, generation, attempt) = (place.busy.take(), place.generation, place.attempt);
        warn!(worker = slot.place, "crawl worker died and is replaced");
        self.metrics.died("crawl_worker", if busy.is_some() { "in a job" } else { "between jobs" });
        if let Some(lease) = busy {
            self.return_job(lease, Interruption::Broke, Some("its worker died".to_owned()), attempt, ctx);
        }
        // One that dies at once again and again comes back more and more slowly.
        let backoff = Backoff { initial: Duration::from_millis(1), max: Duration::from_secs(5), jitter: 0.0 };
        let wait = backoff.wait(u32::try_from(generation).unwrap_or(u32::MAX), 0.0);
        ctx.notify_later(Replace { slot: Slot { place: slot.place, generation } }, wait);
    }
}

impl Handler<DrainJobs> for JobSupervisor {
    type Result = ResponseActFuture<Self, ()>;

    fn handle(&mut self, DrainJobs { grace }: DrainJobs, _: &mut Self::Context) -> Self::Result {
        self.draining = true;
        self.tell_if_idle();
        let idle = Arc::clone(&self.idle);
        // Either way out is a good one: nothing runs any more, or what still runs is handed back.
        let ended = async move { drop(tokio::time::timeout(grace, idle.notified()).await) };
        Box::pin(ended.into_actor(self).then(|(), this, _| {
            let leases = this.leases();
            this.stop_work(|_| true);
            let store = Arc::clone(&this.store);
            let returned = async move {
                for lease in leases {
                    let back = HandBack { interruption: Interruption::Drained, reason: None, wait: Duration::ZERO };
                    // One that ended meanwhile is settled; one that cannot be returned is claimed when its lease ends.
                    let _ = store.hand_back(&lease, back).await;
                }
            };
            returned.into_actor(this)
        }))
    }
}

/// There may be something to claim.
#[derive(Message)]
#[rtype(result = "()")]
struct WorkArrived;

/// Look through the store for what no message told.
#[derive(Message)]
#[rtype(result = "()")]
struct Sweep;

/// Prolong the leases of what runs.
#[derive(Message)]
#[rtype(result = "()")]
struct Renew;

/// Fill a dead worker's place.
#[derive(Message)]
#[rtype(result = "()")]
struct Replace {
    slot: Slot,
}

impl Handler<WorkArrived> for JobSupervisor {
    type Result = ();

    fn handle(&mut self, _: WorkArrived, ctx: &mut Self::Context) {
        self.claim(ctx);
    }
}

impl Handler<Sweep> for JobSupervisor {
    type Result = ();

    fn handle(&mut self, _: Sweep, ctx: &mut Self::Context) {
        if std::mem::replace(&mut self.sweeping, true) {
            return;
        }
        let store = Arc::clone(&self.store);
        let upkeep = async move { (store.requeue().await, store.expire(EXPIRED_PAGES).await) };
        ctx.spawn(upkeep.into_actor(self).map(|(requeued, expired), this, ctx| {
            this.sweeping = false;
            if let Some(error) = requeued.err().or(expired.as_ref().err().cloned()) {
                warn!(%error, "the store could not be swept");
            }
            if expired.is_ok_and(|jobs| jobs > 0) {
                ctx.notify(Sweep);
            }
            this.claim(ctx);
        }));
    }
}

impl Handler<Renew> for JobSupervisor {
    type Result = ();

    fn handle(&mut self, _: Renew, ctx: &mut Self::Context) {
        let (store, leases, hold) = (Arc::clone(&self.store), self.leases(), self.policy.lease);
        if leases.is_empty() {
            return;
        }
        let renewed = async move { store.renew(&leases, hold).await };
        ctx.spawn(renewed.into_actor(self).map(|lost, this, ctx| {
            if let Ok(lost) = lost {
                this.stop_work(|lease| lost.contains(lease));
            }
            this.claim(ctx);
        }));
    }
}

impl Handler<Replace> for JobSupervisor {
    type Result = ();

    fn handle(&mut self, Replace { slot }: Replace, ctx: &mut Self::Context) {
        let worker = self.hire(slot, ctx);
        if let Some(place) = self.place(slot) {
            place.worker = Some(worker);
        }
        self.claim(ctx);
    }
}

/// Lets tests end actors from inside, as a fault would.
#[cfg(feature = "testing")]
mod deaths {
    use super::*;
    use crate::testing::death::{Die, KillWorkers};

    impl Handler<Die> for JobSupervisor {
        type Result = ();

        fn handle(&mut self, _: Die, _: &mut Self::Context) {
            panic!("told to die");
        }
    }

    impl Handler<KillWorkers> for JobSupervisor {
        type Result = ();

        fn handle(&mut self, _: KillWorkers, _: &mut Self::Context) {
            self.places.iter().filter_map(|place| place.worker.as_ref()).for_each(|worker| worker.do_send(Die));
        }
    }

    impl Handler<Die> for CrawlWorker {
        type Result = ();

        fn handle(&mut self, _: Die, _: &mut Self::Context) {
            panic!("told to die");
        }
    }

    impl Handler<Die> for WebhookSender {
        type Result = ();

        fn handle(&mut self, _: Die, _: &mut Self::Context) {
            panic!("told to die");
        }
    }
}
