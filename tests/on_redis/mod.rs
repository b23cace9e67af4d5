//! A redis-server of the tests' own, and wires to it.
#![allow(dead_code, reason = "each test binary needs its part of it")]

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::watch;

use crate::support::TestServer;

/// What a killed server holds is free after this time.
const LEASE: (&str, &str) = ("OPILIO__JOBS__LEASE", "1s");

/// Listens on a socket in a folder of its own, so that no port can be taken; ended when dropped.
pub struct Redis {
    folder: TempDir,
    options: Vec<String>,
    child: Child,
}

impl Redis {
    /// As safe as Redis can be.
    pub fn start() -> Self {
        Self::start_with(&["--appendonly", "yes", "--appendfsync", "always"])
    }

    pub fn start_with(options: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let options: Vec<String> = options.iter().map(|option| (*option).to_owned()).collect();
        let child = launch(&folder, &options);
        Self { folder, options, child }
    }

    /// A server whose wire to Redis is whole.
    pub async fn server(&self, environment: &[(&str, &str)]) -> TestServer {
        self.server_by(&self.wire(), environment).await
    }

    pub async fn server_by(&self, wire: &Wire, environment: &[(&str, &str)]) -> TestServer {
        TestServer::with_env(&[&wire.variables()[..], &[LEASE], environment].concat()).await
    }

    pub fn wire(&self) -> Wire {
        Wire::to(self.folder.path().join("redis.sock"), None)
    }

    /// One that puts words into Redis' mouth, of the same length as its own.
    pub fn wire_that_says(&self, own: &'static str, other: &'static str) -> Wire {
        Wire::to(self.folder.path().join("redis.sock"), Some((own, other)))
    }

    pub fn signal(&self, name: &str) {
        signal(self.child.id(), name);
    }

    /// kill -9, and again on what it kept.
    pub fn restart(&mut self) {
        self.child.kill().expect("it was running");
        self.child.wait().expect("it was running");
        self.child = launch(&self.folder, &self.options);
    }

    /// What it has on its disk now.
    pub fn copy(&self) -> TempDir {
        let copy = tempfile::tempdir().expect("a temporary folder");
        let done = Command::new("cp").arg("-r").arg(self.kept()).arg(copy.path()).status();
        assert!(done.expect("cp is there").success());
        copy
    }

    /// kill -9, and again on what it kept when this copy was made.
    pub fn restart_on(&mut self, copy: &TempDir) {
        self.child.kill().expect("it was running");
        self.child.wait().expect("it was running");
        std::fs::remove_dir_all(self.kept()).expect("the folder is ours");
        let done = Command::new("cp").arg("-r").arg(copy.path().join("appendonlydir")).arg(self.folder.path()).status();
        assert!(done.expect("cp is there").success());
        self.child = launch(&self.folder, &self.options);
    }

    fn kept(&self) -> PathBuf {
        self.folder.path().join("appendonlydir")
    }

    /// Redis forgets everything.
    pub fn flush(&self) {
        self.tell(&["FLUSHALL"]);
    }

    pub fn tell(&self, command: &[&str]) {
        let mut client = Command::new("redis-cli");
        let done = client.arg("-s").arg(self.folder.path().join("redis.sock")).args(command).output();
        assert!(done.expect("it comes with redis-server").status.success());
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Between one server and Redis.
pub struct Wire {
    port: String,
    whole: watch::Sender<bool>,
}

impl Wire {
    fn to(socket: PathBuf, lie: Option<(&'static str, &'static str)>) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.set_nonblocking(true).expect("a socket");
        let port = listener.local_addr().expect("it is bound").port().to_string();
        let whole = watch::channel(true).0;
        let state = whole.clone();
        actix::spawn(async move {
            let listener = TcpListener::from_std(listener).expect("a runtime");
            while let Ok((near, _)) = listener.accept().await {
                let (socket, mut state) = (socket.clone(), state.subscribe());
                actix::spawn(async move {
                    if !*state.borrow_and_update() {
                        return;
                    }
                    let Ok(far) = UnixStream::connect(socket).await else { return };
                    tokio::select! {
                        () = carry(near, far, lie) => {}
                        _ = state.wait_for(|whole| !whole) => {}
                    }
                });
            }
        });
        Self { port, whole }
    }

    /// What tells a server to use it.
    pub fn variables(&self) -> [(&'static str, &str); 2] {
        [("REDIS_HOST", "127.0.0.1"), ("REDIS_PORT", &self.port)]
    }

    pub fn cut(&self) {
        self.whole.send_replace(false);
    }

    pub fn mend(&self) {
        self.whole.send_replace(true);
    }
}

/// Until one of the two ends it.
async fn carry(mut near: TcpStream, mut far: UnixStream, lie: Option<(&str, &str)>) {
    let Some((own, other)) = lie else { return drop(copy_bidirectional(&mut near, &mut far).await) };
    let (mut from_near, mut to_near) = near.split();
    let (mut from_far, mut to_far) = far.split();
    let back = async {
        let mut said = Vec::with_capacity(1 << 16);
        while from_far.read_buf(&mut said).await.is_ok_and(|bytes| bytes > 0) {
            if let Some(place) = said.windows(own.len()).position(|words| words == own.as_bytes()) {
                said[place..place + other.len()].copy_from_slice(other.as_bytes());
            }
            if to_near.write_all(&said).await.is_err() {
                return;
            }
            said.clear();
        }
    };
    tokio::select! { _ = copy(&mut from_near, &mut to_far) => {}, () = back => {} }
}

pub fn signal(pid: u32, name: &str) {
    let sent = Command::new("kill").args([format!("-{name}"), pid.to_string()]).status();
    assert!(sent.expect("kill is there").success());
}

fn launch(folder: &TempDir, options: &[String]) -> Child {
    let socket = folder.path().join("redis.sock");
    // What a killed one left.
    let _ = std::fs::remove_file(&socket);
    let mut child = Command::new("redis-server")
        .args(["--port", "0", "--save", "", "--unixsocket"])
        .arg(&socket)
        .arg("--dir")
        .arg(folder.path())
        .args(options)
        .stdout(Stdio::piped())
        .spawn()
        .expect("redis-server is there (`make tools` brings it; Debian: apt-get install redis-server)");
    let mut log = BufReader::new(child.stdout.take().expect("it is piped"));
    let mut line = String::new();
    while !line.contains("now ready to accept connections") {
        line.clear();
        assert!(log.read_line(&mut line).expect("it is text") > 0, "redis-server starts");
    }
    std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
    child
}
