//! A stretch of network between a client and a server that can be cut, and laid to another server.
#![allow(dead_code, reason = "each test binary needs its part of it")]

use std::sync::{Arc, Mutex};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

struct Stretch {
    to: String,
    connections: JoinSet<()>,
}

pub struct Relay {
    base: String,
    stretch: Arc<Mutex<Stretch>>,
}

impl Relay {
    /// `to`: a server's address, as `http://host:port`.
    pub async fn lay(to: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let base = format!("http://{}", listener.local_addr().expect("it is bound"));
        let stretch = Arc::new(Mutex::new(Stretch { to: host(to), connections: JoinSet::new() }));
        let shared = Arc::clone(&stretch);
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let mut stretch = shared.lock().expect("not poisoned");
                let to = stretch.to.clone();
                stretch.connections.spawn(async move {
                    if let Ok(mut far) = TcpStream::connect(to).await {
                        let _ = copy_bidirectional(&mut near, &mut far).await;
                    }
                });
            }
        });
        Self { base, stretch }
    }

    pub fn base(&self) -> &str {
        &self.base
    }

    /// Ends every connection; new ones are let through.
    pub fn cut(&self) {
        self.stretch.lock().expect("not poisoned").connections.abort_all();
    }

    /// Where connections lead from now on.
    pub fn lead_to(&self, to: &str) {
        self.stretch.lock().expect("not poisoned").to = host(to);
    }
}

fn host(base: &str) -> String {
    base.trim_start_matches("http://").to_owned()
}
