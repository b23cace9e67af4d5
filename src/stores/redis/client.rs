//! The address, login and TLS settings of Redis.

use std::path::PathBuf;

use opilio_actors::domain::secret::Secret;
use redis::{Client, ClientTlsConfig, ConnectionAddr, IntoConnectionInfo, RedisConnectionInfo, TlsCertificates};

/// The operator's settings of Redis.
#[derive(Clone, Debug)]
pub struct RedisSettings {
    pub host: String,
    pub port: u16,
    pub db: u32,
    pub username: Option<String>,
    pub password: Option<Secret>,
    /// `None`: no TLS.
    pub tls: Option<TlsSettings>,
}

/// TLS settings; all files are PEM.
#[derive(Clone, Debug, Default)]
pub struct TlsSettings {
    /// The trusted certificates; `None`: the system's.
    pub ca_certificates: Option<PathBuf>,
    /// The client certificate and its key.
    pub client: Option<(PathBuf, PathBuf)>,
    /// Do not verify the server certificate.
    pub insecure: bool,
}

/// Why a client cannot be created.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    #[error("{path} cannot be read: {source}")]
    File { path: String, source: std::io::Error },
    #[error("redis: {0}")]
    Redis(#[from] redis::RedisError),
}

impl RedisSettings {
    /// Creates a client without connecting.
    ///
    /// # Errors
    /// A file cannot be read or is not a valid certificate or key.
    pub fn client(&self) -> Result<Client, ClientError> {
        let (host, port) = (self.host.clone(), self.port);
        let address = match &self.tls {
            None => ConnectionAddr::Tcp(host, port),
            Some(tls) => ConnectionAddr::TcpTls { host, port, insecure: tls.insecure, tls_params: None },
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
        let root_cert = tls.ca_certificates.as_ref().map(read).transpose()?;
        Ok(Client::build_with_tls(target, TlsCertificates { client_tls, root_cert })?)
    }
}

fn read(path: &PathBuf) -> Result<Vec<u8>, ClientError> {
    std::fs::read(path).map_err(|source| ClientError::File { path: path.display().to_string(), source })
}
