//! Three servers on one Redis, killed, frozen, cut off and drained at random moments, and Redis with them: what was
//! accepted is settled once, and told of by one webhook or the same one again.

#[path = "fleet/campaign.rs"]
mod campaign;
#[path = "crash/environment.rs"]
mod environment;
#[path = "crash/invariants.rs"]
mod invariants;
mod on_redis;
#[path = "crash/scenario.rs"]
#[allow(dead_code, reason = "the crash tests need more of it")]
mod scenario;
mod support;

use campaign::Campaign;

/// Faults on one store; then begins a new one.
const FAULTS: u32 = 100;

#[actix::test]
async fn three_servers_and_a_redis_in_trouble_at_random_moments_lose_nothing() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let faults = number("OPILIO_CHAOS_KILLS").unwrap_or(u64::from(FAULTS));
    let seed = number("OPILIO_CHAOS_SEED").unwrap_or_else(|| fastrand::u64(..1_000_000));
    println!("OPILIO_CHAOS_SEED={seed}");
    let mut luck = fastrand::Rng::with_seed(seed);
    let mut done = 0;
    while done < faults {
        let mut campaign = Campaign::start(luck.fork()).await;
        for _ in 0..(faults - done).min(FAULTS.into()) {
            campaign.round().await;
            done += 1;
        }
        let tally = campaign.end().await;
        println!("{done} faults survived, seed {seed}: {tally:?}");
    }
}
