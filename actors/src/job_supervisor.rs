//! Admits jobs, claims them, hands them to workers, renews their leases, settles them, and replaces dead workers.

mod crew;

use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use bytes::Bytes;
use tokio::sync::Notify;
use tracing::{info, warn};

use self::crew::{Crew, Hand};
use crate::crawl_worker::{CrawlEnded, CrawlWorker, Crawler};
use crate::domain::crawl::PageRecord;
use crate::domain::extraction::{ExtractionError, record};
use crate::domain::id::{JobId, NodeId, Principal, TaskType};
use crate::domain::job::{Interruption, Job, Task};
use crate::domain::lease::Lease;
use crate::domain::retry::Backoff;
use crate::keeper::{Post, Tombstone};
use crate::llm_worker::{ExtractionEnded, Extractor, LlmWorker, usage_of};
use crate::metrics::Metrics;
use crate::persistence::persistently;
use crate::ports::{Claim, Ending, HandBack, JobStore, NewJob, StoreError, Submission};
use crate::webhook_sender::WebhookSender;
use crate::worker::{Outcome, Slot, WorkerDied};

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

/// A worker begins an attempt at a job.
#[derive(Clone, Debug, Message)]
#[rtype(result = "()")]
pub struct JobStarted {
    pub job: JobId,
}

/// Whom the supervisor tells what happens to jobs.
#[derive(Clone)]
pub struct Listeners {
    pub started: Recipient<JobStarted>,
    pub settled: Recipient<JobSettled>,
    pub sender: Post<WebhookSender>,
}

/// Pages removed in one write at most, so that others get their turn between.
const EXPIRED_PAGES: usize = 1000;

/// The operator's choices.
#[derive(Clone, Copy, Debug)]
pub struct JobPolicy {
    pub crawl_workers: usize,
    pub llm_workers: usize,
    pub lease: Duration,
    pub max_attempts: u32,
    /// Between the attempts of a job.
    pub backoff: Backoff,
    /// How often the store is looked through for what no message told.
    pub sweep: Duration,
}

/// What the workers of each kind work with.
#[derive(Clone)]
pub struct Trades {
    pub crawler: Arc<Crawler>,
    pub extractor: Arc<Extractor>,
}

pub struct JobSupervisor {
    store: Arc<dyn JobStore>,
    trades: Trades,
    node: NodeId,
    policy: JobPolicy,
    listeners: Listeners,
    metrics: Metrics,
    /// Crawl workers and LLM workers.
    crews: [Crew; 2],
    sweeping: bool,
    draining: bool,
    /// Settlements and hand-backs being written.
    writing: usize,
    /// Notified when a drain finds nothing running any more.
    idle: Arc<Notify>,
    _tombstone: Tombstone,
}

impl JobSupervisor {
    pub fn new(
        trades: Trades,
        node: NodeId,
        policy: JobPolicy,
        listeners: Listeners,
        metrics: Metrics,
        tombstone: Tombstone,
    ) -> Self {
        let store = Arc::clone(&trades.crawler.store);
        let crews = [Crew::new(policy.crawl_workers), Crew::new(policy.llm_workers)];
        Self {
            store,
            trades,
            node,
            policy,
            listeners,
            metrics,
            crews,
            sweeping: false,
            draining: false,
            writing: 0,
            idle: Arc::default(),
            _tombstone: tombstone,
        }
    }

    fn hire(&self, slot: Slot, ctx: &mut Context<Self>) -> Hand {
        self.metrics.started(Crew::actor_name(slot.task), slot.generation);
        let (this, obituary) = (ctx.address(), ctx.address().recipient());
        match slot.task {
            TaskType::Crawl => {
                let crawler = Arc::clone(&self.trades.crawler);
                Hand::Crawl(CrawlWorker::new(crawler, slot, this.recipient(), obituary).start())
            }
            TaskType::LlmExtraction => {
                let extractor = Arc::clone(&self.trades.extractor);
                Hand::Llm(LlmWorker::new(extractor, slot, this.recipient(), obituary).start())
            }
        }
    }

    fn claim(&mut self, ctx: &mut Context<Self>) {
        for task in TaskType::ALL {
            self.claim_for(task, ctx);
        }
    }

    fn claim_for(&mut self, task: TaskType, ctx: &mut Context<Self>) {
        let idle = self.crew(task).idle();
        if self.crew(task).claiming || self.draining || idle == 0 {
            return;
        }
        self.crew(task).claiming = true;
        let (store, node, hold) = (Arc::clone(&self.store), self.node.clone(), self.policy.lease);
        let claims = async move { store.claim(&node, task, idle, hold).await };
        ctx.spawn(claims.into_actor(self).map(move |claims, this, ctx| {
            this.crew(task).claiming = false;
            match claims {
                Ok(claims) => this.hand_out(task, claims, idle, ctx),
                Err(error) => warn!(%error, "jobs could not be claimed"),
            }
            this.tell_if_idle();
        }));
    }

