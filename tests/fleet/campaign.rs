//! Rounds of work on one Redis, each with one more fault; the end of the campaign checks the invariants.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::environment::Environment;
use super::invariants::{assert_settled_once, settled_and_delivered};
use super::on_redis::{Proxy, Redis, signal};
use super::scenario::{self, Submission};
use super::support::{DEADLINE, TestServer, until};

/// Leases that a frozen node soon loses, short grace and retries, and no limit for webhooks, whose receiver fails at random.
/// The limits of jobs are the defaults.
const CONFIG: &str = "\
app: {shutdown_grace: 50ms}
jobs: {lease: 1s}
crawler: {pages_per_host: 0, pool: {max_pages: 0}}
webhooks:
  lease: 3s
  retry: {timeout: 2s, initial_delay: 5ms, max_delay: 50ms, max_attempts: 100000, max_interruptions: 100000}
";

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// SIGKILL of a node; later it is restarted.
    Kill,
    /// SIGSTOP of a node, mostly for longer than its leases last; later SIGCONT.
    Freeze,
    /// A node's connection to Redis is cut; later it is restored.
    Disconnect,
    /// SIGTERM of a node, and a restart.
    Drain,
    /// SIGKILL of Redis, and a restart on its files.
    RestartRedis,
    /// SIGSTOP of Redis, then SIGCONT.
    FreezeRedis,
}

struct Node {
    server: TestServer,
    proxy: Proxy,
    /// The present fault, and when it ends.
    fault: Option<(Fault, Instant)>,
}

pub struct Campaign {
    environment: Environment,
    redis: Redis,
    nodes: Vec<Node>,
    submissions: Vec<Submission>,
    rng: fastrand::Rng,
    counts: BTreeMap<Fault, u32>,
}

/// One per node. `OPILIO_TEST_OTHER_BINARY` names the binary of another version for one of them.
fn binaries() -> [PathBuf; 3] {
    let own = PathBuf::from(env!("CARGO_BIN_EXE_opilio"));
    let other = std::env::var_os("OPILIO_TEST_OTHER_BINARY").map_or_else(|| own.clone(), PathBuf::from);
    [own.clone(), own, other]
}

impl Campaign {
    pub async fn start(mut rng: fastrand::Rng) -> Self {
        let (environment, redis) = (Environment::start(rng.fork()), Redis::start());
        let openai = environment.url("/openai");
        let mut nodes = Vec::new();
        for binary in binaries() {
            let proxy = redis.proxy();
            let model = [("OPENAI_BASE_URL", openai.as_str()), ("OPENAI_API_KEY", "k")];
            let server = TestServer::with_binary(binary, CONFIG, &[&proxy.variables()[..], &model].concat()).await;
            nodes.push(Node { server, proxy, fault: None });
        }
        Self { environment, redis, nodes, submissions: Vec::new(), rng, counts: BTreeMap::new() }
    }

    /// Submits a new job beside the unfinished ones, and injects a fault in the middle of the work.
    pub async fn round(&mut self) {
        self.recover_until_two_are_healthy().await;
        let gated = self.rng.u8(..3) == 0;
        let number = self.submissions.len();
        if gated {
            self.environment.close_gate(number);
        }
        self.submissions.push(match self.rng.u8(..3) {
            0 if !gated => scenario::extraction(number, &self.environment),
            _ => scenario::crawl(number, gated, &self.environment),
        });
        self.work(gated).await;
        self.inject_fault().await;
        self.environment.open_gate();
    }

    /// Submits what has no id yet, until a random moment: the fault may interrupt a submission or a cancellation.
    async fn work(&mut self, gated: bool) {
        let healthy: Vec<_> = (0..self.nodes.len()).filter(|index| self.nodes[*index].fault.is_none()).collect();
        let (requests, pause) =
            (self.rng.u64(..if gated { 2 } else { 5 }), Duration::from_micros(self.rng.u64(..20_000)));
        let cancels = self.rng.u8(..4) == 0;
        let Self { environment, nodes, submissions, rng, .. } = self;
        let mut any = || &nodes[rng.choice(&healthy).copied().expect("one node is always healthy")].server;
        let end = async {
            // If no work is left, there are no requests.
            let _ = timeout(Duration::from_secs(1), environment.wait_for_requests(requests)).await;
            sleep(pause).await;
        };
        let work = async {
            for submission in submissions.iter_mut() {
                submission.submit(any()).await;
            }
            if let Some(id) = submissions.last().and_then(|submission| submission.id.as_ref()).filter(|_| cancels) {
                let _ = any().try_delete(&format!("/crawl/job/{id}")).await;
            }
            // An interactive request. Its job ends whether or not the client is still connected.
            let _ = any().try_post("/crawl", json!({"urls": [environment.url("/page/sync/0")]})).await;
            std::future::pending::<()>().await;
        };
        tokio::select! { () = end => {}, () = work => {} }
    }

