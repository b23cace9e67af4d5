//! One, two and three nodes on one Redis against what the same Redis does with the bare scripts, what a step costs where
//! many jobs are stored, and how much memory a job takes there: `cargo bench -p opilio --bench redis`.
//!
//! `--stored N` sets how many jobs are stored for the costs (100,000), `--rounds N` how often each pair is run (3), `--only
//! WORD` picks rows: nodes, costs or memory. Nodes, Redis, load and origin share this machine: where it has no idle core
//! left, a second node cannot make anything faster.

#[path = "../system/costs.rs"]
mod costs;
#[path = "../system/load.rs"]
#[allow(dead_code, reason = "the system bench needs more of it")]
mod load;
mod memory;
mod nodes;
#[path = "../system/opilio.rs"]
#[allow(dead_code, reason = "the system bench needs more of it")]
mod opilio;
#[path = "../system/origin.rs"]
#[allow(dead_code, reason = "the system bench needs more of it")]
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
