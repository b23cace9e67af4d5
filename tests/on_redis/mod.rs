//! A redis-server of the tests' own, and wires to it.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, UnixStream};
use tokio::sync::watch;

use crate::house::Server;

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
    pub async fn server(&self, environment: &[(&str, &str)]) -> Server {
        self.server_by(&self.wire(), environment).await
    }

    pub async fn server_by(&self, wire: &Wire, environment: &[(&str, &str)]) -> Server {
        let here = [("REDIS_HOST", "127.0.0.1"), ("REDIS_PORT", wire.port.as_str()), LEASE];
        Server::start_with(&[&here[..], environment].concat()).await
    }

    pub fn wire(&self) -> Wire {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.set_nonblocking(true).expect("a socket");
        let port = listener.local_addr().expect("it is bound").port().to_string();
        let socket = self.folder.path().join("redis.sock");
        let whole = watch::channel(true).0;
        let state = whole.clone();
        actix::spawn(async move {
            let listener = TcpListener::from_std(listener).expect("a runtime");
            while let Ok((mut near, _)) = listener.accept().await {
                let (socket, mut state) = (socket.clone(), state.subscribe());
                actix::spawn(async move {
                    if !*state.borrow_and_update() {
                        return;
                    }
                    let Ok(mut far) = UnixStream::connect(socket).await else { return };
                    tokio::select! {
                        _ = copy_bidirectional(&mut near, &mut far) => {}
                        _ = state.wait_for(|whole| !whole) => {}
                    }
                });
            }
        });
        Wire { port, whole }
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
        let done =
            Command::new("redis-cli").arg("-s").arg(self.folder.path().join("redis.sock")).arg("FLUSHALL").output();
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
    pub fn cut(&self) {
        self.whole.send_replace(false);
    }

    pub fn mend(&self) {
        self.whole.send_replace(true);
    }
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