    fn hand_out(&mut self, task: TaskType, claims: Vec<Claim>, asked: usize, ctx: &mut Context<Self>) {
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
            let (task_id, attempt) = (claim.job.id.clone(), claim.job.attempt());
            let lease = claim.lease.clone();
            if self.crew(task).employ(claim) {
                info!(%task_id, attempt, "job started");
                self.listeners.started.do_send(JobStarted { job: task_id });
            } else {
                self.return_job(lease, Interruption::Drained, None, 1, ctx);
            }
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
        let (store, lease) = (Arc::clone(&self.store), claim.lease.clone());
        let work = async move {
            let written_down = persistently(|| store.checkpoints(&lease.job)).await?;
            let pages = not_done(&claim, &written_down, &reason);
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
        let busy = self.crews.iter().any(|crew| crew.claiming || crew.leases().next().is_some());
        if self.draining && self.writing == 0 && !busy {
            self.idle.notify_one();
        }
    }

    fn announce(&self, settled: Result<Job, StoreError>) {
        match settled {
            Ok(job) => {
                let status = job.state.status().as_str();
                info!(task_id = %job.id, status, error = job.error.as_deref(), "job settled");
                self.metrics.settled(status);
                let settled = JobSettled { job: Arc::new(job) };
                self.listeners.settled.do_send(settled.clone());
                self.listeners.sender.tell(settled);
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
        self.hand_back(lease, HandBack { interruption, reason, wait }, ctx);
    }

    fn hand_back(&mut self, lease: Lease, back: HandBack, ctx: &mut Context<Self>) {
        let store = Arc::clone(&self.store);
        let work = async move { persistently(|| store.hand_back(&lease, back.clone())).await };
        self.writing += 1;
        ctx.spawn(work.into_actor(self).map(|returned, this, ctx| {
            this.writing -= 1;
            this.tell_if_idle();
            this.claim(ctx);
            if let Err(error) = returned {
                warn!(%error, "a job could not be handed back; its lease will run out");
            }
        }));
    }

    fn crew(&mut self, task: TaskType) -> &mut Crew {
        let [crawlers, extractors] = &mut self.crews;
        match task {
            TaskType::Crawl => crawlers,
            TaskType::LlmExtraction => extractors,
        }
    }

    fn leases(&self) -> Vec<Lease> {
        self.crews.iter().flat_map(Crew::leases).cloned().collect()
    }

    fn stop_work(&mut self, condition: impl Fn(&Lease) -> bool) {
        self.crews.iter_mut().for_each(|crew| crew.stop_work(&condition));
    }

    /// A worker is idle again.
    fn end(&mut self, slot: Slot, lease: Lease, outcome: Outcome, ctx: &mut Context<Self>) {
        let place = self.crew(slot.task).place(slot);
        let Some(place) = place.filter(|place| place.busy.as_ref() == Some(&lease)) else { return };
        place.busy = None;
        let attempt = place.attempt;
        match outcome {
            Outcome::Done => self.settle(lease, ctx),
            Outcome::LeaseLost => {
                self.tell_if_idle();
                self.claim(ctx);
            }
            Outcome::Broke { reason } => {
                warn!(task_id = %lease.job, %reason, "attempt broke");
                self.return_job(lease, Interruption::Broke, Some(reason), attempt, ctx);
            }
            Outcome::Resting { wait, reason } => {
                info!(task_id = %lease.job, %reason, ?wait, "job waits");
                let back = HandBack { interruption: Interruption::Resting, reason: Some(reason), wait };
                self.hand_back(lease, back, ctx);
            }
        }
    }
}

/// Failed records of what the job has no record of.
fn not_done(claim: &Claim, written_down: &[(String, Bytes)], reason: &str) -> Vec<PageRecord> {
    match &claim.job.spec.task {
        Task::Crawl(crawl) => {
            let failed = |index: &u32| {
                let url = crawl.urls.get(usize::try_from(*index).ok()?)?;
                Some(PageRecord::failed(*index, url, reason))
            };
            claim.missing.iter().filter_map(failed).collect()
        }
        Task::Extraction(_) => {
            let error = ExtractionError::failed("unexpected", reason);
            vec![record(Err(&error), &usage_of(written_down), &[])]
        }
    }
}

impl Actor for JobSupervisor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        for task in TaskType::ALL {
            for place in 0..self.crew(task).places.len() {
                let worker = self.hire(Slot { task, place, generation: 0 }, ctx);
                self.crew(task).places[place].worker = Some(worker);
            }
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
        self.end(slot, lease, outcome, ctx);
    }
}

impl Handler<ExtractionEnded> for JobSupervisor {
    type Result = ();

    fn handle(&mut self, ended: ExtractionEnded, ctx: &mut Self::Context) {
        let ExtractionEnded { slot, lease, outcome } = ended;
        self.end(slot, lease, outcome, ctx);
    }
}

impl Handler<WorkerDied> for JobSupervisor {
    type Result = ();

    fn handle(&mut self, WorkerDied { slot }: WorkerDied, ctx: &mut Self::Context) {
        let Some(place) = self.crew(slot.task).place(slot) else { return };
        place.generation += 1;
        place.worker = None;
        let (busy, generation, attempt) = (place.busy.take(), place.generation, place.attempt);
        let actor = Crew::actor_name(slot.task);
        warn!(actor, worker = slot.place, "a worker died and is replaced");
        self.metrics.died(actor, if busy.is_some() { "in a job" } else { "between jobs" });
        if let Some(lease) = busy {
            self.return_job(lease, Interruption::Broke, Some("its worker died".to_owned()), attempt, ctx);
        }
        // One that dies at once again and again comes back more and more slowly.
        let backoff = Backoff { initial: Duration::from_millis(1), max: Duration::from_secs(5), jitter: 0.0 };
        let wait = backoff.wait(u32::try_from(generation).unwrap_or(u32::MAX), 0.0);
        ctx.notify_later(Replace { slot: Slot { generation, ..slot } }, wait);
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
        if let Some(place) = self.crew(slot.task).place(slot) {
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
            let places = self.crews.iter().flat_map(|crew| &crew.places);
            places.filter_map(|place| place.worker.as_ref()).for_each(Hand::kill);
        }
    }

    impl Handler<Die> for CrawlWorker {
        type Result = ();

        fn handle(&mut self, _: Die, _: &mut Self::Context) {
            panic!("told to die");
        }
    }

    impl Handler<Die> for LlmWorker {
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
