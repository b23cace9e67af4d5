//! The server under test: the real binary on a temporary store.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use opilio_actors::testing::until::{DEADLINE, until};
use tempfile::TempDir;

use crate::load::{Connection, get};

/// No configured limit bounds the load. The log level is WARN, so that logging is not measured.
const CONFIG: &str = "logging: {level: WARN}
crawler: {pages_per_host: 64, host_gap: 0s, pool: {max_pages: 64}}
limits: {queue: {maxsize: 0, per_principal: 0}}
webhooks: {max_in_flight: 256, max_in_flight_per_receiver: 256}
";

pub struct Server {
    child: Child,
    pub address: String,
    /// The working directory, if it is temporary.
    folder: Option<TempDir>,
}

impl Server {
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// Starts with the default limits and this configuration.
    pub fn configured(config: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut server = Self::launch(folder.path(), &format!("logging: {{level: WARN}}\n{config}"), &[]);
        server.folder = Some(folder);
        server
    }

    /// Starts with these environment variables.
    pub fn with(environment: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut server = Self::launch(folder.path(), CONFIG, environment);
        server.folder = Some(folder);
        server
    }

    /// Starts on the store in this folder. Returns the time from the start of the process to its first response as well.
    pub async fn on(folder: &Path) -> (Duration, Self) {
        let began = Instant::now();
        let server = Self::launch(folder, CONFIG, &[]);
        let mut connection = Connection::open(&server.address).await;
        assert_eq!(connection.request(&get("/health")).await.0, 200);
        (began.elapsed(), server)
    }

    fn launch(folder: &Path, config: &str, environment: &[(&str, &str)]) -> Self {
        std::fs::write(folder.join("config.yml"), config).expect("the folder is writable");
        let mut child = Command::new(env!("CARGO_BIN_EXE_opilio"))
            .args(["serve", "--port", "0"])
            .current_dir(folder)
            .envs(environment.iter().copied())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary is built");
        let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let first = lines.next().expect("the server starts").expect("text");
        let address = first.strip_prefix("listening on http://").expect("the first line names the address").to_owned();
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, address, folder: None }
    }

    /// Resident memory in MB.
    pub fn memory(&self) -> f64 {
        self.memory_field("VmRSS:")
    }

    /// The largest resident memory so far, in MB.
    pub fn peak_memory(&self) -> f64 {
        self.memory_field("VmHWM:")
    }

    fn memory_field(&self, name: &str) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("the process runs");
        let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("the field exists");
        let kib: f64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
        kib / 1024.0
    }

    /// Waits until this number of jobs is settled in total.
    pub async fn settled(&self, count: usize) {
        let mut connection = Connection::open(&self.address).await;
        let evaluate = async || {
            let (_, body) = connection.request(&get("/metrics")).await;
            let text = String::from_utf8_lossy(body);
            let counts = text.lines().filter_map(|line| line.strip_prefix("opilio_jobs_settled_total{"));
            let sum: usize = counts.filter_map(|line| line.rsplit(' ').next()?.parse::<usize>().ok()).sum();
            if sum >= count { Ok(()) } else { Err(sum) }
        };
        until(evaluate, 10 * DEADLINE).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
