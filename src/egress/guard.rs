//! The guard: decides which URLs may be requested.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use url::{Host, Url};

use super::address::is_public;
use super::own_ports::OwnPorts;
use super::policy::{EgressPolicy, Purpose};

/// Checks URLs of requests and of redirects. Only `http` and `https` are allowed.
#[derive(Clone, Debug)]
pub struct Guard {
    allows_internal: bool,
    policy: Arc<EgressPolicy>,
    own_ports: OwnPorts,
}

/// A URL that the guard has allowed, and the addresses that its name may resolve to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedUrl {
    url: Url,
    purpose: Purpose,
    scope: NetworkScope,
}

/// Which addresses a connection may reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NetworkScope {
    Anywhere,
    /// Public addresses and those of the allowlist.
    Public,
}

/// The URL is not allowed. The reason is logged and not shown to the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("URL blocked")]
pub struct Blocked;

impl Blocked {
    fn because(host: &str, reason: impl fmt::Display) -> Self {
        tracing::info!(target: "egress", host = host.escape_debug().to_string(), %reason, "URL blocked");
        Self
    }
}

impl Guard {
    /// A guard for a server that only this machine can reach: requests may name internal addresses, and all ports of this
    /// machine. Redirects from public pages to internal addresses are blocked unless the policy allows them.
    pub fn open(policy: impl Into<EgressPolicy>) -> Self {
        Self { allows_internal: true, policy: Arc::new(policy.into()), own_ports: OwnPorts::default() }
    }

    /// A guard that blocks internal addresses unless the policy allows them.
    pub fn closed(policy: impl Into<EgressPolicy>) -> Self {
        Self { allows_internal: false, policy: Arc::new(policy.into()), own_ports: OwnPorts::default() }
    }

    /// Checks the URL of a request. The addresses of a name are checked when it is resolved. User name and password are
    /// removed.
    pub fn check(&self, url: &Url, purpose: Purpose) -> Result<AllowedUrl, Blocked> {
        let scope = if self.allows_internal { NetworkScope::Anywhere } else { NetworkScope::Public };
        self.check_port(url, scope)?;
        self.check_host(url, purpose, scope)
    }

    /// Checks a URL of the operator's configuration. Internal addresses are allowed, except for a model that the policy's
    /// list of models does not contain.
    pub fn check_configured(&self, url: &Url, purpose: Purpose) -> Result<AllowedUrl, Blocked> {
        let is_restricted = purpose == Purpose::Model && self.policy.models.is_some();
        self.check_host(url, purpose, if is_restricted { NetworkScope::Public } else { NetworkScope::Anywhere })
    }

    /// Checks the target of a redirect. Unless the response came from an internal address (`responder`), internal addresses
    /// are blocked for this and all further hops, even if the first URL was allowed to reach them.
    pub fn check_redirect(
        &self,
        from: &AllowedUrl,
        responder: Option<SocketAddr>,
        to: &Url,
    ) -> Result<AllowedUrl, Blocked> {
        self.check_linked(to, from.purpose, self.may_link_to_internal(from, responder))
    }

    /// Whether a page may name internal addresses: it was allowed to have one, and `responder` is one.
    pub fn may_link_to_internal(&self, page: &AllowedUrl, responder: Option<SocketAddr>) -> bool {
        page.scope == NetworkScope::Anywhere && responder.is_some_and(|address| !is_public(address.ip()))
    }

    /// Whether a `raw:` page with this base URL may name internal addresses.
    pub fn base_is_internal(&self, base: &Url) -> bool {
        let is_internal = match base.host() {
            Some(Host::Ipv4(address)) => !is_public(address.into()),
            Some(Host::Ipv6(address)) => !is_public(address.into()),
            Some(Host::Domain(name)) => is_localhost(name),
            None => false,
        };
        is_internal && self.allows_internal
    }

    /// Checks a URL that a page names. `internal`: that page may name internal addresses.
    pub fn check_linked(&self, url: &Url, purpose: Purpose, internal: bool) -> Result<AllowedUrl, Blocked> {
        let scope = if internal { NetworkScope::Anywhere } else { NetworkScope::Public };
        self.check_port(url, scope)?;
        if leads_to_this_machine(url) && url.port_or_known_default().is_some_and(|port| self.own_ports.contains(port)) {
            return Err(Blocked::because(url.host_str().unwrap_or_default(), "it is this server's own address"));
        }
        self.check_host(url, purpose, scope)
    }

