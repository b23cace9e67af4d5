//! A TCP relay between a client and a server. Its connections can be closed and its target changed.
#![allow(dead_code, reason = "some test binaries use only a part")]

use std::sync::{Arc, Mutex};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

struct State {
    target: String,
    connections: JoinSet<()>,
}

pub struct Relay {
    base: String,
    state: Arc<Mutex<State>>,
}

impl Relay {
    /// `target`: a server's URL, as `http://host:port`.
    pub async fn start(target: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let base = format!("http://{}", listener.local_addr().expect("bound"));
        let state = Arc::new(Mutex::new(State { target: host(target), connections: JoinSet::new() }));
        let shared = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let mut state = shared.lock().expect("not poisoned");
                let target = state.target.clone();
                state.connections.spawn(async move {
                    if let Ok(mut server) = TcpStream::connect(target).await {
                        let _ = copy_bidirectional(&mut client, &mut server).await;
                    }
                });
            }
        });
        Self { base, state }
    }

    pub fn base(&self) -> &str {
        &self.base
    }

    /// Closes all connections. New ones are accepted.
    pub fn close_connections(&self) {
        self.state.lock().expect("not poisoned").connections.abort_all();
    }

    /// The target of new connections.
    pub fn set_target(&self, target: &str) {
        self.state.lock().expect("not poisoned").target = host(target);
    }
}

fn host(base: &str) -> String {
    base.trim_start_matches("http://").to_owned()
}
