//! What the process holds in memory.

use serde_json::json;

use crate::load::{self, post};
use crate::opilio::Server;
use crate::outside::Outside;
use crate::table::Table;

pub async fn at_rest_and_queued(outside: &Outside, table: &mut Table) {
    const JOBS: usize = 50_000;
    let server = Server::start();
    table.at_most("memory at rest", server.memory(), 20.0, "MB");
    let body = json!({"urls": [outside.url("/never")]}).to_string();
    let warm = post("/crawl/job", &body);
    let request = warm.clone();
    load::run(&server.address, 64, 5_000, 202, move |_| warm.clone()).await;
    let before = server.memory();
    load::run(&server.address, 64, JOBS, 202, move |_| request.clone()).await;
    // Nothing for each job; what the database caches is bounded.
    table.at_most("memory added by 50,000 queued jobs", (server.memory() - before).max(0.0), 8.0, "MB");
}
