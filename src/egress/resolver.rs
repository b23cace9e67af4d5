//! DNS: the system's resolver behind the guard. The client connects only to addresses that the guard has checked.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::guard::Guard;
use super::policy::Purpose;

/// Resolves a name. A trait, so that tests can replace DNS.
pub trait Lookup: Send + Sync + 'static {
    fn lookup(&self, name: String) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;
}

/// `getaddrinfo` of the operating system.
pub struct SystemLookup;

impl Lookup for SystemLookup {
    fn lookup(&self, name: String) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>> {
        Box::pin(async move { Ok(tokio::net::lookup_host((name.as_str(), 0)).await?.map(|to| to.ip()).collect()) })
    }
}

/// A failed DNS lookup.
#[derive(Debug, thiserror::Error)]
pub enum ResolveError {
    #[error("DNS: no such host {0}")]
    NoSuchHost(String),
    #[error("DNS: lookup of {0} failed")]
    LookupFailed(String),
}

/// The resolver of one of the clients.
pub struct GuardedResolver {
    lookup: Arc<dyn Lookup>,
    /// `None`: every address is allowed.
    guard: Option<(Guard, Purpose)>,
}

impl GuardedResolver {
    pub fn new(lookup: Arc<dyn Lookup>, guard: Option<(Guard, Purpose)>) -> Self {
        Self { lookup, guard }
    }
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (name, guard) = (name.as_str().to_owned(), self.guard.clone());
        if is_reserved(&name) {
            return Box::pin(async move { Err(ResolveError::NoSuchHost(name).into()) });
        }
        let found = self.lookup.lookup(name.clone());
        Box::pin(async move {
            let addresses = found.await.map_err(|error| lookup_error(&name, &error))?;
            if addresses.is_empty() {
                return Err(ResolveError::NoSuchHost(name).into());
            }
            if let Some((guard, purpose)) = guard {
                guard.check_resolved(purpose, &name, &addresses)?;
            }
            Ok(Box::new(addresses.into_iter().map(|ip| SocketAddr::new(ip, 0))) as Addrs)
        })
    }
}

/// Names below `.invalid` never exist (RFC 6761), so they are not looked up.
fn is_reserved(name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    name == "invalid" || name.ends_with(".invalid")
}

/// The standard library reports the cause of a failed lookup only as text. These are the texts of glibc, musl and macOS for
/// `EAI_AGAIN`.
fn lookup_error(name: &str, error: &io::Error) -> ResolveError {
    tracing::debug!(target: "egress", name, %error, "DNS lookup failed");
    let text = error.to_string().to_ascii_lowercase();
    let transient = ["temporary failure", "try again", "timed out", "too many open files"];
    if transient.iter().any(|words| text.contains(words)) {
        return ResolveError::LookupFailed(name.to_owned());
    }
    ResolveError::NoSuchHost(name.to_owned())
}
