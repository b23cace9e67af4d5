//! A redis-server of the tests' own.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use redis::{Client, RedisConnectionInfo};
use tempfile::TempDir;

/// A redis-server on a Unix socket in a temporary directory; killed when dropped.
pub struct RedisServer {
    child: Child,
    socket: String,
    _directory: TempDir,
}

impl RedisServer {
    pub fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("redis.sock").display().to_string();
        let mut child = Command::new("redis-server")
            .args(["--port", "0", "--save", "", "--unixsocket", &socket, "--dir"])
            .arg(directory.path())
            .stdout(Stdio::piped())
            .spawn()
            .expect("redis-server must be installed (`make tools`; Debian: apt-get install redis-server)");
        let mut log = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        while !line.contains("now ready to accept connections") {
            line.clear();
            assert!(log.read_line(&mut line).unwrap() > 0, "redis-server exited");
        }
        std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
        Self { child, socket, _directory: directory }
    }

    pub fn client(&self) -> Client {
        Client::open(format!("unix://{}", self.socket)).unwrap()
    }

    pub fn client_as(&self, user: &str, password: &str) -> Client {
        let login = RedisConnectionInfo::default().set_username(user).set_password(password);
        let target = self.client().get_connection_info().clone().set_redis_settings(login);
        Client::open(target).unwrap()
    }

    /// Runs a command with redis-cli and returns its output.
    pub fn execute(&self, command: &[&str]) -> String {
        let output = Command::new("redis-cli").args(["-e", "-s", &self.socket]).args(command).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        assert!(output.status.success(), "{command:?}: {text}");
        text
    }

    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").args([format!("-{name}"), self.child.id().to_string()]).status();
        assert!(status.unwrap().success());
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        // It may have exited already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
