//! The SOCKS5 proxy of one page (RFC 1928): listens on loopback and opens connections through the page's network.
//!
//! Only `CONNECT` without authentication is supported. The listener identifies the page, so each page has its own. Another
//! program on this machine that finds the port reaches only what the page reaches, while the page is open.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, Semaphore};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

use crate::egress::{EgressError, PageConnection, PageNetwork};

/// Time for the browser to send its request.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Open connections of one page.
const MAX_OPEN: usize = 256;

const VERSION: u8 = 5;
const CONNECT: u8 = 1;
const SUCCEEDED: u8 = 0;
const NOT_ALLOWED: u8 = 2;
const HOST_UNREACHABLE: u8 = 4;
const COMMAND_NOT_SUPPORTED: u8 = 7;

/// Closed, with all of its connections, when dropped.
pub struct SocksProxy {
    port: u16,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

struct Shared {
    network: PageNetwork,
    max_bytes: u64,
    received: AtomicU64,
    refused: AtomicU64,
    is_exceeded: AtomicBool,
    exceeded: Notify,
    open: Arc<Semaphore>,
}

impl SocksProxy {
    /// `max_bytes`: bytes that the page may receive in all.
    pub async fn start(network: PageNetwork, max_bytes: u64) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        network.own_ports().add(port);
        let shared = Arc::new(Shared {
            network,
            max_bytes,
            received: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            is_exceeded: AtomicBool::new(false),
            exceeded: Notify::new(),
            open: Arc::new(Semaphore::new(MAX_OPEN)),
        });
        let task = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Ok(Self { port, shared, task })
    }

    /// As Chromium takes it.
    pub fn url(&self) -> String {
        format!("socks5://127.0.0.1:{}", self.port)
    }

    pub fn network(&self) -> &PageNetwork {
        &self.shared.network
    }

    /// Connections that the guard refused.
    pub fn refused(&self) -> u64 {
        self.shared.refused.load(Ordering::Relaxed)
    }

    /// Returns once the page has received more than its limit.
    pub async fn exceeded(&self) {
        let notified = self.shared.exceeded.notified();
        if !self.shared.is_exceeded.load(Ordering::Acquire) {
            notified.await;
        }
    }
}

impl Drop for SocksProxy {
    fn drop(&mut self) {
        self.task.abort();
        self.shared.network.own_ports().remove(self.port);
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        let Ok(permit) = Arc::clone(&shared.open).acquire_owned().await else { return };
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    let shared = Arc::clone(&shared);
                    connections.spawn(async move {
                        // The error was sent to the browser, or the browser closed the connection.
                        let _ = serve(stream, &shared).await;
                        drop(permit);
                    });
                }
                // Too many open files: some will be closed.
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve(mut browser: TcpStream, shared: &Shared) -> io::Result<()> {
    let request = timeout(HANDSHAKE, handshake(&mut browser)).await??;
    let Some((host, port)) = request else { return reply(&mut browser, COMMAND_NOT_SUPPORTED).await };
    match shared.network.connect(&host, port).await {
        Ok(PageConnection { stream, revoked }) => {
            reply(&mut browser, SUCCEEDED).await?;
            let revoked = async {
                match revoked {
                    Some(mut revoked) => drop(revoked.wait_for(|revoked| *revoked).await),
                    None => std::future::pending().await,
                }
            };
            tokio::select! { result = relay(browser, stream, shared) => result, () = revoked => Ok(()) }
        }
        Err(EgressError::Blocked) => {
            shared.refused.fetch_add(1, Ordering::Relaxed);
            reply(&mut browser, NOT_ALLOWED).await
        }
        Err(_) => reply(&mut browser, HOST_UNREACHABLE).await,
    }
}

/// The host and port that the browser asks for; `None` if it asks for another command than `CONNECT`.
async fn handshake(browser: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> io::Result<Option<(String, u16)>> {
    let malformed = || io::Error::from(io::ErrorKind::InvalidData);
    let [version, methods] = read(browser).await?;
    if version != VERSION {
        return Err(malformed());
    }
    browser.read_exact(&mut vec![0; methods.into()]).await?;
    browser.write_all(&[VERSION, 0]).await?;
    let [version, command, _, kind] = read(browser).await?;
    if version != VERSION {
        return Err(malformed());
    }
    let host = match kind {
        1 => IpAddr::from(Ipv4Addr::from(read::<4>(browser).await?)).to_string(),
        4 => IpAddr::from(Ipv6Addr::from(read::<16>(browser).await?)).to_string(),
        3 => {
            let [length] = read(browser).await?;
            let mut name = vec![0; length.into()];
            browser.read_exact(&mut name).await?;
            String::from_utf8(name).map_err(|_| malformed())?
        }
        _ => return Err(malformed()),
    };
    let port = u16::from_be_bytes(read(browser).await?);
    Ok((command == CONNECT).then_some((host, port)))
}

async fn read<const N: usize>(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    stream.read_exact(&mut bytes).await?;
    Ok(bytes)
}

async fn reply(browser: &mut (impl AsyncWrite + Unpin), code: u8) -> io::Result<()> {
    browser.write_all(&[VERSION, code, 0, 1, 0, 0, 0, 0, 0, 0]).await
}

/// Copies in both directions until both have ended, either fails, or the page has received too much.
async fn relay(browser: TcpStream, server: TcpStream, shared: &Shared) -> io::Result<()> {
    let ((mut from_browser, mut to_browser), (mut from_server, mut to_server)) =
        (browser.into_split(), server.into_split());
    let up = async {
        tokio::io::copy(&mut from_browser, &mut to_server).await?;
        to_server.shutdown().await
    };
    let down = async {
        let mut chunk = vec![0; 16 * 1024];
        loop {
            let length = from_server.read(&mut chunk).await?;
            if length == 0 {
                return to_browser.shutdown().await;
            }
            let received = shared.received.fetch_add(length as u64, Ordering::Relaxed) + length as u64;
            if received > shared.max_bytes {
                shared.is_exceeded.store(true, Ordering::Release);
                shared.exceeded.notify_waiters();
                return Err(io::Error::from(io::ErrorKind::QuotaExceeded));
            }
            to_browser.write_all(&chunk[..length]).await?;
        }
    };
    tokio::try_join!(up, down).map(drop)
}

#[cfg(test)]
mod tests;
