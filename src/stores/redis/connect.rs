//! Where Redis is, and how it is spoken to.

use std::path::PathBuf;

use opilio_actors::domain::secret::Secret;
use redis::{Client, ClientTlsConfig, ConnectionAddr, IntoConnectionInfo, RedisConnectionInfo, TlsCertificates};

/// What the operator chose about Redis.
#[derive(Clone, Debug)]
pub struct RedisSettings {
    pub host: String,
    pub port: u16,
    pub db: u32,
    pub username: Option<String>,
    pub password: Option<Secret>,
    /// `None`: in the clear.
    pub tls: Option<TlsSettings>,
}

/// Files in PEM.
#[derive(Clone, Debug, Default)]
pub struct TlsSettings {
    /// Whom to believe; `None`: whom the machine believes.
    pub authorities: Option<PathBuf>,
    /// Certificate and key, where Redis wants to know who comes.
    pub client: Option<(PathBuf, PathBuf)>,
    /// Whoever answers is believed.
    pub unverified: bool,
}

/// Why no connection can be described.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error("{path} cannot be read: {source}")]
    File { path: String, source: std::io::Error },
    #[error("redis: {0}")]
    Redis(#[from] redis::RedisError),
}

impl RedisSettings {
    /// Connects to nobody yet.
    ///
    /// # Errors
    /// A file cannot be read, or is no certificate.
    pub fn client(&self) -> Result<Client, ConnectError> {
        let (host, port) = (self.host.clone(), self.port);
        let address = match &self.tls {
            None => ConnectionAddr::Tcp(host, port),
            Some(tls) => ConnectionAddr::TcpTls { host, port, insecure: tls.unverified, tls_params: None },
        };
        let mut login = RedisConnectionInfo::default().set_db(i64::from(self.db));
        if let Some(username) = &self.username {
            login = login.set_username(username);
        }
        if let Some(password) = &self.password {
            login = login.set_password(password.expose());
        }
        let target = address.into_connection_info()?.set_redis_settings(login);
        let Some(tls) = &self.tls else { return Ok(Client::open(target)?) };
        let client_tls = match &tls.client {
            Some((certificate, key)) => {
                Some(ClientTlsConfig { client_cert: read(certificate)?, client_key: read(key)? })
            }
            None => None,
        };
        let root_cert = tls.authorities.as_ref().map(read).transpose()?;
        Ok(Client::build_with_tls(target, TlsCertificates { client_tls, root_cert })?)
    }
}

fn read(path: &PathBuf) -> Result<Vec<u8>, ConnectError> {
    std::fs::read(path).map_err(|source| ConnectError::File { path: path.display().to_string(), source })
}
