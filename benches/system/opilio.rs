//! The server under test: the real binary on a store of its own.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::load::{Connection, get};

/// Nothing bounds the load but the server itself; the log is quiet, so that no reader of it is measured.
const CONFIG: &str = "logging: {level: WARN}
crawler: {pages_per_host: 64, host_gap: 0s, pool: {max_pages: 64}}
limits: {queue: {maxsize: 0, per_principal: 0}}
webhooks: {max_in_flight: 256, max_in_flight_per_receiver: 256}
";

pub struct Server {
    child: Child,
    pub address: String,
    /// Where it is one of its own.
    folder: Option<TempDir>,
}

impl Server {
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// With these variables in its environment.
    pub fn with(environment: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut server = Self::launch(folder.path(), environment);
        server.folder = Some(folder);
        server
    }

    /// On the store in this folder; and the time from the start of the process to its first answer.
    pub async fn on(folder: &Path) -> (Duration, Self) {
        let began = Instant::now();
        let server = Self::launch(folder, &[]);
        let mut connection = Connection::open(&server.address).await;
        assert_eq!(connection.ask(&get("/health")).await.0, 200);
        (began.elapsed(), server)
    }

    fn launch(folder: &Path, environment: &[(&str, &str)]) -> Self {
        std::fs::write(folder.join("config.yml"), CONFIG).expect("the folder is ours");
        let mut child = Command::new(env!("CARGO_BIN_EXE_opilio"))
            .args(["serve", "--port", "0"])
            .current_dir(folder)
            .envs(environment.iter().copied())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary is built");
        let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let first = lines.next().expect("it starts").expect("text");
        let address = first.strip_prefix("listening on http://").expect("the first line says where").to_owned();
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, address, folder: None }
    }

    /// Resident memory in MB.
    pub fn memory(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("Linux says so");
        let kib: f64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
        kib / 1024.0
    }

    /// Until so many jobs in all are settled.
    pub async fn settled(&self, count: usize) {
        let mut connection = Connection::open(&self.address).await;
        loop {
            let (_, body) = connection.ask(&get("/metrics")).await;
            let text = String::from_utf8_lossy(body);
            let counts = text.lines().filter_map(|line| line.strip_prefix("opilio_jobs_settled_total{"));
            let sum: usize = counts.filter_map(|line| line.rsplit(' ').next()?.parse::<usize>().ok()).sum();
            if sum >= count {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
