//! The server relative to a physical limit, measured on the same machine in the same run: `make bench`.
//!
//! A limit is the same load against a minimal program. Rounds of the two alternate, because machines are noisy; the result is
//! the median of the ratios. `--stored N` sets the number of stored jobs where many are needed (100,000, and a tenth as many
//! due webhooks), `--rounds N` the number of rounds (3), `--only WORD` selects rows. The benchmark fails if a ratio is more
//! than three times worse than its target.

mod costs;
mod hostile;
mod load;
mod memory;
mod opilio;
mod origin;
mod principals;
mod roles;
mod speed;
mod start;
mod store;
mod table;

use table::Table;

#[derive(Clone, Copy)]
pub struct Plan {
    pub rounds: usize,
    pub stored: u32,
}

fn main() {
    // This program is also the minimal program of each limit.
    if let Ok(role) = std::env::var(roles::ROLE) {
        return roles::run(&role);
    }
    let _ = rustls::crypto::ring::default_provider().install_default();
    let argument = |name: &str| {
        let mut arguments = std::env::args().skip_while(|argument| argument != name);
        arguments.nth(1).and_then(|number| number.parse().ok())
    };
    let plan = Plan {
        rounds: argument("--rounds").map_or(3, |rounds: u32| rounds as usize),
        stored: argument("--stored").unwrap_or(100_000),
    };
    let origin = origin::Origin::start();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let mut table = Table::default();
    let only = std::env::args().skip_while(|argument| argument != "--only").nth(1);
    let wanted = |name: &str| only.as_deref().is_none_or(|only| only == name);
    runtime.expect("a runtime").block_on(async {
        if wanted("submissions") {
            speed::submissions(plan, &origin, &mut table).await;
        }
        if wanted("pages") {
            speed::pages(plan, &origin, &mut table).await;
        }
        if wanted("deliveries") {
            speed::deliveries(plan, &origin, &mut table).await;
        }
        if wanted("polls") {
            speed::polls(plan, &origin, &mut table).await;
        }
        if wanted("latency") {
            speed::latency(&origin, &mut table).await;
        }
        if wanted("memory") {
            memory::idle_and_queued(&origin, &mut table).await;
        }
        if wanted("hostile") {
            hostile::clients(plan, &origin, &mut table).await;
        }
        if wanted("hostile") || wanted("principals") {
            principals::attacks(&mut table).await;
            principals::expensive_work(&mut table).await;
        }
        if wanted("results") {
            memory::long_results(&origin, &mut table).await;
            memory::long_webhooks(&origin, &mut table).await;
        }
        if wanted("start") {
            start::to_first_response(plan, &origin, &mut table).await;
        }
        if wanted("store") {
            store::by_stored(plan, &mut table).await;
        }
    });
    if !table.print() {
        std::process::exit(1);
    }
}
