//! Rounds of work on one store, each ending in the process's death, and the reckoning at the end.

use std::collections::HashSet;
use std::time::Duration;

use serde_json::{Value, json};

use super::environment::World;
use super::history::Checkpoints;
use super::invariants::{assert_settled_once, settled_and_delivered};
use super::scenario::{self, Wish};
use super::support::TestServer;

/// How a process ends.
pub enum Death {
    /// By its own fault point.
    At { point: &'static str, passing: u32 },
    /// By kill -9 after so many pages, questions and webhooks, and a pause.
    After { events: u64, pause: Duration },
}

/// A lease that is renewed soon, little grace, quick retries, room for all pages that hang; and no job is given up for
/// dying with its process.
const CONFIG: &str = "\
app: {shutdown_grace: 50ms}
jobs: {lease: 1s, max_attempts: 100000}
crawler: {pages_per_host: 0, pool: {max_pages: 0}}
webhooks: {retry: {initial_delay: 5ms, max_delay: 50ms, max_attempts: 100000, max_interruptions: 100000}}
";

pub struct Campaign {
    world: World,
    server: TestServer,
    wishes: Vec<Wish>,
    checkpoints: Checkpoints,
    luck: fastrand::Rng,
}

impl Campaign {
    pub async fn start(mut luck: fastrand::Rng) -> Self {
        let world = World::start(luck.fork());
        let openai = world.address("/openai");
        let environment = [("OPENAI_BASE_URL", openai.as_str()), ("OPENAI_API_KEY", "k")];
        let mut server = TestServer::with_config_and_env(CONFIG, &environment).await;
        server.kill().await;
        Self { world, server, wishes: Vec::new(), checkpoints: Checkpoints::default(), luck }
    }

    /// Starts the process, gives it new work besides the old, and lets it die.
    pub async fn round(&mut self, death: &Death) {
        match death {
            Death::At { point, passing } => self.die_at(point, *passing).await,
            Death::After { events, pause } => self.die_after(*events, *pause).await,
        }
        self.world.open_gate();
        self.checkpoints.note(&self.server.folder().join("data"), &self.world.seen());
    }

    async fn die_at(&mut self, point: &str, passing: u32) {
        // What is renewed or handed back has to run for a while.
        let drains = point.starts_with("release");
        let gated = drains || point.starts_with("renew");
        if gated {
            self.world.close_gate();
        }
        let wishes = self.wish(gated);
        self.server.set_env("OPILIO_FAULT", &format!("{point}:{passing}"));
        self.server.restart().await;
        let provoke = async {
            for wish in &mut self.wishes {
                wish.ask(&self.server).await;
            }
            if drains {
                let pages: Vec<_> = self.wishes[wishes..].iter().flat_map(Wish::pages).collect();
                self.world.until("the new jobs", |seen| pages.iter().all(|url| seen.pages.contains_key(url))).await;
                self.server.send_sigterm();
            }
            let last: Vec<_> = self.wishes.iter().rev().filter_map(|wish| wish.id.clone()).take(3).collect();
            for id in &last {
                match point.split('.').next() {
                    Some("cancel") => drop(self.server.try_delete(&format!("/crawl/job/{id}")).await),
                    Some("replay") => drop(self.server.try_post(&format!("/jobs/{id}/deliveries"), Value::Null).await),
                    Some("replay_all") => drop(self.server.try_post("/deliveries/replay", json!({})).await),
                    _ => {}
                }
            }
        };
        provoke.await;
        let dies = tokio::time::timeout(Duration::from_secs(120), self.server.wait_for_exit());
        let status = dies.await.unwrap_or_else(|_| panic!("{point} was not passed {passing} times"));
        assert!(!status.success(), "{point} was not passed {passing} times before the end of the drain");
    }

    async fn die_after(&mut self, events: u64, pause: Duration) {
        let wishes = self.wish(false);
        self.server.set_env("OPILIO_FAULT", "");
        self.server.restart().await;
        let cancels = self.luck.u8(..4) == 0;
        let ends = async {
            self.world.goes_on_for(events).await;
            tokio::time::sleep(pause).await;
        };
        let work = async {
            for wish in &mut self.wishes {
                wish.ask(&self.server).await;
            }
            if let Some(id) = self.wishes[wishes].id.as_ref().filter(|_| cancels) {
                let _ = self.server.try_delete(&format!("/crawl/job/{id}")).await;
            }
            std::future::pending::<()>().await;
        };
        // The kill may meet a submission or a cancellation under way.
        tokio::select! { () = ends => {}, () = work => {} }
        self.server.kill().await;
    }

    /// Two crawls and an extraction more. Returns the number of those that were there before.
    fn wish(&mut self, gated: bool) -> usize {
        let before = self.wishes.len();
        for _ in 0..2 {
            self.wishes.push(scenario::crawl(self.wishes.len(), gated, &self.world));
        }
        self.wishes.push(scenario::extraction(self.wishes.len(), &self.world));
        before
    }

    /// Starts the process for good and compares what it says at the end with everything that was seen.
    pub async fn end(mut self) {
        self.world.calm_down();
        self.server.set_env("OPILIO_FAULT", "");
        self.server.restart().await;
        for wish in &mut self.wishes {
            wish.ask(&self.server).await;
        }
        let ids: HashSet<_> = self.wishes.iter().map(|wish| wish.id.clone().expect("nothing is in its way")).collect();
        assert_eq!(ids.len(), self.wishes.len(), "two wishes became one job");
        self.world.until("every webhook", |seen| ids.iter().all(|id| seen.next_webhook.contains_key(id))).await;
        for id in &ids {
            let status = settled_and_delivered(&self.server, id).await;
            assert_settled_once(id, &status, &self.world.seen().next_webhook[id]);
        }
        assert!(
            self.world.seen().next_webhook.keys().all(|id| ids.contains(id)),
            "a job that nobody wished for was told of"
        );
        self.checkpoints.assert_kept(&self.world.seen());
    }
}
