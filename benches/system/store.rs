//! What claiming and settling cost where many jobs are stored, against where few are.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::stream::{self, StreamExt};
use jiff::Timestamp;
use opilio::stores::embedded::{EmbeddedStore, StoreSettings};
use opilio_actors::domain::crawl::PageRecord;
use opilio_actors::domain::id::{NodeId, TaskType};
use opilio_actors::domain::job::Task;
use opilio_actors::ports::{Clock, Ending, JobStore};
use opilio_actors::testing::contract::RETENTION;
use opilio_actors::testing::jobs::{crawl, target};

use crate::Plan;
use crate::table::{Table, median};

struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

fn open(folder: &Path) -> EmbeddedStore {
    std::fs::create_dir_all(folder).expect("the folder is ours");
    let settings = StoreSettings { retention: RETENTION, max_queued: None, max_per_principal: None };
    EmbeddedStore::open(folder, Arc::new(SystemClock), settings).expect("a store")
}

/// So many queued jobs, each of this page.
pub async fn fill(folder: &Path, jobs: u32, page: &str) {
    let store = open(folder);
    let submitted = stream::iter(0..jobs).map(|_| async {
        let mut job = crawl(1);
        let Task::Crawl(crawl) = &mut job.spec.task else { return };
        crawl.urls = vec![page.to_owned()];
        job.spec.webhook = None;
        store.submit(job).await.expect("there is room");
    });
    submitted.buffer_unordered(1000).collect::<()>().await;
}

/// So many webhooks that are due, for each of these receivers in turn.
pub async fn fill_with_deliveries(folder: &Path, deliveries: u32, receivers: &[String]) {
    let store = open(folder);
    let settled = stream::iter((0..deliveries).zip(receivers.iter().cycle())).map(|(_, receiver)| async {
        let mut job = crawl(1);
        let id = job.id.clone();
        job.spec.webhook = Some(target(receiver));
        store.submit(job).await.expect("there is room");
        store.cancel(&id, None).await.expect("it is not settled");
    });
    settled.buffer_unordered(1000).collect::<()>().await;
}

/// The median times of a claim, of a settlement with its page, and of a sweep, in microseconds.
async fn times(folder: &Path) -> [f64; 3] {
    let (store, node, hold) = (open(folder), NodeId::new("bench"), Duration::from_secs(60));
    let mut times = [vec![], vec![], vec![]];
    for _ in 0..300 {
        let began = Instant::now();
        let claims = store.claim(&node, TaskType::Crawl, 1, hold).await.expect("the store is there");
        times[0].push(began.elapsed().as_secs_f64() * 1e6);
        let lease = &claims.first().expect("jobs wait").lease;
        let began = Instant::now();
        let page = PageRecord::failed(0, "https://a.example/", "nothing");
        store.record_pages(lease, vec![page]).await.expect("the lease holds");
        store.settle(lease, Ending::Crawled).await.expect("the lease holds");
        times[1].push(began.elapsed().as_secs_f64() * 1e6);
        let began = Instant::now();
        store.requeue().await.expect("the store is there");
        store.expire(1000).await.expect("the store is there");
        times[2].push(began.elapsed().as_secs_f64() * 1e6);
    }
    times.map(median)
}

pub async fn costs(plan: Plan, table: &mut Table) {
    let (few, many) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    fill(few.path(), 1000, "https://a.example/").await;
    fill(many.path(), plan.stored, "https://a.example/").await;
    let (few, many) = (times(few.path()).await, times(many.path()).await);
    println!("claim, settle, sweep: {few:.0?} µs at 1,000 jobs stored, {many:.0?} µs at {}", plan.stored);
    for (index, what) in
        ["claim, many stored against 1,000", "settle, many stored against 1,000", "sweep, many stored against 1,000"]
            .into_iter()
            .enumerate()
    {
        // Twice: the rest is the depth of an index, and noise.
        table.at_most(what, many[index] / few[index], 2.0, "times");
    }
}
