//! `opilio health`: checks whether the configured server is alive, for the health check of a container.

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use clap::Args;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::config_args::ConfigArgs;
use super::error::ClientError;

const TIMEOUT: Duration = Duration::from_secs(3);

#[derive(Debug, Args)]
pub struct Health {
    #[command(flatten)]
    config: ConfigArgs,
    /// Print the server's response as JSON.
    #[arg(long)]
    json: bool,
}

impl Health {
    pub fn run(self) -> anyhow::Result<()> {
        let app = self.config.load()?.settings.app;
        let host = match app.host {
            IpAddr::V4(host) if host.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(host) if host.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            host => host,
        };
        let request = async { timeout(TIMEOUT, request(host, app.port)).await };
        let response = actix_web::rt::System::new().block_on(request);
        let unreachable =
            |reason: String| ClientError::Unreachable { url: format!("http://{host}:{}", app.port), reason };
        let response = response.map_err(|_| unreachable(format!("no response within {TIMEOUT:?}")))?;
        let response = response.map_err(|error| unreachable(error.to_string()))?;
        let (head, body) = response.split_once("\r\n\r\n").unwrap_or((&response, ""));
        match head.split(' ').nth(1).and_then(|status| status.parse().ok()) {
            Some(200) if self.json => Ok(writeln!(std::io::stdout(), "{body}")?),
            Some(200) => Ok(()),
            Some(status) => Err(ClientError::from_response(status, body.as_bytes()).into()),
            None => Err(unreachable("the response is not HTTP".to_owned()).into()),
        }
    }
}

async fn request(host: IpAddr, port: u16) -> std::io::Result<String> {
    let mut stream = TcpStream::connect((host, port)).await?;
    stream.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await?;
    let mut response = Vec::new();
    stream.take(16 * 1024).read_to_end(&mut response).await?;
    Ok(String::from_utf8_lossy(&response).into_owned())
}