    /// Checks a connection that a page in the browser makes, by the host as written.
    pub(super) fn check_subresource(&self, url: &Url, scope: NetworkScope) -> Result<(), Blocked> {
        self.check_port(url, scope)?;
        self.check_host(url, Purpose::Page, scope).map(drop)
    }

    /// The ports that this process listens on. Addresses that pages name never lead to them.
    pub fn own_ports(&self) -> &OwnPorts {
        &self.own_ports
    }

    /// Checks the addresses that a name resolved to. All must be allowed, unless the policy allows the name.
    pub fn check_resolved(&self, purpose: Purpose, name: &str, addresses: &[IpAddr]) -> Result<(), Blocked> {
        if self.policy.allows_name(purpose, name) {
            return Ok(());
        }
        addresses.iter().try_for_each(|address| self.check_address(name, purpose, *address))
    }

    fn check_host(&self, url: &Url, purpose: Purpose, scope: NetworkScope) -> Result<AllowedUrl, Blocked> {
        let host = url.host_str().unwrap_or_default();
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Blocked::because(host, format_args!("scheme {:?} is not http or https", url.scheme())));
        }
        if scope == NetworkScope::Public {
            match url.host() {
                Some(Host::Ipv4(address)) => self.check_address(host, purpose, address.into())?,
                Some(Host::Ipv6(address)) => self.check_address(host, purpose, address.into())?,
                Some(Host::Domain(name)) => self.check_name(name, purpose)?,
                None => return Err(Blocked::because(host, "URL has no host")),
            }
        }
        let mut url = url.clone();
        let _ = url.set_username("");
        let _ = url.set_password(None);
        Ok(AllowedUrl { url, purpose, scope })
    }

    fn check_port(&self, url: &Url, scope: NetworkScope) -> Result<(), Blocked> {
        let is_exempt = self.allows_internal && scope == NetworkScope::Anywhere && is_this_machine(url);
        match url.port_or_known_default() {
            Some(port) if !is_exempt && !self.policy.ports.allows(port) => {
                Err(Blocked::because(url.host_str().unwrap_or_default(), format_args!("port {port} is denied")))
            }
            _ => Ok(()),
        }
    }

    fn check_name(&self, name: &str, purpose: Purpose) -> Result<(), Blocked> {
        if is_localhost(name) && !self.policy.allows_name(purpose, name) {
            return Err(Blocked::because(name, "localhost is not public"));
        }
        Ok(())
    }

    fn check_address(&self, host: &str, purpose: Purpose, address: IpAddr) -> Result<(), Blocked> {
        if is_public(address) || self.policy.allows_address(purpose, address) {
            return Ok(());
        }
        Err(Blocked::because(host, format_args!("{address} is not a public address")))
    }
}

/// `localhost` and its subdomains are this machine, whatever a resolver returns (RFC 6761).
fn is_localhost(name: &str) -> bool {
    let name = name.trim_end_matches('.');
    name == "localhost" || name.ends_with(".localhost")
}

fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => is_localhost(name),
        None => false,
    }
}

/// Like [`is_this_machine`], and also addresses that the system connects to this machine.
fn leads_to_this_machine(url: &Url) -> bool {
    let is_local = |address: IpAddr| address.to_canonical().is_loopback() || address.is_unspecified();
    match url.host() {
        Some(Host::Ipv4(address)) => is_local(address.into()),
        Some(Host::Ipv6(address)) => is_local(address.into()),
        _ => is_this_machine(url),
    }
}

impl AllowedUrl {
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The URL of another path on the same server, with the same permissions.
    pub fn with_path(&self, path: &str) -> Self {
        let mut url = self.url.clone();
        url.set_path(path);
        url.set_query(None);
        url.set_fragment(None);
        Self { url, ..*self }
    }

    /// Host and port, without the default port: `127.0.0.1:8080`, `example.com`.
    pub fn authority(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        self.url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    pub(super) fn purpose(&self) -> Purpose {
        self.purpose
    }

    pub(super) fn scope(&self) -> NetworkScope {
        self.scope
    }
}

#[cfg(test)]
mod tests;
