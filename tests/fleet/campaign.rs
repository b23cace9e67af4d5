//! Rounds of work on one Redis, each with a fault more, and the reckoning at the end.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::environment::World;
use super::invariants::{assert_settled_once, settled_and_delivered};
use super::on_redis::{Redis, Wire, signal};
use super::scenario::{self, Wish};
use super::support::TestServer;

/// Leases that a frozen node loses soon, little grace, quick retries; and no job is given up for the company it keeps.
const CONFIG: &str = "\
app: {shutdown_grace: 50ms}
jobs: {lease: 1s, max_attempts: 100000}
crawler: {pages_per_host: 0, pool: {max_pages: 0}}
webhooks:
  lease: 3s
  retry: {timeout: 2s, initial_delay: 5ms, max_delay: 50ms, max_attempts: 100000, max_interruptions: 100000}
";

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// kill -9.
    Kill,
    /// SIGSTOP, mostly for longer than its leases last; then SIGCONT.
    Freeze,
    /// No way to Redis, and then again one.
    Cut,
    /// SIGTERM, and a new process.
    Drain,
    /// kill -9, and again on what it kept.
    RestartRedis,
    /// Redis does not answer, and then it does.
    FreezeRedis,
}

/// A node, and what ails it until when.
struct Node {
    server: TestServer,
    wire: Wire,
    ill: Option<(Fault, Instant)>,
}

pub struct Campaign {
    world: World,
    redis: Redis,
    nodes: Vec<Node>,
    wishes: Vec<Wish>,
    luck: fastrand::Rng,
    tally: BTreeMap<Fault, u32>,
}

/// One a node. `OPILIO_TEST_NEIGHBOUR` names that of another version for one of them.
fn binaries() -> [PathBuf; 3] {
    let own = PathBuf::from(env!("CARGO_BIN_EXE_opilio"));
    let other = std::env::var_os("OPILIO_TEST_NEIGHBOUR").map_or_else(|| own.clone(), PathBuf::from);
    [own.clone(), own, other]
}

impl Campaign {
    pub async fn start(mut luck: fastrand::Rng) -> Self {
        let (world, redis) = (World::start(luck.fork()), Redis::start());
        let openai = world.address("/openai");
        let mut nodes = Vec::new();
        for binary in binaries() {
            let wire = redis.wire();
            let model = [("OPENAI_BASE_URL", openai.as_str()), ("OPENAI_API_KEY", "k")];
            let server = TestServer::with_binary(binary, CONFIG, &[&wire.variables()[..], &model].concat()).await;
            nodes.push(Node { server, wire, ill: None });
        }
        Self { world, redis, nodes, wishes: Vec::new(), luck, tally: BTreeMap::new() }
    }

    /// New work besides the old, and a fault in the middle of it.
    pub async fn round(&mut self) {
        self.heal().await;
        let gated = self.luck.u8(..3) == 0;
        if gated {
            self.world.close_gate();
        }
        let number = self.wishes.len();
        self.wishes.push(match self.luck.u8(..3) {
            0 if !gated => scenario::extraction(number, &self.world),
            _ => scenario::crawl(number, gated, &self.world),
        });
        self.work(gated).await;
        self.strike().await;
        self.world.open_gate();
    }

    /// Asks for what was not promised yet, until a random moment: the fault may meet a submission or a cancellation.
    async fn work(&mut self, gated: bool) {
        let well: Vec<_> = (0..self.nodes.len()).filter(|place| self.nodes[*place].ill.is_none()).collect();
        let (events, pause) =
            (self.luck.u64(..if gated { 2 } else { 5 }), Duration::from_micros(self.luck.u64(..20_000)));
        let Self { world, nodes, wishes, luck, .. } = self;
        let ends = async {
            // Where nothing is left to be done, nothing happens.
            let _ = timeout(Duration::from_secs(1), world.goes_on_for(events)).await;
            sleep(pause).await;
        };
        let work = async {
            for wish in wishes.iter_mut() {
                wish.ask(&nodes[luck.choice(&well).copied().expect("one is always well")].server).await;
            }
            if luck.u8(..4) == 0
                && let Some(id) = wishes.last().and_then(|wish| wish.id.as_ref())
            {
                let server = &nodes[luck.choice(&well).copied().expect("one is always well")].server;
                let _ = server.try_delete(&format!("/crawl/job/{id}")).await;
            }
            // Somebody who waits, if only until the fault: his job ends with or without him.
            let server = &nodes[luck.choice(&well).copied().expect("one is always well")].server;
            let _ = server.try_post("/crawl", json!({"urls": [world.address("/page/waits/0")]})).await;
            std::future::pending::<()>().await;
        };
        tokio::select! { () = ends => {}, () = work => {} }
    }

