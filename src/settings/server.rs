//! Sections `app`, `store`, `redis` and `logging`.

use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use opilio_actors::domain::secret::Secret;
use serde::Deserialize;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct App {
    pub host: IpAddr,
    pub port: u16,
    #[serde(with = "humantime_serde")]
    pub shutdown_grace: Duration,
    #[serde(with = "humantime_serde")]
    pub heartbeat: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StoreBackend {
    Embedded,
    Redis,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Store {
    pub backend: StoreBackend,
    pub path: PathBuf,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Redis {
    pub host: String,
    pub port: u16,
    pub db: u32,
    pub username: Option<String>,
    pub password: Option<Secret>,
    pub connections: NonZeroUsize,
    pub pool_size: NonZeroUsize,
    pub prefix: String,
    #[serde(with = "humantime_serde")]
    pub task_ttl: Duration,
    pub ssl: bool,
    pub ssl_cert_reqs: Option<String>,
    pub ssl_ca_certs: Option<PathBuf>,
    pub ssl_certfile: Option<PathBuf>,
    pub ssl_keyfile: Option<PathBuf>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Logging {
    pub level: String,
    format: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    Text,
    Json,
}

impl App {
    pub fn check(&self) -> Result<(), String> {
        if !(Duration::from_millis(100)..=Duration::from_secs(45)).contains(&self.heartbeat) {
            return Err(format!(
                "app.heartbeat ({:?}) must be between 100ms and 45s: clients and proxies close connections that are \
                 silent for longer",
                self.heartbeat
            ));
        }
        Ok(())
    }
}

impl Logging {
    pub fn check(&self) -> Result<(), String> {
        if !matches!(self.format.as_str(), "text" | "json") {
            return Err(format!("logging.format (`{}`) must be text or json", self.format));
        }
        Ok(())
    }

    pub fn format(&self) -> LogFormat {
        if self.format == "json" { LogFormat::Json } else { LogFormat::Text }
    }

    /// Replaces a format of Python's `logging`, as in Crawl4AI's file, with `text`. Returns the notice.
    pub fn replace_python_format(&mut self) -> Option<String> {
        if !self.format.contains('%') {
            return None;
        }
        "text".clone_into(&mut self.format);
        Some("logging.format: formats of Python's logging are not supported; using text".to_owned())
    }
}
