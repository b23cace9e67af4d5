//! Public IP addresses, by the IANA special-purpose address registries.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether the address is globally reachable. For an IPv6 address that embeds an IPv4 address (v4-mapped, v4-compatible,
/// NAT64, 6to4, Teredo), the embedded address decides.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => match embedded_v4(v6) {
            Some(embedded) => embedded.into_iter().all(is_public_v4),
            None => is_public_v6(v6),
        },
    }
}

/// RFC 6890 and its updates, including the public addresses within reserved blocks.
fn is_public_v4(address: Ipv4Addr) -> bool {
    match address.octets() {
        [192, 0, 0, last] => matches!(last, 9 | 10),
        [0 | 10 | 127, ..]
        | [100, 64..=127, ..]
        // The metadata service of Azure (WireServer).
        | [168, 63, 129, 16]
        | [169, 254, ..]
        | [172, 16..=31, ..]
        | [192, 0, 2, _]
        | [192, 88, 99, _]
        | [192, 168, ..]
        | [198, 18 | 19, ..]
        | [198, 51, 100, _]
        | [203, 0, 113, _]
        | [224..=255, ..] => false,
        _ => true,
    }
}

/// Only 2000::/3 is allocated; some blocks in it are reserved.
fn is_public_v6(address: Ipv6Addr) -> bool {
    match address.segments() {
        // The globally reachable blocks of 2001::/23 (protocol assignments).
        [0x2001, 1, 0, 0, 0, 0, 0, 1..=3] | [0x2001, 3, ..] | [0x2001, 4, 0x112, ..] | [0x2001, 0x20..=0x3f, ..] => {
            true
        }
        [0x2001, 0..=0x1ff, ..] | [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => false,
        [0x2000..=0x3fff, ..] => true,
        _ => false,
    }
}

/// The IPv4 addresses that an IPv6 address embeds.
fn embedded_v4(address: Ipv6Addr) -> Option<Vec<Ipv4Addr>> {
    let v4 = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => None,
        // v4-compatible, v4-mapped, v4-translated (RFC 2765), NAT64 (RFC 6052)
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(vec![v4(high, low)]),
        // 6to4 (RFC 3056)
        [0x2002, high, low, ..] => Some(vec![v4(high, low)]),
        // Teredo (RFC 4380): its server, and its client with all bits inverted
        [0x2001, 0, server_high, server_low, _, _, high, low] => {
            Some(vec![v4(server_high, server_low), v4(!high, !low)])
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_public(public: bool, addresses: &[&str]) {
        for raw in addresses {
            assert_eq!(is_public(raw.parse().expect("an address")), public, "{raw}");
        }
    }

    #[test]
    fn special_purpose_ipv4_blocks_are_not_public() {
        assert_public(
            false,
            &["0.0.0.0", "0.255.255.255", "10.0.0.0", "10.255.255.255", "100.64.0.0", "100.127.255.255"],
        );
        assert_public(
            false,
            &["127.0.0.1", "127.255.255.255", "169.254.0.0", "169.254.169.254", "172.16.0.0", "168.63.129.16"],
        );
        assert_public(false, &["172.31.255.255", "192.0.0.0", "192.0.0.8", "192.0.0.11", "192.0.0.170", "192.0.2.1"]);
        assert_public(false, &["192.88.99.1", "192.168.0.0", "192.168.255.255", "198.18.0.0", "198.19.255.255"]);
        assert_public(
            false,
            &["198.51.100.7", "203.0.113.7", "224.0.0.1", "239.1.2.3", "240.0.0.1", "255.255.255.255"],
        );
        assert_public(
            true,
            &["1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255"],
        );
        assert_public(
            true,
            &["128.0.0.0", "169.253.255.255", "172.15.255.255", "172.32.0.0", "192.0.0.9", "192.0.0.10"],
        );
        assert_public(
            true,
            &["192.0.1.1", "192.31.196.1", "192.52.193.1", "192.175.48.1", "198.17.255.255", "198.20.0.0"],
        );
        assert_public(true, &["203.0.112.1", "203.0.114.1", "223.255.255.255"]);
    }

    #[test]
    fn special_purpose_ipv6_blocks_are_not_public() {
        assert_public(
            false,
            &["::", "::1", "64:ff9b:1::1", "100::1", "100:0:0:1::1", "2001:1::", "2001:1::4", "2001:2::1"],
        );
        assert_public(
            false,
            &["2001:10::1", "2001:1ff::1", "2001:db8::1", "3fff::1", "3fff:fff::1", "5f00::1", "fc00::1"],
        );
        assert_public(
            false,
            &["fd12:3456::1", "fe80::1", "febf::1", "fec0::1", "ff02::1", "ff0e::1", "4000::1", "1fff::1"],
        );
        assert_public(true, &["2001:1::1", "2001:1::2", "2001:1::3", "2001:3::1", "2001:4:112::1", "2001:20::1"]);
        assert_public(
            true,
            &["2001:3f::1", "2001:200::1", "2001:4860:4860::8888", "2606:4700::1111", "2620:4f:8000::1"],
        );
        assert_public(true, &["2a00:1450::1", "3fff:1000::1", "2001:db9::1"]);
    }

    #[test]
    fn embedded_ipv4_address_decides() {
        assert_public(false, &["::ffff:127.0.0.1", "::ffff:10.1.2.3", "::127.0.0.1", "::ffff:0:192.168.0.1"]);
        assert_public(false, &["64:ff9b::127.0.0.1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2002:c0a8:1::1"]);
        assert_public(true, &["::ffff:1.1.1.1", "::1.1.1.1", "64:ff9b::1.1.1.1", "2002:101:101::1"]);
        // Teredo: server 1.1.1.1 with client 127.0.0.1; an internal server; server and client public.
        assert_public(false, &["2001:0:101:101:0:0:80ff:fffe", "2001:0:7f00:1:0:0:fefe:fefe"]);
        assert_public(true, &["2001:0:101:101:0:0:fefe:fefe"]);
    }
}
