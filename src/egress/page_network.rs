//! The network of one page in the browser: decides which addresses the page's own connections reach.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;
use url::{Host, Url};

use super::address::is_public;
use super::client::Egress;
use super::error::{EgressError, from_io};
use super::guard::{AllowedUrl, Blocked, NetworkScope};
use super::policy::Purpose;
use super::resolver::resolve;

/// Failed connections that are remembered.
const MAX_FAILURES: usize = 64;

/// Opens the connections of one page. Addresses that a page contains never reach further than the page itself:
/// - from a page at a public address, only public addresses and those of the allowlist are reachable;
/// - a page at an internal address reaches what its request may reach, until it contacts a public address. From then on,
///   its own host and port are the only internal address that it reaches, and its other internal connections end.
pub struct PageNetwork {
    egress: Egress,
    home: AllowedUrl,
    reach: Mutex<Reach>,
    /// True once connections to internal addresses other than the page's own must end.
    revoked: watch::Sender<bool>,
    failures: Mutex<HashMap<String, EgressError>>,
}

/// What the page has contacted, and what it may therefore reach.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Reach {
    /// Nothing yet.
    Unknown,
    /// Its own host at these internal addresses, and no public address.
    Internal {
        home: Vec<IpAddr>,
    },
    /// Its own host at these internal addresses, and a public address.
    InternalHomeOnly {
        home: Vec<IpAddr>,
    },
    PublicOnly,
}

/// A connection of a page.
#[derive(Debug)]
pub struct PageConnection {
    pub stream: TcpStream,
    /// Becomes true when the connection must end. `None`: it may stay open.
    pub revoked: Option<watch::Receiver<bool>>,
}

impl PageNetwork {
    /// `home`: the URL of the page.
    pub fn new(egress: &Egress, home: AllowedUrl) -> Self {
        let reach = if home.scope() == NetworkScope::Public { Reach::PublicOnly } else { Reach::Unknown };
        let (egress, revoked) = (egress.clone(), watch::channel(false).0);
        Self { egress, home, reach: Mutex::new(reach), revoked, failures: Mutex::default() }
    }

    /// Connects to a host, which is a name or an IP address, if the page may reach it.
    pub async fn connect(&self, host: &str, port: u16) -> Result<PageConnection, EgressError> {
        let connected = self.try_connect(host, port).await;
        if let Err(error) = &connected {
            let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
            if failures.len() < MAX_FAILURES {
                failures.insert(server(host, port), error.clone());
            }
        }
        connected
    }

    /// Why a connection to this URL's host and port failed.
    pub fn failure(&self, url: &Url) -> Option<EgressError> {
        let server = server(url.host_str()?, url.port_or_known_default()?);
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).get(&server).cloned()
    }

    pub fn own_ports(&self) -> &super::OwnPorts {
        self.egress.guard().own_ports()
    }

    async fn try_connect(&self, host: &str, port: u16) -> Result<PageConnection, EgressError> {
        let url = target(host, port)?;
        self.egress.guard().check_subresource(&url, self.scope(&url))?;
        let addresses = match url.host() {
            Some(Host::Ipv4(address)) => vec![address.into()],
            Some(Host::Ipv6(address)) => vec![address.into()],
            Some(Host::Domain(name)) => resolve(self.egress.lookup(), name).await?,
            None => return Err(EgressError::Blocked),
        };
        let addresses = self.admit(&url, addresses)?;
        let is_revocable = !self.is_home(&url) && addresses.iter().any(|address| !is_public(*address));
        let revoked = is_revocable.then(|| self.revoked.subscribe());
        let stream = self.open(&addresses, port, &server(host, port)).await?;
        if self.own_ports().are_reached_by(&stream) {
            return Err(EgressError::Blocked);
        }
        Ok(PageConnection { stream, revoked })
    }

    /// The scope in which the host as written is checked.
    fn scope(&self, url: &Url) -> NetworkScope {
        match (&*self.reach(), self.is_home(url)) {
            (Reach::Unknown | Reach::InternalHomeOnly { .. }, true) | (Reach::Internal { .. }, _) => {
                NetworkScope::Anywhere
            }
            _ => NetworkScope::Public,
        }
    }

    /// The addresses that may be contacted, and the change of what the page may reach. The decision is made before the
    /// connection, so two simultaneous connections cannot combine a public page with an internal address.
    fn admit(&self, url: &Url, mut addresses: Vec<IpAddr>) -> Result<Vec<IpAddr>, Blocked> {
        let is_home = self.is_home(url);
        let mut reach = self.reach();
        let starts_public = addresses.first().is_some_and(|address| is_public(*address));
        match &*reach {
            Reach::Unknown if is_home => {
                addresses.retain(|address| is_public(*address) == starts_public);
                let internal = Reach::Internal { home: addresses.clone() };
                *reach = if starts_public { Reach::PublicOnly } else { internal };
            }
            Reach::Internal { home } => {
                addresses.retain(|address| is_public(*address) == starts_public);
                if starts_public {
                    *reach = Reach::InternalHomeOnly { home: home.clone() };
                    self.revoked.send_replace(true);
                }
            }
            Reach::InternalHomeOnly { home } if is_home => addresses.retain(|address| home.contains(address)),
            _ => {
                let (guard, host) = (self.egress.guard(), url.host_str().unwrap_or_default());
                guard.check_subresource(url, NetworkScope::Public)?;
                guard.check_resolved(Purpose::Page, host, &addresses)?;
            }
        }
        Ok(addresses)
    }

    async fn open(&self, addresses: &[IpAddr], port: u16, server: &str) -> Result<TcpStream, EgressError> {
        let limit = self.egress.connect_timeout();
        let connect = async {
            let mut failed = EgressError::Blocked;
            for address in addresses {
                match TcpStream::connect(SocketAddr::new(*address, port)).await {
                    Ok(stream) => return Ok(stream),
                    Err(error) => {
                        failed = from_io(&error, server).unwrap_or_else(|| {
                            EgressError::Transient(format!("Connection to {server} failed: {error}"))
                        });
                    }
                }
            }
            Err(failed)
        };
        timeout(limit, connect).await.unwrap_or_else(|_| Err(EgressError::timeout(limit)))
    }

    fn is_home(&self, url: &Url) -> bool {
        let home = self.home.url();
        url.host() == home.host() && url.port_or_known_default() == home.port_or_known_default()
    }

    fn reach(&self) -> MutexGuard<'_, Reach> {
        self.reach.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The host and port as a URL, in canonical form.
fn target(host: &str, port: u16) -> Result<Url, EgressError> {
    let host = if host.contains(':') && !host.starts_with('[') { format!("[{host}]") } else { host.to_owned() };
    let is_host = !host.is_empty() && !host.contains(['/', '\\', '?', '#', '@', ' ']);
    let url = is_host.then(|| Url::parse(&format!("http://{host}:{port}/")).ok()).flatten();
    url.ok_or_else(|| EgressError::Permanent("Invalid host".to_owned()))
}

/// As in error messages: without the default ports.
fn server(host: &str, port: u16) -> String {
    if matches!(port, 80 | 443) { host.to_owned() } else { format!("{host}:{port}") }
}

#[cfg(test)]
mod tests;
