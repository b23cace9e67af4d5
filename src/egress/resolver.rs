//! Names to addresses: the system's resolver behind the guard. What it lets through is what is dialled.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::allowlist::Purpose;
use super::guard::Guard;

/// Looks a name up. A trait so that tests can play the DNS.
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

/// A name that did not become an address.
#[derive(Debug, thiserror::Error)]
pub enum ResolveError {
    #[error("DNS: no such host {0}")]
    NoSuchHost(String),
    #[error("DNS: no answer for {0}")]
    NoAnswer(String),
}

/// The resolver of one of the clients.
pub struct GuardedResolver {
    lookup: Arc<dyn Lookup>,
    /// `None`: every address will do.
    judge: Option<(Guard, Purpose)>,
}

impl GuardedResolver {
    pub fn new(lookup: Arc<dyn Lookup>, judge: Option<(Guard, Purpose)>) -> Self {
        Self { lookup, judge }
    }
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (name, judge) = (name.as_str().to_owned(), self.judge.clone());
        if is_reserved(&name) {
            return Box::pin(async move { Err(ResolveError::NoSuchHost(name).into()) });
        }
        let found = self.lookup.lookup(name.clone());
        Box::pin(async move {
            let addresses = found.await.map_err(|error| unresolved(&name, &error))?;
            if addresses.is_empty() {
                return Err(ResolveError::NoSuchHost(name).into());
            }
            if let Some((guard, purpose)) = judge {
                guard.judge_resolved(purpose, &name, &addresses)?;
            }
            Ok(Box::new(addresses.into_iter().map(|ip| SocketAddr::new(ip, 0))) as Addrs)
        })
    }
}

/// Nothing is ever found below `.invalid` (RFC 6761), so nobody needs to be asked.
fn is_reserved(name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    name == "invalid" || name.ends_with(".invalid")
}

/// The standard library gives the cause of a failed look-up as text only; these are the words of glibc, musl and macOS
/// for `EAI_AGAIN`.
fn unresolved(name: &str, error: &io::Error) -> ResolveError {
    tracing::debug!(target: "egress", name, %error, "name not resolved");
    let text = error.to_string().to_ascii_lowercase();
    let passing = ["temporary failure", "try again", "timed out", "too many open files"];
    if passing.iter().any(|words| text.contains(words)) {
        return ResolveError::NoAnswer(name.to_owned());
    }
    ResolveError::NoSuchHost(name.to_owned())
}
