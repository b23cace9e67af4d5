//! What claiming, settling and sweeping cost where many jobs are stored, against where few are.

use std::time::{Duration, Instant};

use futures_util::stream::{self, StreamExt};
use opilio::stores::redis::RedisStore;
use opilio_actors::domain::crawl::PageRecord;
use opilio_actors::domain::id::{NodeId, TaskType};
use opilio_actors::ports::{Ending, JobStore};
use opilio_actors::testing::jobs::crawl;

use crate::server::{IN_MEMORY, Redis};
use crate::table::{Table, median};

/// So many queued jobs.
pub async fn fill(store: &RedisStore, jobs: u32) {
    let submitted = stream::iter(0..jobs).map(|_| async {
        let mut job = crawl(1);
        job.spec.webhook = None;
        store.submit(job).await.expect("there is room");
    });
    submitted.buffer_unordered(1000).for_each(async |()| ()).await;
}

/// The median times of a claim, of a settlement with its page, and of a sweep, in microseconds.
async fn times(jobs: u32) -> [f64; 3] {
    let redis = Redis::start(IN_MEMORY);
    let (store, node, hold) = (redis.store(), NodeId::new("bench"), Duration::from_secs(60));
    fill(&store, jobs).await;
    let mut times = [vec![], vec![], vec![]];
    for _ in 0..500 {
        let began = Instant::now();
        let claims = store.claim(&node, TaskType::Crawl, 1, hold).await.expect("Redis is there");
        times[0].push(began.elapsed().as_secs_f64() * 1e6);
        let lease = &claims.first().expect("jobs wait").lease;
        let began = Instant::now();
        let page = PageRecord::failed(0, "https://a.example/", "nothing");
        store.record_pages(lease, vec![page]).await.expect("the lease holds");
        store.settle(lease, Ending::Crawled).await.expect("the lease holds");
        times[1].push(began.elapsed().as_secs_f64() * 1e6);
        let began = Instant::now();
        store.requeue().await.expect("Redis is there");
        store.expire(1000).await.expect("Redis is there");
        times[2].push(began.elapsed().as_secs_f64() * 1e6);
    }
    times.map(median)
}

pub async fn by_stored(stored: u32, table: &mut Table) {
    let few = times(1000).await;
    let many = times(stored).await;
    println!("claim, settle, sweep: {few:.0?} µs at 1,000 jobs stored, {many:.0?} µs at {stored}");
    for (index, what) in
        ["claim, many stored against 1,000", "settle, many stored against 1,000", "sweep, many stored against 1,000"]
            .into_iter()
            .enumerate()
    {
        // Twice: the rest is noise.
        table.at_most(what, many[index] / few[index], 2.0, "times");
    }
}