    async fn inject_fault(&mut self) {
        let fault = match self.rng.u8(..16) {
            0..=4 => Fault::Kill,
            5..=8 => Fault::Freeze,
            9..=11 => Fault::Disconnect,
            12 | 13 => Fault::Drain,
            14 => Fault::RestartRedis,
            _ => Fault::FreezeRedis,
        };
        *self.counts.entry(fault).or_default() += 1;
        let healthy: Vec<_> = self.nodes.iter_mut().filter(|node| node.fault.is_none()).collect();
        let node = self.rng.choice(healthy).expect("one node is always healthy");
        let longest = if fault == Fault::Kill { 300 } else { 2500 };
        let duration = Duration::from_millis(self.rng.u64(..longest));
        match fault {
            Fault::Kill => node.server.kill().await,
            Fault::Freeze => signal(node.server.pid(), "STOP"),
            Fault::Disconnect => node.proxy.cut(),
            Fault::Drain => {
                node.server.send_sigterm();
                node.server.wait_for_exit().await;
                return node.server.restart().await;
            }
            Fault::RestartRedis => return self.redis.restart(),
            Fault::FreezeRedis => {
                self.redis.signal("STOP");
                sleep(duration).await;
                return self.redis.signal("CONT");
            }
        }
        node.fault = Some((fault, Instant::now() + duration));
    }

    /// Ends the faults that are due, and waits until at most one node has a fault.
    async fn recover_until_two_are_healthy(&mut self) {
        loop {
            for node in &mut self.nodes {
                node.recover_if(|end| end <= Instant::now()).await;
            }
            let ends = self.nodes.iter().filter_map(|node| node.fault.map(|(_, end)| end));
            match (ends.clone().min(), ends.count()) {
                (Some(first), 2..) => sleep_until(first).await,
                _ => return,
            }
        }
    }

    /// Compares the final state of all jobs with the recorded requests. Returns how often each fault occurred.
    pub async fn end(mut self) -> BTreeMap<Fault, u32> {
        for node in &mut self.nodes {
            node.recover_if(|_| true).await;
        }
        self.environment.accept_all_webhooks();
        let ids = self.submit_all_twice().await;
        self.environment.wait_for_webhooks(&ids).await;
        for id in &ids {
            let node = self.rng.choice(&self.nodes).expect("there are three");
            let job = settled_and_delivered(&node.server, id).await;
            assert_settled_once(id, &job, &self.environment.requests().webhooks[id]);
        }
        for node in &self.nodes {
            node.server.get_until("/jobs?status=processing", |list| list["jobs"] == json!([])).await;
        }
        let requests = self.environment.requests();
        assert!(requests.webhooks.keys().all(|id| ids.contains(id)), "a webhook names an unknown job");
        drop(requests);
        self.counts
    }

    /// Submits each job until it has an id, and again at another node, which must return the same id.
    async fn submit_all_twice(&mut self) -> HashSet<String> {
        let mut ids = HashSet::new();
        for submission in &mut self.submissions {
            let submitted = async |node: &Node| {
                until(async || submission.submit_again(&node.server).await.ok_or("no response with an id"), DEADLINE)
                    .await
            };
            let id = match submission.id.clone() {
                Some(id) => id,
                None => submitted(&self.nodes[0]).await,
            };
            assert_eq!(submitted(&self.nodes[1]).await, id, "the key no longer has its job");
            ids.insert(id);
        }
        assert_eq!(ids.len(), self.submissions.len(), "two submissions became one job");
        ids
    }
}

impl Node {
    async fn recover_if(&mut self, due: impl Fn(Instant) -> bool) {
        match self.fault.take_if(|(_, end)| due(*end)) {
            Some((Fault::Kill, _)) => self.server.restart().await,
            Some((Fault::Freeze, _)) => signal(self.server.pid(), "CONT"),
            Some((Fault::Disconnect, _)) => self.proxy.restore(),
            _ => {}
        }
    }
}
