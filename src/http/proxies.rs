//! Who asks, and under which name, where a proxy stands between: its headers say so, and are believed of listed proxies only.

use std::net::IpAddr;
use std::sync::Arc;

use actix_web::http::header::{HOST, HeaderMap};
use actix_web::{HttpRequest, web};
use ipnet::IpNet;

use super::Api;

/// The proxies in front of this server.
#[derive(Clone, Debug, Default)]
pub struct Proxies(Arc<[IpNet]>);

/// An entry that is neither an address nor a network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{entry}` is neither an IP address nor a network in CIDR notation")]
pub struct BadProxy {
    pub entry: String,
}

impl Proxies {
    /// Each entry is an IP address or a network (`10.1.0.0/16`).
    pub fn parse<'a>(entries: impl IntoIterator<Item = &'a str>) -> Result<Self, BadProxy> {
        let network = |entry: &str| {
            let entry = entry.trim();
            entry.parse().or_else(|_| entry.parse::<IpAddr>().map(IpNet::from)).ok()
        };
        let networks =
            entries.into_iter().map(|entry| network(entry).ok_or_else(|| BadProxy { entry: entry.to_owned() }));
        networks.collect::<Result<_, _>>().map(Self)
    }

    pub fn has(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    /// Whose request it is that came from `peer`: going back by `X-Forwarded-For`, the first who is no proxy. What is said
    /// beyond may be anybody's invention.
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut nearest = peer;
        let said: Vec<_> = said(headers, "x-forwarded-for").collect();
        let mut said = said.into_iter().rev();
        while self.has(nearest)
            && let Some(Ok(before)) = said.next().map(str::parse)
        {
            nearest = before;
        }
        nearest
    }

    /// The address under which the client reached this server: by the nearest proxy's `X-Forwarded-Proto` and
    /// `X-Forwarded-Host`, else by `Host`.
    fn base(&self, peer: Option<IpAddr>, headers: &HeaderMap) -> String {
        let by_proxy = peer.is_some_and(|peer| self.has(peer));
        let nearest = |name: &str| said(headers, name).last().filter(|_| by_proxy);
        let scheme = nearest("x-forwarded-proto").filter(|scheme| ["http", "https"].contains(scheme)).unwrap_or("http");
        let own = || headers.get(HOST).and_then(|host| host.to_str().ok());
        let host = nearest("x-forwarded-host").or_else(own).unwrap_or("localhost");
        format!("{scheme}://{host}")
    }
}

/// The address under which the client reached this server.
pub fn base(request: &HttpRequest) -> String {
    let nobody = Proxies::default();
    let proxies = request.app_data::<web::Data<Api>>().map_or(&nobody, |api| &api.proxies);
    proxies.base(request.peer_addr().map(|peer| peer.ip()), request.headers())
}

/// What a header says, which may be a list and come several times.
fn said<'a>(headers: &'a HeaderMap, name: &str) -> impl Iterator<Item = &'a str> {
    let values = headers.get_all(name).filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim).filter(|part| !part.is_empty())
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

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn only_a_listed_proxy_is_believed_and_no_further_than_to_the_first_who_is_none() {
        let proxies = Proxies::parse(["10.0.0.0/8", "::1"]).expect("networks");
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
            assert_eq!(proxies.client(address(peer), &headers(&pairs)), address(client), "{peer} {said:?}");
        }
    }

    #[test]
    fn the_name_that_a_stranger_says_he_was_asked_under_is_not_believed() {
        let proxies = Proxies::parse(["10.0.0.1"]).expect("an address");
        let forwarded =
            headers(&[("host", "own"), ("x-forwarded-host", "a.example, b.example"), ("x-forwarded-proto", "https")]);
        let base = |peer: &str| proxies.base(Some(address(peer)), &forwarded);
        assert_eq!([base("10.0.0.1"), base("10.0.0.2")], ["https://b.example", "http://own"]);
        let odd = headers(&[("host", "own:1"), ("x-forwarded-proto", "javascript")]);
        assert_eq!(proxies.base(Some(address("10.0.0.1")), &odd), "http://own:1");
    }

    #[test]
    fn an_entry_that_is_no_address_is_named() {
        for entry in ["", "*", "proxy.example", "10.0.0.0/33"] {
            assert_eq!(Proxies::parse([entry]).expect_err("it is none"), BadProxy { entry: entry.to_owned() });
        }
    }
}
