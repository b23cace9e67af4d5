//! Receives the connections to all addresses and records their destinations. Responds with a page, or with the redirect that
//! the path encodes.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[derive(Clone, Default)]
pub struct Listener {
    destinations: Arc<Mutex<BTreeSet<SocketAddr>>>,
}

impl Listener {
    /// Listens on these ports of all addresses.
    pub fn start(ports: &[u16]) -> Self {
        let listener = Self::default();
        for port in ports {
            let socket = TcpListener::bind(("::", *port)).expect("a free port");
            socket.set_nonblocking(true).expect("a socket");
            let socket = tokio::net::TcpListener::from_std(socket).expect("a socket");
            let listener = listener.clone();
            actix::spawn(async move {
                while let Ok((stream, _)) = socket.accept().await {
                    listener.record(&stream);
                    actix::spawn(serve(stream));
                }
            });
        }
        listener
    }

    fn record(&self, stream: &TcpStream) {
        let local = stream.local_addr().expect("connected");
        let destination = SocketAddr::new(local.ip().to_canonical(), local.port());
        self.destinations.lock().expect("not poisoned").insert(destination);
    }

    /// The destinations of all connections so far.
    pub fn destinations(&self) -> BTreeSet<SocketAddr> {
        self.destinations.lock().expect("not poisoned").clone()
    }

    /// Asserts that there were connections, all of them to these addresses.
    pub fn assert_only(&self, addresses: &[&str]) {
        let allowed: Vec<IpAddr> = addresses.iter().map(|raw| raw.parse().expect("an address")).collect();
        let destinations = self.destinations();
        assert!(!destinations.is_empty(), "no connection was made");
        let forbidden: Vec<_> = destinations.iter().filter(|to| !allowed.contains(&to.ip())).collect();
        assert!(forbidden.is_empty(), "reached: {forbidden:?}");
    }
}

/// The path whose response redirects to exactly these bytes.
pub fn redirect(status: u16, target: &str) -> String {
    let digits: String = target.bytes().map(|byte| format!("{byte:02x}")).collect();
    format!("/redirect/{status}/{digits}")
}

async fn serve(mut stream: TcpStream) -> Option<()> {
    let (mut request, mut buffer) = (Vec::new(), [0; 4096]);
    let end = loop {
        let read = stream.read(&mut buffer).await.ok().filter(|read| *read > 0)?;
        request.extend_from_slice(&buffer[..read]);
        if let Some(end) = request.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
    };
    let head = String::from_utf8_lossy(&request[..end]).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut rest = length.map_or(0, |length| length.parse().unwrap_or(0)) + end - request.len();
    while rest > 0 {
        rest -= stream.read(&mut buffer).await.ok().filter(|read| *read > 0)?;
    }
    stream.write_all(&response(head.split(' ').nth(1)?)).await.ok()?;
    stream.shutdown().await.ok()
}

fn response(path: &str) -> Vec<u8> {
    let Some((status, digits)) = path.strip_prefix("/redirect/").and_then(|rest| rest.split_once('/')) else {
        let page = "<!DOCTYPE html><title>Reached</title><p>Reached</p>";
        let length = page.len();
        let head = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: text/html";
        return format!("{head}\r\ncontent-length: {length}\r\n\r\n{page}").into_bytes();
    };
    let mut response =
        format!("HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: 0\r\nlocation: ").into_bytes();
    let digits: Vec<_> = digits.bytes().collect();
    let byte = |pair: &[u8]| std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok());
    response.extend(digits.chunks(2).filter_map(byte));
    response.extend(b"\r\n\r\n");
    response
}
