//! A redis-server of the benchmark's own.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use opilio::stores::StoreSettings;
use opilio::stores::redis::{ConnectionSettings, RedisStore};
use opilio_actors::testing::contract::RETENTION;
use redis::Client;
use tempfile::TempDir;

use crate::opilio::Server;

/// The persistence of the compose stack.
pub const DURABLE: &[&str] = &["--appendonly", "yes", "--appendfsync", "always"];
/// No persistence.
pub const IN_MEMORY: &[&str] = &["--appendonly", "no"];

pub struct Redis {
    child: Child,
    pub port: String,
    client: Client,
    _folder: TempDir,
}

impl Redis {
    pub fn start(options: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let free = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port");
        let (port, socket) = (free.port().to_string(), folder.path().join("redis.sock"));
        let mut child = Command::new("redis-server")
            .args(["--save", "", "--bind", "127.0.0.1", "--port", &port, "--dir"])
            .arg(folder.path())
            .arg("--unixsocket")
            .arg(&socket)
            .args(options)
            .stdout(Stdio::piped())
            .spawn()
            .expect("redis-server must be installed (`make tools`; Debian: apt-get install redis-server)");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let ready = lines.any(|line| line.is_ok_and(|line| line.contains("now ready to accept connections")));
        assert!(ready, "redis-server starts");
        std::thread::spawn(move || lines.for_each(drop));
        let client = Client::open(format!("unix://{}", socket.display())).expect("an address");
        Self { child, port, client, _folder: folder }
    }

    /// A store with the nodes' settings.
    pub fn store(&self) -> RedisStore {
        let settings = StoreSettings { retention: RETENTION, max_queued: None, max_per_principal: None };
        RedisStore::new(&self.client, ConnectionSettings::new(4, 4), "opilio", settings).expect("a client")
    }

    /// An Opilio server on this Redis.
    pub fn node(&self) -> Server {
        Server::with(&[("REDIS_HOST", "127.0.0.1"), ("REDIS_PORT", &self.port)])
    }

    /// Redis' memory in bytes.
    pub fn memory(&self) -> f64 {
        let mut connection = self.client.get_connection().expect("a connection");
        let info: String = redis::cmd("INFO").arg("memory").query(&mut connection).expect("a reply");
        let used = info.lines().find_map(|line| line.strip_prefix("used_memory:")).expect("used_memory");
        used.trim().parse().expect("a number")
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
