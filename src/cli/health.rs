//! `opilio health`: whether a server answers at the configured address; for the health check of a container.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use anyhow::{Context, ensure};
use clap::Args;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::sources::Sources;

const PATIENCE: Duration = Duration::from_secs(3);

#[derive(Debug, Args)]
pub struct Health {
    #[command(flatten)]
    sources: Sources,
}

impl Health {
    /// Succeeds when the server says that it is alive.
    pub fn run(self) -> anyhow::Result<()> {
        let app = self.sources.load()?.settings.app;
        let host = match app.host {
            IpAddr::V4(host) if host.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(host) if host.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            host => host,
        };
        actix_web::rt::System::new().block_on(async {
            let answer = timeout(PATIENCE, ask(host, app.port)).await;
            let status =
                answer.context("no answer in time")?.with_context(|| format!("{host}:{} is silent", app.port))?;
            ensure!(status.starts_with("HTTP/1.1 200"), "the server answers {status}");
            Ok(())
        })
    }
}

async fn ask(host: IpAddr, port: u16) -> std::io::Result<String> {
    let mut stream = TcpStream::connect((host, port)).await?;
    stream.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await?;
    let mut answer = Vec::new();
    stream.take(16 * 1024).read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).lines().next().unwrap_or_default().to_owned())
}
