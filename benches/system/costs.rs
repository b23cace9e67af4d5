//! The time of a claim, a settlement and a sweep in a store with many jobs, relative to one with few.

use std::time::{Duration, Instant};

use futures_util::stream::{self, StreamExt};
use opilio_actors::domain::crawl::CrawlSpec;
use opilio_actors::domain::crawl::PageRecord;
use opilio_actors::domain::id::NodeId;
use opilio_actors::kinds::CRAWL;
use opilio_actors::ports::{JobStore, SettleReason};
use opilio_actors::testing::jobs::crawl;

use crate::table::{Table, median};

/// The number of jobs in the small store.
pub const FEW: u32 = 1000;

/// Submits jobs that crawl this page.
pub async fn fill(store: &impl JobStore, jobs: u32, page: &str) {
    let submitted = stream::iter(0..jobs).map(|_| async {
        let mut job = crawl(1);
        let Some(crawl) = job.spec.task.get_mut::<CrawlSpec>() else { return };
        crawl.urls = vec![page.to_owned()];
        job.spec.webhook = None;
        store.submit(job).await.expect("the job is admitted");
    });
    submitted.buffer_unordered(1000).for_each(async |()| ()).await;
}

/// The median times of a claim, of a settlement with its page, and of a sweep, in microseconds.
pub async fn times(store: &impl JobStore) -> [f64; 3] {
    let (node, hold) = (NodeId::new("bench"), Duration::from_secs(60));
    let mut times = [vec![], vec![], vec![]];
    for _ in 0..500 {
        let began = Instant::now();
        let claims = store.claim(&node, CRAWL, 1, hold).await.expect("the store is available");
        times[0].push(began.elapsed().as_secs_f64() * 1e6);
        let lease = &claims.first().expect("a queued job").lease;
        let began = Instant::now();
        let page = PageRecord::failed(0, "https://a.example/", "nothing");
        store.record_pages(lease, vec![page]).await.expect("the lease holds");
        store.settle(lease, SettleReason::WorkDone).await.expect("the lease holds");
        times[1].push(began.elapsed().as_secs_f64() * 1e6);
        let began = Instant::now();
        store.requeue().await.expect("the store is available");
        store.expire(1000).await.expect("the store is available");
        times[2].push(began.elapsed().as_secs_f64() * 1e6);
    }
    times.map(median)
}

/// Adds a row per operation: its time with `stored` jobs relative to its time with [`FEW`].
pub fn compare(few: [f64; 3], many: [f64; 3], stored: u32, table: &mut Table) {
    println!("claim, settle, sweep: {few:.0?} µs at {FEW} jobs stored, {many:.0?} µs at {stored}");
    let rows = [
        "claim, relative to 1,000 stored jobs",
        "settle, relative to 1,000 stored jobs",
        "sweep, relative to 1,000 stored jobs",
    ];
    for (label, (many, few)) in rows.into_iter().zip(many.into_iter().zip(few)) {
        // A factor of 2 allows for a deeper index and for noise.
        table.at_most(label, many / few, 2.0, "times");
    }
}
