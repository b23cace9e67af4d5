//! Who asks, and under which name, where a proxy stands between: its headers say so, and are believed of listed proxies only.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use actix_web::http::header::{HOST, HeaderMap};
use actix_web::{HttpRequest, web};
use ipnet::IpNet;

use super::Api;

/// The proxies in front of this server.
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies(Arc<[IpNet]>);

/// An entry that is neither an address nor a network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{entry}` is neither an IP address nor a network in CIDR notation")]
pub struct InvalidProxy {
    pub entry: String,
}

impl TrustedProxies {
    /// Each entry is an IP address or a network (`10.1.0.0/16`).
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

    /// Whose request it is that came from `peer`: going back by `X-Forwarded-For`, the first who is no proxy. What is said
    /// beyond may be anybody's invention, and so may what stands before an entry that names nobody: there it is the
    /// proxy's who passed that on.
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut nearest = peer;
        let said: Vec<_> = said(headers, "x-forwarded-for").collect();
        let mut said = said.into_iter().rev();
        while self.contains(nearest)
            && let Some(before) = said.next().and_then(address)
        {
            nearest = before;
        }
        nearest
    }

    /// The address under which the client reached this server: by the nearest proxy's `X-Forwarded-Proto` and
    /// `X-Forwarded-Host`, else by `Host`.
    fn base(&self, peer: Option<IpAddr>, headers: &HeaderMap) -> String {
        let by_proxy = peer.is_some_and(|peer| self.contains(peer));
        let nearest = |name: &str| said(headers, name).last().and_then(word).filter(|_| by_proxy);
        let scheme = nearest("x-forwarded-proto").filter(|scheme| ["http", "https"].contains(scheme)).unwrap_or("http");
        let own = || headers.get(HOST).and_then(|host| host.to_str().ok());
        let host = nearest("x-forwarded-host").or_else(own).unwrap_or("localhost");
        format!("{scheme}://{host}")
    }
}

/// Whether a proxy says that it asks for somebody else.
pub fn is_forwarded(headers: &HeaderMap) -> bool {
    headers
        .keys()
        .map(|name| name.as_str())
        .any(|name| name.starts_with("x-forwarded-") || matches!(name, "forwarded" | "x-real-ip"))
}

/// The address under which the client reached this server.
pub fn base(request: &HttpRequest) -> String {
    let nobody = TrustedProxies::default();
    let proxies = request.app_data::<web::Data<Api>>().map_or(&nobody, |api| &api.proxies);
    proxies.base(request.peer_addr().map(|peer| peer.ip()), request.headers())
}

/// What a header says, which may be a list and come several times. Each part stands for itself: a client can put anything
/// before what its proxy appends.
fn said<'a>(headers: &'a HeaderMap, name: &str) -> impl Iterator<Item = &'a [u8]> {
    let values = headers.get_all(name).map(|value| value.as_bytes());
    values.flat_map(|value| value.split(|byte| *byte == b',')).map(<[u8]>::trim_ascii)
}

fn word(part: &[u8]) -> Option<&str> {
    let is_word = !part.is_empty() && part.iter().all(u8::is_ascii_graphic);
    str::from_utf8(part).ok().filter(|_| is_word)
}

/// An address as proxies write it: plain, in brackets, with the port after it, and any of these in quotation marks.
fn address(part: &[u8]) -> Option<IpAddr> {
    let written = word(part)?;
    let written = written.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(written);
    let bare = written.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    match bare {
        Some(bare) => bare.parse::<Ipv6Addr>().ok().map(IpAddr::from),
        None => written.parse().ok().or_else(|| written.parse::<SocketAddr>().ok().map(|place| place.ip())),
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
    fn only_a_listed_proxy_is_believed_and_no_further_than_to_the_first_who_is_none() {
        let proxies = TrustedProxies::parse(["10.0.0.0/8", "::1"]).expect("networks");
        for (peer, said, client) in [
            ("192.0.2.9", vec!["1.1.1.1"], "192.0.2.9"),
            ("10.0.0.1", vec!["1.1.1.1"], "1.1.1.1"),
            ("::ffff:10.0.0.1", vec!["1.1.1.1"], "1.1.1.1"),
            ("::1", vec!["6.6.6.6, 1.1.1.1, 10.0.0.2"], "1.1.1.1"),
            ("::1", vec!["6.6.6.6", "1.1.1.1", "10.0.0.2"], "1.1.1.1"),
            ("10.0.0.1", vec!["10.0.0.2"], "10.0.0.2"),
            ("10.0.0.1", vec!["1.1.1.1, nobody"], "10.0.0.1"),
            ("10.0.0.1", vec![], "10.0.0.1"),
        ] {
            let pairs: Vec<_> = said.iter().map(|value| ("x-forwarded-for", *value)).collect();
            assert_eq!(proxies.client(ip(peer), &headers(&pairs)), ip(client), "{peer} {said:?}");
        }
    }

    #[test]
    fn each_way_to_write_an_address_is_its_client_and_what_names_nobody_is_the_proxys_own() {
        let proxies = TrustedProxies::parse(["10.0.0.0/8"]).expect("a network");
        for (said, client) in [
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
            let value = HeaderValue::from_bytes(said.as_bytes()).expect("a value");
            forwarded.append(HeaderName::from_static("x-forwarded-for"), value);
            assert_eq!(proxies.client(ip("10.0.0.1"), &forwarded), ip(client), "{said}");
        }
    }

    #[test]
    fn what_a_proxy_adds_to_a_request_tells_that_it_asks_for_another() {
        for name in ["x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "forwarded", "x-real-ip"] {
            assert!(is_forwarded(&headers(&[("host", "localhost"), (name, "")])), "{name}");
        }
        assert!(!is_forwarded(&headers(&[("host", "localhost"), ("via", "1.1 x"), ("origin", "http://localhost")])));
    }

    #[test]
    fn the_name_that_a_stranger_says_he_was_asked_under_is_not_believed() {
        let proxies = TrustedProxies::parse(["10.0.0.1"]).expect("an address");
        let forwarded =
            headers(&[("host", "own"), ("x-forwarded-host", "a.example, b.example"), ("x-forwarded-proto", "https")]);
        let base = |peer: &str| proxies.base(Some(ip(peer)), &forwarded);
        assert_eq!([base("10.0.0.1"), base("10.0.0.2")], ["https://b.example", "http://own"]);
        let odd = headers(&[("host", "own:1"), ("x-forwarded-proto", "javascript")]);
        assert_eq!(proxies.base(Some(ip("10.0.0.1")), &odd), "http://own:1");
    }

    #[test]
    fn an_entry_that_is_no_address_is_named() {
        for entry in ["", "*", "proxy.example", "10.0.0.0/33"] {
            assert_eq!(
                TrustedProxies::parse([entry]).expect_err("it is none"),
                InvalidProxy { entry: entry.to_owned() }
            );
        }
    }
}
