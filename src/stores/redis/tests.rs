//! The store contract on a Redis of the tests' own, and what only a store on Redis can get wrong.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use opilio_actors::ports::JobStore;
use opilio_actors::testing::contract::{Harness, RETENTION};
use redis::Client;
use tempfile::TempDir;

use super::{RedisStore, StoreSettings};

/// The store's time, moved by the harness alone: it stands still between.
const CLOCK: &str = "local function now() return tonumber(call('GET', P .. 'clock')) end";

/// Stopped when dropped.
struct Redis {
    child: Child,
    socket: String,
    _folder: TempDir,
}

impl Redis {
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let socket = folder.path().join("redis.sock").display().to_string();
        let mut child = Command::new("redis-server")
            .args(["--port", "0", "--save", "", "--unixsocket", &socket, "--dir"])
            .arg(folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .expect("redis-server is there (`make tools` brings it; Debian: apt-get install redis-server)");
        let mut log = std::io::BufReader::new(child.stdout.take().expect("it is piped"));
        let mut line = String::new();
        while !line.contains("now ready to accept connections") {
            line.clear();
            assert!(std::io::BufRead::read_line(&mut log, &mut line).expect("it is text") > 0, "redis-server starts");
        }
        std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
        Self { child, socket, _folder: folder }
    }

    fn client(&self) -> Client {
        Client::open(format!("unix://{}", self.socket)).expect("an address")
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct OnRedis {
    store: RedisStore,
    redis: Redis,
}

impl OnRedis {
    fn new() -> Self {
        let redis = Redis::start();
        let mut line = redis.client().get_connection().expect("it has started");
        redis::cmd("SET").arg("{test}:clock").arg(1_761_042_600_000_000_u64).exec(&mut line).expect("it is empty");
        let settings = StoreSettings { retention: RETENTION, max_queued: Some(1000), max_per_principal: None };
        let store = RedisStore::with_clock(&redis.client(), 2, "test", settings, Some(CLOCK)).expect("a client");
        Self { store, redis }
    }
}

impl Harness for OnRedis {
    fn store(&self) -> &dyn JobStore {
        &self.store
    }

    async fn let_time_pass(&self, time: Duration) {
        let mut line = self.redis.client().get_connection().expect("it has started");
        let micros = u64::try_from(time.as_micros()).expect("tests do not wait for ages");
        redis::cmd("INCRBY").arg("{test}:clock").arg(micros).exec(&mut line).expect("it is there");
    }
}

opilio_actors::store_contract!(OnRedis::new());
