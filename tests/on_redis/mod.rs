//! A redis-server of the tests' own, and proxies to it.
#![allow(dead_code, reason = "no test binary uses all of it")]

mod proxy;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::support::TestServer;

pub use proxy::Proxy;

/// Jobs of a killed server can be claimed after this time.
const LEASE: (&str, &str) = ("OPILIO__JOBS__LEASE", "1s");

/// A redis-server on a Unix socket in a directory of its own; killed when dropped.
pub struct Redis {
    directory: TempDir,
    options: Vec<String>,
    child: Child,
}

impl Redis {
    /// Starts with the safest persistence.
    pub fn start() -> Self {
        Self::start_with(&["--appendonly", "yes", "--appendfsync", "always"])
    }

    pub fn start_with(options: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let options: Vec<String> = options.iter().map(|option| (*option).to_owned()).collect();
        let child = launch(directory.path(), &options);
        Self { directory, options, child }
    }

    /// Starts an Opilio server on this Redis.
    pub async fn server(&self, environment: &[(&str, &str)]) -> TestServer {
        self.server_through(&self.proxy(), environment).await
    }

    pub async fn server_through(&self, proxy: &Proxy, environment: &[(&str, &str)]) -> TestServer {
        TestServer::with_env(&[&proxy.variables()[..], &[LEASE], environment].concat()).await
    }

    pub fn proxy(&self) -> Proxy {
        Proxy::to(self.socket(), None)
    }

    /// A proxy that replaces text in Redis' responses by text of the same length.
    pub fn proxy_that_replaces(&self, from: &'static str, to: &'static str) -> Proxy {
        Proxy::to(self.socket(), Some((from, to)))
    }

    pub fn signal(&self, name: &str) {
        signal(self.child.id(), name);
    }

    /// Kills Redis with SIGKILL and starts it again on its files.
    pub fn restart(&mut self) {
        self.kill();
        self.child = launch(self.directory.path(), &self.options);
    }

    /// A copy of Redis' files.
    pub fn copy(&self) -> TempDir {
        let copy = tempfile::tempdir().unwrap();
        copy_directory(&self.append_only_directory(), copy.path());
        copy
    }

    /// Kills Redis with SIGKILL and starts it again on the copy.
    pub fn restart_on(&mut self, copy: &TempDir) {
        self.kill();
        std::fs::remove_dir_all(self.append_only_directory()).unwrap();
        copy_directory(&copy.path().join("appendonlydir"), self.directory.path());
        self.child = launch(self.directory.path(), &self.options);
    }

    /// Deletes all keys.
    pub fn flush(&self) {
        self.execute(&["FLUSHALL"]);
    }

    /// Runs a command with redis-cli.
    pub fn execute(&self, command: &[&str]) {
        let output = Command::new("redis-cli").arg("-e").arg("-s").arg(self.socket()).args(command).output().unwrap();
        assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stdout));
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn socket(&self) -> PathBuf {
        self.directory.path().join("redis.sock")
    }

    fn append_only_directory(&self) -> PathBuf {
        self.directory.path().join("appendonlydir")
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        // It may have exited already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a signal to a process.
pub fn signal(pid: u32, name: &str) {
    let status = Command::new("kill").args([format!("-{name}"), pid.to_string()]).status();
    assert!(status.unwrap().success());
}

fn copy_directory(from: &Path, into: &Path) {
    let status = Command::new("cp").arg("-r").arg(from).arg(into).status();
    assert!(status.unwrap().success());
}

fn launch(directory: &Path, options: &[String]) -> Child {
    let socket = directory.join("redis.sock");
    // A killed server leaves its socket.
    let _ = std::fs::remove_file(&socket);
    let mut child = Command::new("redis-server")
        .args(["--port", "0", "--save", "", "--unixsocket"])
        .arg(&socket)
        .arg("--dir")
        .arg(directory)
        .args(options)
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
    child
}
