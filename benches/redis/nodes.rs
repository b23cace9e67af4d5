//! Throughput of one, two and three nodes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use opilio::stores::redis::RedisStore;
use opilio_actors::domain::crawl::PageRecord;
use opilio_actors::domain::id::NodeId;
use opilio_actors::kinds::CRAWL;
use opilio_actors::ports::{JobStore, SettleReason};
use opilio_actors::testing::jobs::crawl;
use serde_json::json;
use tokio::task::JoinSet;

use crate::load::{self, per_second, post};
use crate::opilio::Server;
use crate::origin::{Origin, article};
use crate::server::{DURABLE, Redis};
use crate::table::Table;

const CLIENTS: usize = 64;

/// Submissions per second; the jobs' page never responds, so they do not progress.
pub async fn submissions(rounds: u32, origin: &Origin, table: &mut Table) {
    const JOBS: usize = 20_000;
    let request = post("/crawl/job", &json!({"urls": [origin.url("/never")]}).to_string());
    for (nodes, what) in [(1, "submissions, 1 node"), (2, "submissions, 2 nodes"), (3, "submissions, 3 nodes")] {
        let mut measured = Vec::new();
        for _ in 0..rounds {
            let bare = Redis::start(DURABLE);
            let (store, began) = (bare.store(), Instant::now());
            let admitted = stream::iter(0..JOBS).map(|_| async { store.submit(crawl(1)).await.expect("submitted") });
            admitted.buffer_unordered(CLIENTS).for_each(async |_| ()).await;
            let limit = began.elapsed();
            let redis = Redis::start(DURABLE);
            let nodes: Vec<_> = (0..nodes).map(|_| redis.node()).collect();
            let ours = submit(&nodes, JOBS, &request).await;
            measured.push((per_second(JOBS, ours), per_second(JOBS, limit)));
        }
        table.share(what, &measured, "/s", 0.5);
    }
}

/// One-URL jobs per second from submission to settlement; the bare scripts do not fetch and parse.
pub async fn jobs(rounds: u32, origin: &Origin, table: &mut Table) {
    const JOBS: usize = 2_000;
    let request = post("/crawl/job", &json!({"urls": [origin.url("/article")]}).to_string());
    for (nodes, what) in [(1, "jobs of 50 KB, 1 node"), (2, "jobs of 50 KB, 2 nodes"), (3, "jobs of 50 KB, 3 nodes")] {
        let mut measured = Vec::new();
        for _ in 0..rounds {
            let limit = bare(&Redis::start(DURABLE).store(), JOBS).await;
            let redis = Redis::start(DURABLE);
            let nodes: Vec<_> = (0..nodes).map(|_| redis.node()).collect();
            let began = Instant::now();
            submit(&nodes, JOBS, &request).await;
            until_idle(&redis.store()).await;
            measured.push((per_second(JOBS, began.elapsed()), per_second(JOBS, limit)));
        }
        // Parsing dominates, so the ratio has no minimum.
        table.share(what, &measured, "/s", 0.0);
    }
}

/// Distributes the submissions over the nodes.
async fn submit(nodes: &[Server], jobs: usize, request: &[u8]) -> Duration {
    let began = Instant::now();
    let mut loads = JoinSet::new();
    for node in nodes {
        let (address, request) = (node.address.clone(), request.to_vec());
        let (clients, jobs) = (CLIENTS / nodes.len(), jobs / nodes.len());
        loads.spawn(async move { load::run(&address, clients, jobs, 202, move |_| request.clone()).await });
    }
    loads.join_all().await;
    began.elapsed()
}

pub async fn until_idle(store: &RedisStore) {
    loop {
        let counts = store.counts().await.expect("Redis is available");
        if counts.queued + counts.running == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Runs every script that a job needs, and nothing else.
async fn bare(store: &RedisStore, jobs: usize) -> Duration {
    let (began, node, lease_duration) = (Instant::now(), NodeId::new("bench"), Duration::from_secs(60));
    let page = Arc::new(Bytes::from(json!({"html": article()}).to_string()));
    let done = stream::iter(0..jobs).map(|_| async {
        let mut job = crawl(1);
        job.spec.webhook = None;
        store.submit(job).await.expect("submitted");
        let claims = store.claim(&node, CRAWL, 1, lease_duration).await.expect("Redis is available");
        let lease = &claims.first().expect("a claim").lease;
        let record = PageRecord { index: 0, success: true, error: String::new(), json: Bytes::clone(&page) };
        store.record_pages(lease, vec![record]).await.expect("a valid lease");
        store.settle(lease, SettleReason::WorkDone).await.expect("a valid lease");
    });
    done.buffer_unordered(CLIENTS).for_each(async |()| ()).await;
    began.elapsed()
}
