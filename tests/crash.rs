//! The real binary, killed at every named point and at random moments, started again on the same store: what was accepted
//! is settled once, told of by one webhook or the same one again, and no page is crawled again after its checkpoint.

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

use campaign::{Campaign, Death};
use opilio_actors::faults;

/// Chosen by the environment, or new every time; printed, so that a failure can be run again.
fn seed() -> u64 {
    let given = std::env::var("OPILIO_CHAOS_SEED").ok().and_then(|text| text.parse().ok());
    let seed = given.unwrap_or_else(|| fastrand::u64(..1_000_000));
    println!("OPILIO_CHAOS_SEED={seed}");
    seed
}

async fn every_point(passing: u32) {
    let mut luck = fastrand::Rng::with_seed(seed());
    let mut deaths: Vec<_> = faults::points().into_iter().map(|point| Death::At { point, passing }).collect();
    luck.shuffle(&mut deaths);
    let mut campaign = Campaign::start(luck).await;
    for death in &deaths {
        campaign.round(death).await;
    }
    campaign.end().await;
}

#[actix::test]
async fn a_process_that_dies_at_any_fault_point_loses_nothing() {
    every_point(1).await;
}

#[actix::test]
async fn a_process_that_dies_when_it_passes_any_fault_point_again_loses_nothing() {
    every_point(2).await;
}

#[actix::test]
async fn a_process_killed_at_random_moments_loses_nothing() {
    let kills = std::env::var("OPILIO_CHAOS_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(60_u32);
    let seed = seed();
    let mut luck = fastrand::Rng::with_seed(seed);
    let (points, mut done) = (faults::points(), 0);
    while done < kills {
        let mut campaign = Campaign::start(luck.fork()).await;
        for _ in 0..(kills - done).min(100) {
            let death = if luck.u8(..3) == 0 {
                Death::At { point: luck.choice(&points).expect("there are some"), passing: luck.u32(1..=2) }
            } else {
                Death::After { events: luck.u64(..8), pause: std::time::Duration::from_micros(luck.u64(..20_000)) }
            };
            campaign.round(&death).await;
            done += 1;
        }
        campaign.end().await;
        println!("{done} kills survived, seed {seed}");
    }
}