    async fn strike(&mut self) {
        let fault = match self.luck.u8(..16) {
            0..=4 => Fault::Kill,
            5..=8 => Fault::Freeze,
            9..=11 => Fault::Cut,
            12 | 13 => Fault::Drain,
            14 => Fault::RestartRedis,
            _ => Fault::FreezeRedis,
        };
        *self.tally.entry(fault).or_default() += 1;
        let well: Vec<_> = self.nodes.iter_mut().filter(|node| node.ill.is_none()).collect();
        let node = self.luck.choice(well).expect("one is always well");
        let longest = if fault == Fault::Kill { 300 } else { 2500 };
        let pause = Duration::from_millis(self.luck.u64(..longest));
        match fault {
            Fault::Kill => node.server.kill().await,
            Fault::Freeze => signal(node.server.pid(), "STOP"),
            Fault::Cut => node.wire.cut(),
            Fault::Drain => {
                node.server.send_sigterm();
                node.server.wait_for_exit().await;
                return node.server.restart().await;
            }
            Fault::RestartRedis => return self.redis.restart(),
            Fault::FreezeRedis => {
                self.redis.signal("STOP");
                sleep(pause).await;
                return self.redis.signal("CONT");
            }
        }
        node.ill = Some((fault, Instant::now() + pause));
    }

    /// Those who have suffered long enough; and until two are well, so that one still is after the next fault.
    async fn heal(&mut self) {
        loop {
            for node in &mut self.nodes {
                node.heal_if(|until| until <= Instant::now()).await;
            }
            let ill = self.nodes.iter().filter_map(|node| node.ill.map(|(_, until)| until));
            match (ill.clone().min(), ill.count()) {
                (Some(first), 2..) => sleep_until(first).await,
                _ => return,
            }
        }
    }

    /// Compares what the nodes say at the end with everything that was seen. Returns how often there was which fault.
    pub async fn end(mut self) -> BTreeMap<Fault, u32> {
        for node in &mut self.nodes {
            node.heal_if(|_| true).await;
        }
        self.world.calm_down();
        let mut ids = HashSet::new();
        for wish in &mut self.wishes {
            while wish.id.is_none() {
                wish.ask(&self.nodes[0].server).await;
            }
            let again = loop {
                if let Some(id) = wish.answer(&self.nodes[1].server).await {
                    break id;
                }
            };
            assert_eq!(wish.id.as_ref(), Some(&again), "what was promised once is promised still");
            ids.insert(again);
        }
        assert_eq!(ids.len(), self.wishes.len(), "two wishes became one job");
        self.world.until("every webhook", |seen| ids.iter().all(|id| seen.next_webhook.contains_key(id))).await;
        for id in &ids {
            let node = self.luck.choice(&self.nodes).expect("there are three");
            let status: Value = settled_and_delivered(&node.server, id).await;
            assert_settled_once(id, &status, &self.world.seen().next_webhook[id]);
        }
        for node in &self.nodes {
            while node.server.get("/jobs?status=processing").await.1["jobs"] != json!([]) {
                sleep(Duration::from_millis(50)).await;
            }
        }
        assert!(
            self.world.seen().next_webhook.keys().all(|id| ids.contains(id)),
            "a job that nobody wished for was told of"
        );
        self.tally
    }
}

impl Node {
    async fn heal_if(&mut self, due: impl Fn(Instant) -> bool) {
        match self.ill.take_if(|(_, until)| due(*until)) {
            Some((Fault::Kill, _)) => self.server.restart().await,
            Some((Fault::Freeze, _)) => signal(self.server.pid(), "CONT"),
            Some((Fault::Cut, _)) => self.wire.mend(),
            _ => {}
        }
    }
}
