//! Which IP addresses belong to the public Internet, by the IANA registries of special-purpose addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether packets to this address leave for the public Internet. An address that carries an IPv4 address inside
/// (v4-mapped, v4-compatible, NAT64, 6to4, Teredo) is judged by what it carries.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => match carried(v6) {
            Some(inside) => inside.into_iter().all(is_public_v4),
            None => is_public_v6(v6),
        },
    }
}

/// RFC 6890 and its successors; where a block is reserved but for a few addresses, those are public.
fn is_public_v4(address: Ipv4Addr) -> bool {
    match address.octets() {
        [192, 0, 0, last] => matches!(last, 9 | 10),
        [0 | 10 | 127, ..]
        | [100, 64..=127, ..]
        // Every machine of Azure's finds its host there, and it hands out what the machine may know.
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

/// Of IPv6 only 2000::/3 has been given out; within it some blocks are reserved.
fn is_public_v6(address: Ipv6Addr) -> bool {
    match address.segments() {
        // 2001::/23 is for protocols; these are the parts of it that are reached like any other address.
        [0x2001, 1, 0, 0, 0, 0, 0, 1..=3] | [0x2001, 3, ..] | [0x2001, 4, 0x112, ..] | [0x2001, 0x20..=0x3f, ..] => {
            true
        }
        [0x2001, 0..=0x1ff, ..] | [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => false,
        [0x2000..=0x3fff, ..] => true,
        _ => false,
    }
}

/// The IPv4 addresses that an IPv6 address stands for or leads to.
fn carried(address: Ipv6Addr) -> Option<Vec<Ipv4Addr>> {
    let v4 = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => None,
        // v4-compatible, v4-mapped, v4-translated (RFC 2765), NAT64 (RFC 6052)
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(vec![v4(high, low)]),
        // 6to4 (RFC 3056)
        [0x2002, high, low, ..] => Some(vec![v4(high, low)]),
        // Teredo (RFC 4380): its server, and its client with all bits turned
        [0x2001, 0, server_high, server_low, _, _, high, low] => {
            Some(vec![v4(server_high, server_low), v4(!high, !low)])
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all_are(public: bool, addresses: &[&str]) {
        for raw in addresses {
            assert_eq!(is_public(raw.parse().expect("an address")), public, "{raw}");
        }
    }

    #[test]
    fn the_special_purpose_blocks_of_ipv4_are_not_public_up_to_their_edges() {
        all_are(false, &["0.0.0.0", "0.255.255.255", "10.0.0.0", "10.255.255.255", "100.64.0.0", "100.127.255.255"]);
        all_are(
            false,
            &["127.0.0.1", "127.255.255.255", "169.254.0.0", "169.254.169.254", "172.16.0.0", "168.63.129.16"],
        );
        all_are(false, &["172.31.255.255", "192.0.0.0", "192.0.0.8", "192.0.0.11", "192.0.0.170", "192.0.2.1"]);
        all_are(false, &["192.88.99.1", "192.168.0.0", "192.168.255.255", "198.18.0.0", "198.19.255.255"]);
        all_are(false, &["198.51.100.7", "203.0.113.7", "224.0.0.1", "239.1.2.3", "240.0.0.1", "255.255.255.255"]);
        all_are(true, &["1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255"]);
        all_are(true, &["128.0.0.0", "169.253.255.255", "172.15.255.255", "172.32.0.0", "192.0.0.9", "192.0.0.10"]);
        all_are(true, &["192.0.1.1", "192.31.196.1", "192.52.193.1", "192.175.48.1", "198.17.255.255", "198.20.0.0"]);
        all_are(true, &["203.0.112.1", "203.0.114.1", "223.255.255.255"]);
    }

    #[test]
    fn the_special_purpose_blocks_of_ipv6_are_not_public_up_to_their_edges() {
        all_are(false, &["::", "::1", "64:ff9b:1::1", "100::1", "100:0:0:1::1", "2001:1::", "2001:1::4", "2001:2::1"]);
        all_are(false, &["2001:10::1", "2001:1ff::1", "2001:db8::1", "3fff::1", "3fff:fff::1", "5f00::1", "fc00::1"]);
        all_are(false, &["fd12:3456::1", "fe80::1", "febf::1", "fec0::1", "ff02::1", "ff0e::1", "4000::1", "1fff::1"]);
        all_are(true, &["2001:1::1", "2001:1::2", "2001:1::3", "2001:3::1", "2001:4:112::1", "2001:20::1"]);
        all_are(true, &["2001:3f::1", "2001:200::1", "2001:4860:4860::8888", "2606:4700::1111", "2620:4f:8000::1"]);
        all_are(true, &["2a00:1450::1", "3fff:1000::1", "2001:db9::1"]);
    }

    #[test]
    fn an_ipv6_address_that_carries_an_ipv4_address_is_judged_by_it() {
        all_are(false, &["::ffff:127.0.0.1", "::ffff:10.1.2.3", "::127.0.0.1", "::ffff:0:192.168.0.1"]);
        all_are(false, &["64:ff9b::127.0.0.1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2002:c0a8:1::1"]);
        all_are(true, &["::ffff:1.1.1.1", "::1.1.1.1", "64:ff9b::1.1.1.1", "2002:101:101::1"]);
        // Teredo: server 1.1.1.1; client 127.0.0.1, then 1.1.1.1; then a server that is internal.
        all_are(false, &["2001:0:101:101:0:0:80ff:fffe", "2001:0:7f00:1:0:0:fefe:fefe"]);
        all_are(true, &["2001:0:101:101:0:0:fefe:fefe"]);
    }
}
