//! The real binary on a Redis.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::server::Redis;

/// Nothing bounds the load but the server itself; the log is quiet, so that no reader of it is measured.
const CONFIG: &str = "logging: {level: ERROR}
crawler: {pages_per_host: 64, host_gap: 0s, pool: {max_pages: 64}}
limits: {queue: {maxsize: 0, per_principal: 0}}
";

pub struct Node {
    child: Child,
    pub address: String,
    _folder: TempDir,
}

impl Node {
    pub fn start(redis: &Redis) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(folder.path().join("config.yml"), CONFIG).expect("the folder is ours");
        let mut child = Command::new(env!("CARGO_BIN_EXE_opilio"))
            .args(["serve", "--port", "0"])
            .current_dir(folder.path())
            .envs([("REDIS_HOST", "127.0.0.1"), ("REDIS_PORT", redis.port.as_str())])
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary is built");
        let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let first = lines.next().expect("it starts").expect("text");
        let address = first.strip_prefix("listening on http://").expect("the first line says where").to_owned();
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, address, _folder: folder }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
