//! Rounds of work on one store. Each ends in a crash of the process; the end of the campaign checks the invariants.

use std::collections::HashSet;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use super::environment::Environment;
use super::history::Checkpoints;
use super::invariants::{assert_settled_once, settled_and_delivered};
use super::scenario::{self, Submission};
use super::support::{DEADLINE, TestServer};

/// How a process ends.
pub enum Crash {
    /// At a fault point, when it is passed for the nth time.
    At { point: &'static str, passing: u32 },
    /// By SIGKILL after a number of requests to the environment, and a pause.
    After { requests: u64, pause: Duration },
}

/// Short leases, grace and retries, no limit for pages that hang, and no limit for webhooks, whose receiver fails at random.
/// The limits of jobs are the defaults.
const CONFIG: &str = "\
app: {shutdown_grace: 50ms}
jobs: {lease: 1s}
crawler: {pages_per_host: 0, pool: {max_pages: 0}}
webhooks: {retry: {initial_delay: 5ms, max_delay: 50ms, max_attempts: 100000, max_interruptions: 100000}}
";

pub struct Campaign {
    environment: Environment,
    server: TestServer,
    submissions: Vec<Submission>,
    checkpoints: Checkpoints,
    rng: fastrand::Rng,
}

impl Campaign {
    pub async fn start(mut rng: fastrand::Rng) -> Self {
        let environment = Environment::start(rng.fork());
        let openai = environment.url("/openai");
        let model = [("OPENAI_BASE_URL", openai.as_str()), ("OPENAI_API_KEY", "k")];
        let mut server = TestServer::with_config_and_env(CONFIG, &model).await;
        server.kill().await;
        Self { environment, server, submissions: Vec::new(), checkpoints: Checkpoints::default(), rng }
    }

    /// Starts the process, submits new jobs beside the unfinished ones, and crashes it.
    pub async fn round(&mut self, crash: &Crash) {
        match crash {
            Crash::At { point, passing } => self.crash_at(point, *passing).await,
            Crash::After { requests, pause } => self.crash_after(*requests, *pause).await,
        }
        self.environment.open_gate();
        self.checkpoints.record(&self.server.folder().join("data"), &self.environment.requests());
    }

    async fn crash_at(&mut self, point: &str, passing: u32) {
        // A job must run for a while before its lease is renewed, or it is released by a drain.
        let drains = point.starts_with("release");
        let gated = drains || point.starts_with("renew");
        if gated {
            self.environment.close_gate(self.submissions.len());
        }
        let first_new = self.add_submissions(gated);
        self.server.set_env("OPILIO_FAULT", &format!("{point}:{passing}"));
        self.server.restart().await;
        for submission in &mut self.submissions {
            submission.submit(&self.server).await;
        }
        if drains {
            let pages: Vec<_> = self.submissions[first_new..].iter().flat_map(Submission::pages).collect();
            let running = tokio::select! {
                () = self.environment.wait_for_pages(&pages) => true,
                // A suspect that has to wait is released without a drain.
                _ = self.server.wait_for_exit() => false,
            };
            if running {
                self.server.send_sigterm();
            }
        }
        self.reach(point).await;
        let exit = timeout(DEADLINE, self.server.wait_for_exit()).await;
        let status = exit.unwrap_or_else(|_| panic!("{point} was not passed {passing} times"));
        assert!(!status.success(), "{point} was not passed {passing} times before the end of the drain");
    }

    /// Sends the requests that lead to fault points other than those of a job's life.
    async fn reach(&self, point: &str) {
        let newest: Vec<_> =
            self.submissions.iter().rev().filter_map(|submission| submission.id.clone()).take(3).collect();
        for id in &newest {
            match point.split('.').next() {
                Some("cancel") => drop(self.server.try_delete(&format!("/crawl/job/{id}")).await),
                Some("replay") => drop(self.server.try_post(&format!("/jobs/{id}/deliveries"), Value::Null).await),
                Some("replay_all") => drop(self.server.try_post("/deliveries/replay", json!({})).await),
                _ => {}
            }
        }
    }

    async fn crash_after(&mut self, requests: u64, pause: Duration) {
        let first_new = self.add_submissions(false);
        self.server.set_env("OPILIO_FAULT", "");
        self.server.restart().await;
        let cancels = self.rng.u8(..4) == 0;
        let crash = async {
            self.environment.wait_for_requests(requests).await;
            sleep(pause).await;
        };
        let work = async {
            for submission in &mut self.submissions {
                submission.submit(&self.server).await;
            }
            if let Some(id) = self.submissions[first_new].id.as_ref().filter(|_| cancels) {
                let _ = self.server.try_delete(&format!("/crawl/job/{id}")).await;
            }
            std::future::pending::<()>().await;
        };
        // The crash may interrupt a submission or a cancellation.
        tokio::select! { () = crash => {}, () = work => {} }
        self.server.kill().await;
    }

    /// Adds two crawls and an extraction. Returns the index of the first.
    fn add_submissions(&mut self, gated: bool) -> usize {
        let first = self.submissions.len();
        for _ in 0..2 {
            self.submissions.push(scenario::crawl(self.submissions.len(), gated, &self.environment));
        }
        self.submissions.push(scenario::extraction(self.submissions.len(), &self.environment));
        first
    }

    /// Starts the process without faults and compares the final state of all jobs with the recorded requests.
    pub async fn end(mut self) {
        self.environment.accept_all_webhooks();
        self.server.set_env("OPILIO_FAULT", "");
        self.server.restart().await;
        for submission in &mut self.submissions {
            submission.submit(&self.server).await;
        }
        let ids = self.submissions.iter().map(|submission| submission.id.clone());
        let ids: HashSet<_> = ids.map(|id| id.expect("a submission without faults is accepted")).collect();
        assert_eq!(ids.len(), self.submissions.len(), "two submissions became one job");
        self.environment.wait_for_webhooks(&ids).await;
        for id in &ids {
            let job = settled_and_delivered(&self.server, id).await;
            assert_settled_once(id, &job, &self.environment.requests().webhooks[id]);
        }
        let requests = self.environment.requests();
        assert!(requests.webhooks.keys().all(|id| ids.contains(id)), "a webhook names an unknown job");
        self.checkpoints.assert_not_repeated(&requests);
    }
}
