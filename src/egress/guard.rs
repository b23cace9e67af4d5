//! The guard: which addresses may be reached, and the proof that one of them was judged.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use url::{Host, Url};

use super::address::is_public;
use super::allowlist::{Allowlists, Purpose};

/// Judges the addresses that callers name and pages lead to. Only `http` and `https` are ever let through.
#[derive(Clone, Debug)]
pub struct Guard {
    internal: bool,
    lists: Arc<Allowlists>,
}

/// An address that the guard let through, and how far its name may reach when it is resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedUrl {
    url: Url,
    purpose: Purpose,
    scope: NetworkScope,
}

/// Where a connection may end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NetworkScope {
    Anywhere,
    /// On the public Internet, or where the operator's list allows it.
    Public,
}

/// The refusal, as the caller may read it. The reason stands in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("URL blocked")]
pub struct Blocked;

impl Blocked {
    pub(super) fn because(host: &str, reason: impl fmt::Display) -> Self {
        tracing::info!(target: "egress", host = host.escape_debug().to_string(), %reason, "URL blocked");
        Self
    }
}

impl Guard {
    /// For a server that only this machine can talk to: internal addresses may be named, and every port on the machine
    /// itself. A public page still cannot lead to one by redirect, unless a list has it.
    pub fn open(lists: impl Into<Allowlists>) -> Self {
        Self { internal: true, lists: Arc::new(lists.into()) }
    }

    /// Internal addresses are refused unless a list has them.
    pub fn closed(lists: impl Into<Allowlists>) -> Self {
        Self { internal: false, lists: Arc::new(lists.into()) }
    }

    /// Judges an address that a caller named. A name is judged again, by what it resolves to, when it is connected to.
    /// A user name and a password in the address are dropped.
    pub fn check(&self, url: &Url, purpose: Purpose) -> Result<AllowedUrl, Blocked> {
        let scope = if self.internal { NetworkScope::Anywhere } else { NetworkScope::Public };
        self.judge_port(url, scope)?;
        self.clear(url, purpose, scope)
    }

    /// Lets an address through that the operator configured; one of a model within its list, where there is one.
    pub fn trust(&self, url: &Url, purpose: Purpose) -> Result<AllowedUrl, Blocked> {
        let is_listed = purpose == Purpose::Model && self.lists.models.is_some();
        self.clear(url, purpose, if is_listed { NetworkScope::Public } else { NetworkScope::Anywhere })
    }

    /// Judges where an answer leads. `answered_by` is the address that gave it: once it was a public one, or is not
    /// known, no internal address is reached any more, however far the first address was trusted.
    pub fn redirect(
        &self,
        from: &AllowedUrl,
        answered_by: Option<SocketAddr>,
        to: &Url,
    ) -> Result<AllowedUrl, Blocked> {
        let was_internal = answered_by.is_some_and(|peer| !is_public(peer.ip()));
        let scope = if was_internal { from.scope } else { NetworkScope::Public };
        self.judge_port(to, scope)?;
        self.clear(to, from.purpose, scope)
    }

    fn clear(&self, url: &Url, purpose: Purpose, scope: NetworkScope) -> Result<AllowedUrl, Blocked> {
        let host = url.host_str().unwrap_or_default();
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Blocked::because(host, format_args!("scheme {:?}", url.scheme())));
        }
        if scope == NetworkScope::Public {
            match url.host() {
                Some(Host::Ipv4(address)) => self.judge(host, purpose, address.into())?,
                Some(Host::Ipv6(address)) => self.judge(host, purpose, address.into())?,
                Some(Host::Domain(name)) => self.judge_name(name, purpose)?,
                None => return Err(Blocked::because(host, "no host")),
            }
        }
        let mut url = url.clone();
        let _ = url.set_username("");
        let _ = url.set_password(None);
        Ok(AllowedUrl { url, purpose, scope })
    }

    /// The machine itself keeps no port from those who alone can talk to this server.
    fn judge_port(&self, url: &Url, scope: NetworkScope) -> Result<(), Blocked> {
        let own = self.internal && scope == NetworkScope::Anywhere && is_this_machine(url);
        match url.port_or_known_default() {
            Some(port) if !own && !self.lists.ports.has(port) => {
                Err(Blocked::because(url.host_str().unwrap_or_default(), format_args!("port {port} is denied")))
            }
            _ => Ok(()),
        }
    }

    fn judge_name(&self, name: &str, purpose: Purpose) -> Result<(), Blocked> {
        if is_local(name) && !self.lists.have_name(purpose, name) {
            return Err(Blocked::because(name, "this machine's own name"));
        }
        Ok(())
    }

    fn judge(&self, host: &str, purpose: Purpose, address: IpAddr) -> Result<(), Blocked> {
        if is_public(address) || self.lists.have_address(purpose, address) {
            return Ok(());
        }
        Err(Blocked::because(host, format_args!("{address} is not a public address")))
    }

    /// Judges what a name resolved to: every address must pass, unless the name itself is on the list.
    pub(crate) fn judge_resolved(&self, purpose: Purpose, name: &str, addresses: &[IpAddr]) -> Result<(), Blocked> {
        if self.lists.have_name(purpose, name) {
            return Ok(());
        }
        addresses.iter().try_for_each(|address| self.judge(name, purpose, *address))
    }
}

