//! Claim, settlement and sweep in the embedded store with many and with few stored jobs.

use std::path::Path;
use std::sync::Arc;

use futures_util::stream::{self, StreamExt};
use jiff::Timestamp;
use opilio::stores::StoreSettings;
use opilio::stores::embedded::EmbeddedStore;
use opilio_actors::ports::{Clock, JobStore};
use opilio_actors::testing::contract::RETENTION;
use opilio_actors::testing::jobs::{crawl, target};

use crate::table::Table;
use crate::{Plan, costs};

struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

fn open(folder: &Path) -> EmbeddedStore {
    std::fs::create_dir_all(folder).expect("the folder is writable");
    let settings = StoreSettings { retention: RETENTION, max_queued: None, max_per_principal: None };
    EmbeddedStore::open(folder, Arc::new(SystemClock), settings).expect("a store")
}

/// Submits jobs that crawl this page.
pub async fn fill(folder: &Path, jobs: u32, page: &str) {
    costs::fill(&open(folder), jobs, page).await;
}

/// Adds due webhooks to these receivers in turn.
pub async fn fill_with_deliveries(folder: &Path, deliveries: u32, receivers: &[String]) {
    let store = open(folder);
    let settled = stream::iter((0..deliveries).zip(receivers.iter().cycle())).map(|(_, receiver)| async {
        let mut job = crawl(1);
        let id = job.id.clone();
        job.spec.webhook = Some(target(receiver));
        store.submit(job).await.expect("the job is admitted");
        store.cancel(&id, None).await.expect("the job is not settled");
    });
    settled.buffer_unordered(1000).collect::<()>().await;
}

pub async fn by_stored(plan: Plan, table: &mut Table) {
    let few = times(costs::FEW).await;
    let many = times(plan.stored).await;
    costs::compare(few, many, plan.stored, table);
}

async fn times(stored: u32) -> [f64; 3] {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fill(folder.path(), stored, "https://a.example/").await;
    costs::times(&open(folder.path())).await
}
