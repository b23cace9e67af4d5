//! Throughput of one, two and three nodes on one Redis relative to the bare scripts, the cost of a step with many stored
//! jobs, and the memory per job: `cargo bench -p opilio --bench redis`.
//!
//! `--stored N`: stored jobs for the costs (100,000); `--rounds N`: runs of each pair (3); `--only nodes|costs|memory`.
//! Nodes, Redis, clients and the web site share this machine; without an idle core a second node adds no throughput.

#[path = "../system/costs.rs"]
mod costs;
#[path = "../system/load.rs"]
#[allow(dead_code, reason = "the system benchmark uses the rest")]
mod load;
mod memory;
mod nodes;
#[path = "../system/opilio.rs"]
#[allow(dead_code, reason = "the system benchmark uses the rest")]
mod opilio;
#[path = "../system/origin.rs"]
#[allow(dead_code, reason = "the system benchmark uses the rest")]
mod origin;
mod server;
#[path = "../system/table.rs"]
mod table;

use table::Table;

fn main() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let argument = |name: &str| std::env::args().skip_while(|argument| argument != name).nth(1);
    let number = |name: &str| argument(name).and_then(|number| number.parse::<u32>().ok());
    let rounds = number("--rounds").unwrap_or(3);
    let stored = number("--stored").unwrap_or(100_000);
    let only = argument("--only");
    let wanted = |name: &str| only.as_deref().is_none_or(|only| only == name);
    let origin = origin::Origin::start();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let mut table = Table::default();
    runtime.expect("a runtime").block_on(async {
        if wanted("nodes") {
            nodes::submissions(rounds, &origin, &mut table).await;
            nodes::jobs(rounds, &origin, &mut table).await;
        }
        if wanted("costs") {
            memory::costs(stored, &mut table).await;
        }
        if wanted("memory") {
            memory::of_jobs(&origin, &mut table).await;
        }
    });
    if !table.print() {
        std::process::exit(1);
    }
}
