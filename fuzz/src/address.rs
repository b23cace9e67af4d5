//! A URL for the egress guard.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use ipnet::IpNet;
use opilio::egress::{AllowedUrl, EgressPolicy, Guard, PortPolicy, Purpose};
use url::{Host, Url};

/// The IANA special-purpose address registries and Azure's WireServer: networks, and whether each is globally reachable. The
/// longest prefix decides.
const REGISTRIES: [(&str, bool); 47] = [
    ("0.0.0.0/0", true),
    ("0.0.0.0/8", false),
    ("10.0.0.0/8", false),
    ("100.64.0.0/10", false),
    ("168.63.129.16/32", false),
    ("127.0.0.0/8", false),
    ("169.254.0.0/16", false),
    ("172.16.0.0/12", false),
    ("192.0.0.0/24", false),
    ("192.0.0.9/32", true),
    ("192.0.0.10/32", true),
    ("192.0.2.0/24", false),
    ("192.88.99.0/24", false),
    ("192.168.0.0/16", false),
    ("198.18.0.0/15", false),
    ("198.51.100.0/24", false),
    ("203.0.113.0/24", false),
    ("224.0.0.0/4", false),
    ("240.0.0.0/4", false),
    ("255.255.255.255/32", false),
    ("::/0", false),
    ("2000::/3", true),
    ("2001::/23", false),
    ("2001:1::1/128", true),
    ("2001:1::2/128", true),
    ("2001:1::3/128", true),
    ("2001:2::/48", false),
    ("2001:3::/32", true),
    ("2001:4:112::/48", true),
    ("2001:10::/28", false),
    ("2001:20::/28", true),
    ("2001:30::/28", true),
    ("2001:db8::/32", false),
    ("3fff::/20", false),
    ("5f00::/16", false),
    ("64:ff9b:1::/48", false),
    ("100::/64", false),
    ("100:0:0:1::/64", false),
    ("fc00::/7", false),
    ("fe80::/10", false),
    ("fec0::/10", false),
    ("ff00::/8", false),
    ("::/128", false),
    ("::1/128", false),
    ("2620:4f:8000::/48", true),
    ("192.31.196.0/24", true),
    ("192.52.193.0/24", true),
];

/// Networks whose addresses embed an IPv4 address, and the number of bits after it.
const EMBEDDING: [(&str, u32); 6] = [
    ("::/96", 0),
    ("::ffff:0:0/96", 0),
    ("::ffff:0:0:0/96", 0),
    ("64:ff9b::/96", 0),
    ("2002::/16", 80),
    ("2001::/32", 64),
];

/// An allowed URL is globally reachable: as a URL of a request, as the target of a redirect, and by the addresses of its name.
///
/// # Panics
/// If the property does not hold. The first line of `text` is the URL; the others are the addresses of its name.
pub fn address(text: &str) {
    let mut lines = text.lines();
    let Ok(url) = Url::parse(lines.next().unwrap_or_default()) else { return };
    let resolved: Vec<IpAddr> = lines.filter_map(|line| line.trim().parse().ok()).collect();
    let policy = || EgressPolicy {
        ports: PortPolicy::parse([], ["1-79"]).expect("a valid constant"),
        ..EgressPolicy::default()
    };
    let (closed, open) = (Guard::closed(policy()), Guard::open(policy()));
    let public = SocketAddr::from(([9, 9, 9, 9], 80));
    for purpose in [Purpose::Page, Purpose::Webhook] {
        let first = open
            .check(&Url::parse("http://public.example/").expect("a valid constant"), purpose)
            .expect("a public URL");
        let redirected = [(&open, Some(public)), (&open, None), (&closed, Some(public))];
        let redirected = redirected.map(|(guard, responder)| guard.check_redirect(&first, responder, &url));
        for allowed in [closed.check(&url, purpose)].into_iter().chain(redirected).flatten() {
            check(&allowed);
            let has_name = matches!(allowed.url().host(), Some(Host::Domain(_)));
            let name = allowed.url().host_str().unwrap_or_default();
            if has_name && closed.check_resolved(purpose, name, &resolved).is_ok() {
                assert!(resolved.iter().all(|ip| is_reachable(*ip)), "{url} may resolve to {resolved:?}");
            }
        }
    }
}

fn check(allowed: &AllowedUrl) {
    let url = allowed.url();
    assert!(matches!(url.scheme(), "http" | "https"), "{url}");
    assert!(url.username().is_empty() && url.password().is_none(), "{url}");
    assert!(url.port_or_known_default().is_some_and(|port| !(1..80).contains(&port)), "{url}");
    assert_eq!(Url::parse(url.as_str()).as_ref(), Ok(url), "serialization is unambiguous");
    match url.host().expect("an http URL has a host") {
        Host::Ipv4(ip) => assert!(is_reachable(ip.into()), "{url}"),
        Host::Ipv6(ip) => assert!(is_reachable(ip.into()), "{url}"),
        Host::Domain(name) => {
            let name = name.trim_end_matches('.');
            assert!(name != "localhost" && !name.ends_with(".localhost"), "{url}");
            assert!(name.parse::<IpAddr>().is_err(), "{url}: an address, not a name");
        }
    }
}

fn is_reachable(address: IpAddr) -> bool {
    let known = REGISTRIES.iter().map(|(net, reachable)| (net.parse::<IpNet>().expect("a valid constant"), reachable));
    let longest = known.filter(|(net, _)| net.contains(&address)).max_by_key(|(net, _)| net.prefix_len());
    match address {
        IpAddr::V6(v6) if !(v6.is_loopback() || v6.is_unspecified()) => match embedded_v4(v6) {
            Some(embedded) => embedded.iter().all(|v4| is_reachable((*v4).into())),
            None => longest.is_some_and(|(_, reachable)| *reachable),
        },
        _ => longest.is_some_and(|(_, reachable)| *reachable),
    }
}

fn embedded_v4(address: Ipv6Addr) -> Option<Vec<Ipv4Addr>> {
    let contains = |net: &str| net.parse::<IpNet>().expect("a valid constant").contains(&IpAddr::V6(address));
    let (net, after) = EMBEDDING.iter().find(|(net, _)| contains(net))?;
    let at = |shift: u32| Ipv4Addr::from_bits((address.to_bits() >> shift) as u32);
    // Teredo: its server, and its client with all bits inverted.
    let client = (*net == "2001::/32").then(|| Ipv4Addr::from_bits(!(address.to_bits() as u32)));
    Some([at(*after)].into_iter().chain(client).collect())
}
