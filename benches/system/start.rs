//! From the start of the process to its first answer.

use crate::Plan;
use crate::opilio::first_answer;
use crate::store;
use crate::table::{Table, median};

pub async fn to_first_answer(plan: Plan, table: &mut Table) {
    let mut empty = Vec::new();
    for _ in 0..plan.rounds {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (time, mut child) = first_answer(folder.path()).await;
        let _ = child.kill();
        let _ = child.wait();
        empty.push(time.as_secs_f64() * 1000.0);
    }
    table.at_most("start to first answer, empty store", median(empty), 100.0, "ms");
    let folder = tempfile::tempdir().expect("a temporary folder");
    store::fill(&folder.path().join("data"), plan.stored).await;
    let (time, mut child) = first_answer(folder.path()).await;
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
    let _ = child.kill();
    let _ = child.wait();
    let memory = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("unknown").trim().to_owned();
    println!("{} jobs queued: resident memory after the start {memory}", plan.stored);
    table.at_most("start to first answer, jobs queued", time.as_secs_f64() * 1000.0, 1000.0, "ms");
}
