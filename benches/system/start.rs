//! Time from the start of the process to its first response, and to the first accepted job.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::Plan;
use crate::load::{Connection, get, post};
use crate::opilio::Server;
use crate::origin::Origin;
use crate::store;
use crate::table::{Table, median};

/// Receivers that never respond, so that due webhooks stay due.
const RECEIVERS: usize = 10;

pub async fn to_first_response(plan: Plan, origin: &Origin, table: &mut Table) {
    let mut empty = Vec::new();
    for _ in 0..plan.rounds {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (time, _server) = Server::on(folder.path()).await;
        empty.push(time.as_secs_f64() * 1000.0);
    }
    table.at_most("start to first response, empty store", median(empty), 100.0, "ms");
    restart_with_full_store(plan, origin, table).await;
}

async fn restart_with_full_store(plan: Plan, origin: &Origin, table: &mut Table) {
    let (folder, deliveries) = (tempfile::tempdir().expect("a temporary folder"), plan.stored / 10);
    let listeners: Vec<_> = (0..RECEIVERS).map(|_| TcpListener::bind("127.0.0.1:0").expect("a free port")).collect();
    let receivers: Vec<_> = listeners
        .iter()
        .map(|listener| format!("http://{}/hook", listener.local_addr().expect("it is bound")))
        .collect();
    let page = origin.url("/never");
    store::fill(&folder.path().join("data"), plan.stored, &page).await;
    store::fill_with_deliveries(&folder.path().join("data"), deliveries, &receivers).await;

    let began = Instant::now();
    let (time, server) = Server::on(folder.path()).await;
    let mut connection = Connection::open(&server.address).await;
    let submission = post("/crawl/job", &json!({"urls": [page]}).to_string());
    assert_eq!(connection.request(&submission).await.0, 202);
    let accepted = began.elapsed();
    let after_start = server.memory();
    // By then a sweep has loaded what it holds in memory.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let later = server.memory();
    let requested = Instant::now();
    assert_eq!(connection.request(&get("/metrics")).await.0, 200);
    let metrics_time = requested.elapsed();

    println!(
        "{} jobs queued, {deliveries} webhooks due: resident memory {after_start:.1} MB after the start, {later:.1} MB \
         three seconds later; /metrics in {:.1} ms",
        plan.stored,
        metrics_time.as_secs_f64() * 1000.0
    );
    table.at_most("start to first response, full store", time.as_secs_f64() * 1000.0, 1000.0, "ms");
    table.at_most("start to first accepted job, full store", accepted.as_secs_f64() * 1000.0, 1000.0, "ms");
}
