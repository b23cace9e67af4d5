//! The cost of a step with many stored jobs, and Redis' memory per job.

use serde_json::json;

use crate::costs;
use crate::load::{self, post};
use crate::nodes::until_idle;
use crate::origin::Origin;
use crate::server::{IN_MEMORY, Redis};
use crate::table::Table;

const PAGE: &str = "https://a.example/";

pub async fn costs(stored: u32, table: &mut Table) {
    let few = times(costs::FEW).await;
    let many = times(stored).await;
    costs::compare(few, many, stored, table);
}

async fn times(stored: u32) -> [f64; 3] {
    let redis = Redis::start(IN_MEMORY);
    let store = redis.store();
    costs::fill(&store, stored, PAGE).await;
    costs::times(&store).await
}

pub async fn of_jobs(origin: &Origin, table: &mut Table) {
    const QUEUED: u32 = 50_000;
    const SETTLED: u32 = 1_000;
    let redis = Redis::start(IN_MEMORY);
    let store = redis.store();
    costs::fill(&store, 1, PAGE).await;
    let before = redis.memory();
    costs::fill(&store, QUEUED, PAGE).await;
    table.at_most("Redis' memory for a queued job", (redis.memory() - before) / f64::from(QUEUED), 1500.0, "bytes");

    let redis = Redis::start(IN_MEMORY);
    let (store, node) = (redis.store(), redis.node());
    let request = post("/crawl/job", &json!({"urls": [origin.url("/article")]}).to_string());
    let same = request.clone();
    load::run(&node.address, 8, 10, 202, move |_| same.clone()).await;
    until_idle(&store).await;
    let before = redis.memory();
    load::run(&node.address, 8, SETTLED as usize, 202, move |_| request.clone()).await;
    until_idle(&store).await;
    let each = (redis.memory() - before) / f64::from(SETTLED) / 1024.0;
    // Markdown, HTML, cleaned HTML and links of the page, compressed: less than the page itself.
    table.at_most("Redis' memory for a settled page of 50 KB", each, 50.0, "KiB");
}
