//! Three servers on one Redis, with faults at random moments in the servers, their connections and Redis: each accepted job
//! settles once, and all its webhooks are identical.

#[path = "fleet/campaign.rs"]
mod campaign;
#[path = "crash/environment.rs"]
#[allow(dead_code, reason = "the crash tests use all of it")]
mod environment;
#[path = "crash/invariants.rs"]
mod invariants;
mod on_redis;
#[path = "crash/scenario.rs"]
#[allow(dead_code, reason = "the crash tests use all of it")]
mod scenario;
mod support;

use campaign::Campaign;

/// Faults on one Redis before a new one is started.
const FAULTS: u32 = 100;

#[actix::test]
async fn faults_at_random_moments_in_a_cluster_lose_nothing() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let faults = number("OPILIO_CHAOS_KILLS").unwrap_or(u64::from(FAULTS));
    let seed = number("OPILIO_CHAOS_SEED").unwrap_or_else(|| fastrand::u64(..1_000_000));
    println!("OPILIO_CHAOS_SEED={seed}");
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut done = 0;
    while done < faults {
        let mut campaign = Campaign::start(rng.fork()).await;
        for _ in 0..(faults - done).min(FAULTS.into()) {
            campaign.round().await;
            done += 1;
        }
        let counts = campaign.end().await;
        println!("{done} faults survived, seed {seed}: {counts:?}");
    }
}