/// `localhost` and what is below it mean this machine, whatever a resolver says (RFC 6761).
fn is_local(name: &str) -> bool {
    let plain = name.trim_end_matches('.');
    plain == "localhost" || plain.ends_with(".localhost")
}

fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => is_local(name),
        None => false,
    }
}

impl AllowedUrl {
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Another path of the same server, which may be reached as far as this one.
    pub fn on_same_server(&self, path: &str) -> Self {
        let mut url = self.url.clone();
        url.set_path(path);
        url.set_query(None);
        url.set_fragment(None);
        Self { url, ..*self }
    }

    /// Who is there, for a person: `127.0.0.1:8080`, and `example.com` where the port is the usual one.
    pub fn server(&self) -> String {
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
mod tests {
    use super::*;
    use crate::egress::{Allow, Ports};
    use Purpose::{Model, Page, Webhook};

    fn url(raw: &str) -> Url {
        Url::parse(raw).unwrap_or_else(|error| panic!("{raw}: {error}"))
    }

    fn peer(raw: &str) -> Option<SocketAddr> {
        Some(raw.parse().unwrap())
    }

    const INTERNAL: [&str; 22] = [
        "http://127.0.0.1/",
        "http://127.1/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://0x7f000001/",
        "http://0177.0.0.01/",
        "http://127.0.0.1./",
        "http://①②⑦.⓪.⓪.①/",
        "http://%31%32%37.0.0.1/",
        "http://0/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[0:0:0:0:0:ffff:7f00:1]/",
        "http://[64:ff9b::10.0.0.1]/",
        "http://[2002:7f00:1::]/",
        "http://10.0.0.1:8080/",
        "http://169.254.169.254/latest/",
        "http://public.example@127.0.0.1/",
        "http://127.0.0.1#@public.example/",
        "http://localhost/",
        "http://LOCALHOST./",
        "http://a.localhost/",
    ];

    #[test]
    fn a_closed_guard_knows_internal_addresses_however_they_are_written() {
        let guard = Guard::closed(Allow::default());
        for raw in INTERNAL {
            assert_eq!(guard.check(&url(raw), Page), Err(Blocked), "{raw}");
        }
        for raw in ["http://1.1.1.1/", "https://example.com/", "http://[2606:4700::1111]/"] {
            assert!(guard.check(&url(raw), Page).is_ok(), "{raw}");
        }
    }

    #[test]
    fn an_open_guard_lets_callers_name_internal_addresses() {
        let guard = Guard::open(Allow::default());
        for raw in INTERNAL {
            assert!(guard.check(&url(raw), Page).is_ok(), "{raw}");
        }
    }

    #[test]
    fn only_http_and_https_are_let_through_whoever_asks() {
        let guard = Guard::open(Allow::default());
        for raw in ["file:///etc/passwd", "ftp://example.com/", "gopher://127.0.0.1/", "data:text/html,x", "raw:<p>"] {
            assert_eq!(guard.check(&url(raw), Page), Err(Blocked), "{raw}");
            assert_eq!(guard.trust(&url(raw), Webhook), Err(Blocked), "{raw}");
        }
    }

    #[test]
    fn the_operators_list_opens_names_and_networks() {
        let guard = Guard::closed(Allow::parse(["127.0.0.2/31", "localhost", "intranet.example"]).unwrap());
        assert!(guard.check(&url("http://127.0.0.3/"), Page).is_ok());
        assert!(guard.check(&url("http://localhost/"), Page).is_ok());
        assert!(guard.check(&url("http://127.0.0.1/"), Page).is_err());
        let internal = ["10.0.0.1".parse().unwrap()];
        assert_eq!(guard.judge_resolved(Page, "intranet.example", &internal), Ok(()));
        assert_eq!(guard.judge_resolved(Page, "other.example", &internal), Err(Blocked));
    }

    #[test]
    fn one_internal_address_among_several_blocks_a_name() {
        let guard = Guard::closed(Allow::default());
        let mixed = ["1.1.1.1".parse().unwrap(), "fd00::1".parse().unwrap()];
        assert_eq!(guard.judge_resolved(Page, "mixed.example", &mixed), Err(Blocked));
        assert_eq!(guard.judge_resolved(Page, "public.example", &mixed[..1]), Ok(()));
    }

    #[test]
    fn a_public_page_never_leads_to_an_internal_address_even_when_the_guard_is_open() {
        let guard = Guard::open(Allow::parse(["127.0.0.9"]).unwrap());
        let (first, inside) = (guard.check(&url("http://example.com/"), Page).unwrap(), url("http://127.0.0.1/"));
        assert_eq!(guard.redirect(&first, peer("1.1.1.1:80"), &inside), Err(Blocked));
        assert_eq!(guard.redirect(&first, None, &inside), Err(Blocked));
        assert!(guard.redirect(&first, peer("1.1.1.1:80"), &url("http://127.0.0.9/")).is_ok());
        // A name may resolve to an internal address only where everything before was internal too.
        let second = guard.redirect(&first, peer("1.1.1.1:80"), &url("http://other.example/")).unwrap();
        assert_eq!(second.scope(), NetworkScope::Public);
        let back = guard.redirect(&second, peer("127.0.0.9:80"), &inside);
        assert_eq!(back, Err(Blocked), "a detour over an allowed address changes nothing");
    }

    #[test]
    fn an_internal_page_may_lead_to_another_when_the_guard_is_open() {
        let guard = Guard::open(Allow::default());
        let first = guard.check(&url("http://localhost/"), Page).unwrap();
        assert!(guard.redirect(&first, peer("127.0.0.1:80"), &url("http://10.0.0.1/")).is_ok());
        assert!(guard.redirect(&first, peer("[::1]:80"), &url("http://127.0.0.1/")).is_ok());
    }

    #[test]
    fn the_operators_own_address_is_trusted_but_not_what_a_public_one_leads_to() {
        let guard = Guard::closed(Allow::default());
        let hook = guard.trust(&url("http://10.0.0.1/hook"), Webhook).unwrap();
        assert!(guard.redirect(&hook, peer("10.0.0.1:80"), &url("http://10.0.0.2/")).is_ok());
        let hook = guard.trust(&url("http://hooks.example/"), Webhook).unwrap();
        assert_eq!(guard.redirect(&hook, peer("1.1.1.1:80"), &url("http://10.0.0.2/")), Err(Blocked));
    }

    #[test]
    fn a_user_name_and_a_password_do_not_travel() {
        let cleared = Guard::open(Allow::default()).check(&url("http://me:secret@example.com/x?y#z"), Page).unwrap();
        assert_eq!(cleared.url().as_str(), "http://example.com/x?y#z");
        assert_eq!(cleared.server(), "example.com");
    }

    #[test]
    fn webhooks_and_models_have_lists_of_their_own() {
        let list = |entry| Allow::parse([entry]).unwrap();
        let lists = Allowlists { webhooks: list("10.0.0.1"), ..Allowlists::from(list("10.0.0.9")) };
        let guard = Guard::closed(lists.clone());
        let hook = url("http://10.0.0.1/");
        assert!(guard.check(&hook, Webhook).is_ok() && guard.check(&hook, Page).is_err());
        let both = url("http://10.0.0.9/");
        assert!(guard.check(&both, Webhook).is_ok() && guard.check(&both, Page).is_ok());
        assert!(guard.trust(&url("http://10.0.0.7/"), Model).is_ok(), "without a list of its own");
        let guard = Guard::open(Allowlists { models: Some(list("10.0.0.8")), ..lists });
        assert!(guard.trust(&url("http://10.0.0.8/"), Model).is_ok());
        assert!(guard.trust(&both, Model).is_err() && guard.trust(&hook, Model).is_err());
        let elsewhere = guard.trust(&url("http://model.example/"), Model).unwrap();
        assert_eq!(elsewhere.scope(), NetworkScope::Public, "a name is judged by what it resolves to");
    }

    #[test]
    fn a_denied_port_is_refused_but_on_the_machine_itself_and_where_the_operator_says_so() {
        let lists = || Allowlists { ports: Ports::parse([], ["25"]).unwrap(), ..Allowlists::default() };
        let (open, closed) = (Guard::open(lists()), Guard::closed(lists()));
        for raw in ["http://1.1.1.1:25/", "http://mail.example:25/", "http://[2606:4700::1111]:25/"] {
            assert_eq!(closed.check(&url(raw), Page), Err(Blocked), "{raw}");
            assert_eq!(open.check(&url(raw), Page), Err(Blocked), "{raw}");
            assert!(closed.trust(&url(raw), Webhook).is_ok(), "{raw}");
        }
        assert_eq!(open.check(&url("http://10.0.0.1:25/"), Page), Err(Blocked));
        for raw in ["http://127.0.0.1:25/", "http://localhost:25/", "http://[::1]:25/"] {
            assert!(open.check(&url(raw), Page).is_ok(), "{raw}");
        }
        let page = open.check(&url("http://page.example/"), Page).unwrap();
        assert_eq!(open.redirect(&page, peer("1.1.1.1:80"), &url("http://mail.example:25/")), Err(Blocked));
        let hook = closed.trust(&url("http://127.0.0.1/"), Webhook).unwrap();
        assert_eq!(closed.redirect(&hook, peer("127.0.0.1:80"), &url("http://127.0.0.1:25/")), Err(Blocked));
    }

    #[test]
    fn another_path_of_the_same_server_reaches_no_further() {
        let guard = Guard::open(Allow::default());
        let page = guard.check(&url("http://page.example/a?b#c"), Page).unwrap();
        let led = guard.redirect(&page, peer("1.1.1.1:80"), &url("http://other.example/a?b#c")).unwrap();
        let robots = led.on_same_server("/robots.txt");
        assert_eq!((robots.url().as_str(), robots.scope()), ("http://other.example/robots.txt", NetworkScope::Public));
    }
}
