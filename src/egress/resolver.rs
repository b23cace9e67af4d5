//! DNS: the system's resolver behind the guard. The client connects only to addresses that the guard has checked.

use std::fmt::Debug;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::guard::Guard;
use super::policy::Purpose;

/// Resolves a name. A trait, so that tests can replace DNS.
pub trait Lookup: Debug + Send + Sync + 'static {
    fn lookup(&self, name: String) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;
}

/// `getaddrinfo` of the operating system.
#[derive(Debug)]
pub struct SystemLookup;

impl Lookup for SystemLookup {
    fn lookup(&self, name: String) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>> {
        Box::pin(async move { Ok(tokio::net::lookup_host((name.as_str(), 0)).await?.map(|to| to.ip()).collect()) })
    }
}

/// A failed DNS lookup.
#[derive(Clone, Debug, thiserror::Error)]
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
        let lookup = Arc::clone(&self.lookup);
        Box::pin(async move {
            let addresses = resolve(&*lookup, &name).await?;
            if let Some((guard, purpose)) = guard {
                guard.check_resolved(purpose, &name, &addresses)?;
            }
            Ok(Box::new(addresses.into_iter().map(|ip| SocketAddr::new(ip, 0))) as Addrs)
        })
    }
}

/// The addresses of a name; at least one.
pub async fn resolve(lookup: &dyn Lookup, name: &str) -> Result<Vec<IpAddr>, ResolveError> {
    if is_reserved(name) {
        return Err(ResolveError::NoSuchHost(name.to_owned()));
    }
    let addresses = lookup.lookup(name.to_owned()).await.map_err(|error| lookup_error(name, &error))?;
    if addresses.is_empty() { Err(ResolveError::NoSuchHost(name.to_owned())) } else { Ok(addresses) }
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
