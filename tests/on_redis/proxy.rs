//! A TCP proxy in front of Redis that can be cut.

use std::path::PathBuf;

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::watch;

/// A proxy between one server and Redis.
pub struct Proxy {
    port: String,
    connected: watch::Sender<bool>,
}

impl Proxy {
    pub fn to(socket: PathBuf, replacement: Option<(&'static str, &'static str)>) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port().to_string();
        let connected = watch::channel(true).0;
        let state = connected.clone();
        actix::spawn(async move {
            let listener = TcpListener::from_std(listener).unwrap();
            while let Ok((client, _)) = listener.accept().await {
                let (socket, mut state) = (socket.clone(), state.subscribe());
                actix::spawn(async move {
                    if !*state.borrow_and_update() {
                        return;
                    }
                    let Ok(redis) = UnixStream::connect(socket).await else { return };
                    tokio::select! {
                        () = forward(client, redis, replacement) => {}
                        _ = state.wait_for(|connected| !connected) => {}
                    }
                });
            }
        });
        Self { port, connected }
    }

    /// The environment of a server that uses this proxy.
    pub fn variables(&self) -> [(&'static str, &str); 2] {
        [("REDIS_HOST", "127.0.0.1"), ("REDIS_PORT", &self.port)]
    }

    /// Closes all connections and rejects new ones.
    pub fn cut(&self) {
        self.connected.send_replace(false);
    }

    /// Accepts connections again.
    pub fn restore(&self) {
        self.connected.send_replace(true);
    }
}

/// Forwards until one side closes the connection.
async fn forward(mut client: TcpStream, mut redis: UnixStream, replacement: Option<(&str, &str)>) {
    let Some((from, to)) = replacement else { return drop(copy_bidirectional(&mut client, &mut redis).await) };
    let (mut from_client, mut to_client) = client.split();
    let (mut from_redis, mut to_redis) = redis.split();
    let responses = async {
        let mut response = Vec::with_capacity(1 << 16);
        while from_redis.read_buf(&mut response).await.is_ok_and(|bytes| bytes > 0) {
            if let Some(position) = response.windows(from.len()).position(|text| text == from.as_bytes()) {
                response[position..position + to.len()].copy_from_slice(to.as_bytes());
            }
            if to_client.write_all(&response).await.is_err() {
                return;
            }
            response.clear();
        }
    };
    tokio::select! { _ = copy(&mut from_client, &mut to_redis) => {}, () = responses => {} }
}
