//! The client's address and the server's public address behind reverse proxies. Forwarding headers are trusted only from
//! the listed proxies.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use actix_web::http::header::{HOST, HeaderMap};
use actix_web::{HttpRequest, web};
use ipnet::IpNet;

/// The reverse proxies in front of this server. Part of the application's data.
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies(Arc<[IpNet]>);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{entry}` is neither an IP address nor a network in CIDR notation")]
pub struct InvalidProxy {
    pub entry: String,
}

impl TrustedProxies {
    /// Parses IP addresses and networks (`10.1.0.0/16`).
    pub fn parse<'a>(entries: impl IntoIterator<Item = &'a str>) -> Result<Self, InvalidProxy> {
        let network = |entry: &str| {
            let entry = entry.trim();
            entry.parse().or_else(|_| entry.parse::<IpAddr>().map(IpNet::from)).ok()
        };
        let networks =
            entries.into_iter().map(|entry| network(entry).ok_or_else(|| InvalidProxy { entry: entry.to_owned() }));
        networks.collect::<Result<_, _>>().map(Self)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    /// The client of a request that came from `peer`: the last address in `X-Forwarded-For` that is not a trusted proxy.
    /// Earlier entries may be forged. If an entry is not an address, the client is the proxy that appended it.
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer;
        let entries: Vec<_> = list(headers, "x-forwarded-for").collect();
        let mut entries = entries.into_iter().rev();
        while self.contains(client)
            && let Some(previous) = entries.next().and_then(address)
        {
            client = previous;
        }
        client
    }

    /// The base URL under which the client reached this server: from the nearest proxy's `X-Forwarded-Proto` and
    /// `X-Forwarded-Host`, else from `Host`.
    fn base_url(&self, peer: Option<IpAddr>, headers: &HeaderMap) -> String {
        let by_proxy = peer.is_some_and(|peer| self.contains(peer));
        let nearest = |name: &str| list(headers, name).last().and_then(word).filter(|_| by_proxy);
        let scheme = nearest("x-forwarded-proto").filter(|scheme| ["http", "https"].contains(scheme)).unwrap_or("http");
        let host = || headers.get(HOST).and_then(|host| host.to_str().ok());
        let host = nearest("x-forwarded-host").or_else(host).unwrap_or("localhost");
        format!("{scheme}://{host}")
    }
}

/// Whether a proxy forwarded the request.
pub fn is_forwarded(headers: &HeaderMap) -> bool {
    headers
        .keys()
        .map(|name| name.as_str())
        .any(|name| name.starts_with("x-forwarded-") || matches!(name, "forwarded" | "x-real-ip"))
}

/// The base URL under which the client reached this server.
pub fn base_url(request: &HttpRequest) -> String {
    let none = TrustedProxies::default();
    let proxies = request.app_data::<web::Data<TrustedProxies>>().map_or(&none, |proxies| proxies);
    proxies.base_url(request.peer_addr().map(|peer| peer.ip()), request.headers())
}

/// The entries of a header that is a list and may occur more than once. They are parsed separately, because a client can
/// put any bytes before the entry that its proxy appends.
fn list<'a>(headers: &'a HeaderMap, name: &str) -> impl Iterator<Item = &'a [u8]> {
    let values = headers.get_all(name).map(|value| value.as_bytes());
    values.flat_map(|value| value.split(|byte| *byte == b',')).map(<[u8]>::trim_ascii)
}

fn word(entry: &[u8]) -> Option<&str> {
    let is_word = !entry.is_empty() && entry.iter().all(u8::is_ascii_graphic);
    str::from_utf8(entry).ok().filter(|_| is_word)
}

/// Parses an address as proxies write it: plain, in brackets, with a port, and each of these in quotation marks.
fn address(entry: &[u8]) -> Option<IpAddr> {
    let text = word(entry)?;
    let text = text.strip_prefix('"').and_then(|inner| inner.strip_suffix('"')).unwrap_or(text);
    let bracketed = text.strip_prefix('[').and_then(|inner| inner.strip_suffix(']'));
    match bracketed {
        Some(address) => address.parse::<Ipv6Addr>().ok().map(IpAddr::from),
        None => text.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|socket| socket.ip())),
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            map.append(name.parse::<HeaderName>().expect("a name"), HeaderValue::from_str(value).expect("a value"));
        }
        map
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn client_is_the_last_address_that_is_not_a_trusted_proxy() {
        let proxies = TrustedProxies::parse(["10.0.0.0/8", "::1"]).expect("networks");
        for (peer, values, client) in [
            ("192.0.2.9", vec!["1.1.1.1"], "192.0.2.9"),
            ("10.0.0.1", vec!["1.1.1.1"], "1.1.1.1"),
            ("::ffff:10.0.0.1", vec!["1.1.1.1"], "1.1.1.1"),
            ("::1", vec!["6.6.6.6, 1.1.1.1, 10.0.0.2"], "1.1.1.1"),
            ("::1", vec!["6.6.6.6", "1.1.1.1", "10.0.0.2"], "1.1.1.1"),
            ("10.0.0.1", vec!["10.0.0.2"], "10.0.0.2"),
            ("10.0.0.1", vec!["1.1.1.1, unknown"], "10.0.0.1"),
            ("10.0.0.1", vec![], "10.0.0.1"),
        ] {
            let pairs: Vec<_> = values.iter().map(|value| ("x-forwarded-for", *value)).collect();
            assert_eq!(proxies.client(ip(peer), &headers(&pairs)), ip(client), "{peer} {values:?}");
        }
    }

    #[test]
    fn entry_that_is_not_an_address_yields_the_proxy() {
        let proxies = TrustedProxies::parse(["10.0.0.0/8"]).expect("a network");
        for (value, client) in [
            ("1.2.3.4:5678", "1.2.3.4"),
            ("2001:db8::1", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("[2001:db8::1]:443", "2001:db8::1"),
            ("\"[2001:db8::1]:443\"", "2001:db8::1"),
            ("\"1.2.3.4:80\"", "1.2.3.4"),
            ("\"1.2.3.4\"", "1.2.3.4"),
            ("6.6.6.6, 1.2.3.4:80 , 10.0.0.2:81", "1.2.3.4"),
            ("j\u{fc}rgen, 1.2.3.4", "1.2.3.4"),
            ("\", 1.2.3.4", "1.2.3.4"),
            ("6.6.6.6, unknown", "10.0.0.1"),
            ("6.6.6.6, ", "10.0.0.1"),
            ("6.6.6.6, unix:", "10.0.0.1"),
            ("6.6.6.6, 1.2.3.4:99999", "10.0.0.1"),
            ("6.6.6.6, [1.2.3.4]", "10.0.0.1"),
            ("6.6.6.6, 1.2.3.4 5", "10.0.0.1"),
            ("6.6.6.6, 1.2.3.\u{fc}", "10.0.0.1"),
            ("6.6.6.6, \"1.2.3.4", "10.0.0.1"),
            ("6.6.6.6, 2001:db8::1]:443", "10.0.0.1"),
            ("", "10.0.0.1"),
        ] {
            let mut forwarded = HeaderMap::new();
            let header = HeaderValue::from_bytes(value.as_bytes()).expect("a value");
            forwarded.append(HeaderName::from_static("x-forwarded-for"), header);
            assert_eq!(proxies.client(ip("10.0.0.1"), &forwarded), ip(client), "{value}");
        }
    }

    #[test]
    fn forwarding_headers_mark_a_forwarded_request() {
        for name in ["x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "forwarded", "x-real-ip"] {
            assert!(is_forwarded(&headers(&[("host", "localhost"), (name, "")])), "{name}");
        }
        assert!(!is_forwarded(&headers(&[("host", "localhost"), ("via", "1.1 x"), ("origin", "http://localhost")])));
    }

    #[test]
    fn base_url_ignores_forwarding_headers_of_untrusted_peers() {
        let proxies = TrustedProxies::parse(["10.0.0.1"]).expect("an address");
        let forwarded =
            headers(&[("host", "own"), ("x-forwarded-host", "a.example, b.example"), ("x-forwarded-proto", "https")]);
        let base = |peer: &str| proxies.base_url(Some(ip(peer)), &forwarded);
        assert_eq!([base("10.0.0.1"), base("10.0.0.2")], ["https://b.example", "http://own"]);
        let odd = headers(&[("host", "own:1"), ("x-forwarded-proto", "javascript")]);
        assert_eq!(proxies.base_url(Some(ip("10.0.0.1")), &odd), "http://own:1");
    }

    #[test]
    fn invalid_entry_is_named() {
        for entry in ["", "*", "proxy.example", "10.0.0.0/33"] {
            assert_eq!(TrustedProxies::parse([entry]).expect_err("invalid"), InvalidProxy { entry: entry.to_owned() });
        }
    }
}
