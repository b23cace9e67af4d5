//! The real binary, crashed at every fault point and killed at random moments, and restarted on the same store: each
//! accepted job settles once, all its webhooks are identical, and no page is crawled again after its checkpoint.

#[path = "crash/campaign.rs"]
mod campaign;
#[path = "crash/environment.rs"]
mod environment;
#[path = "crash/history.rs"]
mod history;
#[path = "crash/invariants.rs"]
mod invariants;
#[path = "crash/scenario.rs"]
mod scenario;
mod support;

use campaign::{Campaign, Crash};
use opilio_actors::faults;

/// `OPILIO_CHAOS_SEED` or a random seed; printed, so that a failure can be reproduced.
fn seed() -> u64 {
    let given = std::env::var("OPILIO_CHAOS_SEED").ok().and_then(|text| text.parse().ok());
    let seed = given.unwrap_or_else(|| fastrand::u64(..1_000_000));
    println!("OPILIO_CHAOS_SEED={seed}");
    seed
}

async fn crash_at_every_point(passing: u32) {
    let mut rng = fastrand::Rng::with_seed(seed());
    let mut crashes: Vec<_> = faults::points().into_iter().map(|point| Crash::At { point, passing }).collect();
    rng.shuffle(&mut crashes);
    let mut campaign = Campaign::start(rng).await;
    for crash in &crashes {
        campaign.round(crash).await;
    }
    campaign.end().await;
}

#[actix::test]
async fn crash_at_any_fault_point_loses_nothing() {
    crash_at_every_point(1).await;
}

#[actix::test]
async fn crash_at_second_pass_of_any_fault_point_loses_nothing() {
    crash_at_every_point(2).await;
}

#[actix::test]
async fn crashes_at_random_moments_lose_nothing() {
    let count = std::env::var("OPILIO_CHAOS_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(60_u32);
    let seed = seed();
    let mut rng = fastrand::Rng::with_seed(seed);
    let (points, mut done) = (faults::points(), 0);
    while done < count {
        let mut campaign = Campaign::start(rng.fork()).await;
        for _ in 0..(count - done).min(100) {
            let crash = if rng.u8(..3) == 0 {
                Crash::At { point: rng.choice(&points).expect("there are some"), passing: rng.u32(1..=2) }
            } else {
                Crash::After { requests: rng.u64(..8), pause: std::time::Duration::from_micros(rng.u64(..20_000)) }
            };
            campaign.round(&crash).await;
            done += 1;
        }
        campaign.end().await;
        println!("{done} crashes survived, seed {seed}");
    }
}
