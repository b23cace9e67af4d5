//! A scripted HTTP server for tests: it responds, stalls, resets the connection, or never ends.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls::RootCertStore;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use super::client::{Egress, EgressSettings};
use super::guard::Guard;
use super::resolver::Lookup;

/// A request that the server received.
#[derive(Clone, Debug, Default)]
pub struct Received {
    pub method: String,
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Received {
    /// The first value of the header; `name` in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }
}

/// Reaction of the server to a request.
pub enum Reply {
    /// Sends this and waits for the next request.
    Bytes(Vec<u8>),
    /// Sends this, then nothing more.
    Stall(Vec<u8>),
    /// Sends this and closes.
    Close(Vec<u8>),
    /// Resets the connection.
    Reset,
    /// Sends the first part, then repeats the second as fast as the client reads.
    Endless(Vec<u8>, Vec<u8>),
    /// Sends the first part, then one byte of the second per interval.
    Drip(Vec<u8>, Vec<u8>, Duration),
}

/// A response with `Content-Length`.
pub fn response(status: u16, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Reply {
    let body = body.as_ref();
    let mut bytes = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n", body.len()).into_bytes();
    for (name, value) in headers {
        bytes.extend(format!("{name}: {value}\r\n").bytes());
    }
    bytes.extend(b"\r\n");
    bytes.extend(body);
    Reply::Bytes(bytes)
}

/// A redirect without a body.
pub fn redirect(status: u16, location: &str) -> Reply {
    response(status, &[("location", location)], "")
}

type Script = Arc<dyn Fn(&Received) -> Reply + Send + Sync>;

/// Listens until it is dropped.
pub struct TestServer {
    address: SocketAddr,
    scheme: &'static str,
    received: Arc<Mutex<Vec<Received>>>,
    sent: Arc<AtomicU64>,
    task: JoinHandle<()>,
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl TestServer {
    pub async fn start(script: impl Fn(&Received) -> Reply + Send + Sync + 'static) -> Self {
        Self::start_on([127, 0, 0, 1].into(), None, script).await
    }

    pub async fn start_on(
        ip: IpAddr,
        tls: Option<TlsAcceptor>,
        script: impl Fn(&Received) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind((ip, 0)).await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let (received, sent) = (Arc::<Mutex<Vec<Received>>>::default(), Arc::<AtomicU64>::default());
        let scheme = if tls.is_some() { "https" } else { "http" };
        let connection = Connection { script: Arc::new(script), received: received.clone(), sent: sent.clone() };
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (connection, tls) = (connection.clone(), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => connection.serve(stream, |stream: TcpStream| drop(stream.set_zero_linger())).await,
                        Some(tls) => match tls.accept(stream).await {
                            Ok(stream) => connection.serve(stream, |_| ()).await,
                            Err(_) => None,
                        },
                    }
                });
            }
        });
        Self { address, scheme, received, sent, task }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}://{}{path}", self.scheme, self.address)
    }

    pub fn received(&self) -> Vec<Received> {
        self.received.lock().expect("not poisoned").clone()
    }

    /// Bytes sent as endless bodies.
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::SeqCst)
    }
}

#[derive(Clone)]
struct Connection {
    script: Script,
    received: Arc<Mutex<Vec<Received>>>,
    sent: Arc<AtomicU64>,
}

impl Connection {
    async fn serve<S: AsyncRead + AsyncWrite + Unpin>(self, mut stream: S, reset: impl FnOnce(S)) -> Option<()> {
        loop {
            let request = read_request(&mut stream).await?;
            self.received.lock().expect("not poisoned").push(request.clone());
            match (self.script)(&request) {
                Reply::Bytes(bytes) => stream.write_all(&bytes).await.ok()?,
                Reply::Close(bytes) => return stream.write_all(&bytes).await.ok(),
                Reply::Stall(bytes) => {
                    stream.write_all(&bytes).await.ok()?;
                    return stream.read_u8().await.ok().map(drop);
                }
                Reply::Reset => {
                    reset(stream);
                    return None;
                }
                Reply::Endless(head, piece) => {
                    stream.write_all(&head).await.ok()?;
                    loop {
                        stream.write_all(&piece).await.ok()?;
                        self.sent.fetch_add(piece.len() as u64, Ordering::SeqCst);
                    }
                }
                Reply::Drip(head, body, interval) => {
                    stream.write_all(&head).await.ok()?;
                    for byte in body {
                        tokio::time::sleep(interval).await;
                        stream.write_all(&[byte]).await.ok()?;
                    }
                }
            }
        }
    }
}

async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> Option<Received> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).expect("a request in ASCII");
    let mut lines = head.lines();
    let mut first = lines.next()?.split(' ').map(str::to_owned);
    let mut request = Received { method: first.next()?, path: first.next()?, ..Received::default() };
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        request.headers.push((name.to_ascii_lowercase(), value.to_owned()));
    }
    let length = request.header("content-length").map_or(0, |length| length.parse().expect("a number"));
    request.body = vec![0; length];
    stream.read_exact(&mut request.body).await.ok()?;
    Some(request)
}

/// A DNS with the given names only.
#[derive(Clone, Debug, Default)]
pub struct FakeDns(pub HashMap<&'static str, Vec<IpAddr>>);

impl Lookup for FakeDns {
    fn lookup(&self, name: String) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>> {
        let found = self.0.get(name.as_str()).cloned();
        Box::pin(async move { Ok(found.unwrap_or_default()) })
    }
}

/// A client with the given names and CA certificates.
pub fn egress(guard: Guard, names: &[(&'static str, &str)], roots: RootCertStore) -> Egress {
    let mut dns = FakeDns::default();
    for (name, address) in names {
        dns.0.entry(name).or_default().push(address.parse().expect("an address"));
    }
    let settings = EgressSettings { connect_timeout: Duration::from_secs(2), ..EgressSettings::default() };
    Egress::assemble(guard, &settings, Arc::new(dns), roots).expect("clients")
}
