//! `opilio health`: whether a server answers at the configured address; for the health check of a container.

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use clap::Args;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::sources::Sources;
use super::trouble::Trouble;

const PATIENCE: Duration = Duration::from_secs(3);

#[derive(Debug, Args)]
pub struct Health {
    #[command(flatten)]
    sources: Sources,
    /// Print what the server says, as JSON.
    #[arg(long)]
    json: bool,
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
        let asked = async { timeout(PATIENCE, ask(host, app.port)).await };
        let answer = actix_web::rt::System::new().block_on(asked);
        let silent = |why: String| Trouble::Unreachable { url: format!("http://{host}:{}", app.port), why };
        let answer = answer.map_err(|_| silent("no answer in time".to_owned()))?;
        let answer = answer.map_err(|error| silent(error.to_string()))?;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        match head.split(' ').nth(1).and_then(|status| status.parse().ok()) {
            Some(200) if self.json => Ok(writeln!(std::io::stdout(), "{body}")?),
            Some(200) => Ok(()),
            Some(status) => Err(Trouble::answered(status, body.as_bytes()).into()),
            None => Err(silent("what answers is no HTTP".to_owned()).into()),
        }
    }
}

async fn ask(host: IpAddr, port: u16) -> std::io::Result<String> {
    let mut stream = TcpStream::connect((host, port)).await?;
    stream.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await?;
    let mut answer = Vec::new();
    stream.take(16 * 1024).read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
