//! A DNS server (RFC 1035, UDP). A name below `at.example` encodes its addresses; all other names except the public ones
//! resolve to loopback, so an address that is misread as a name leads to an internal address.
//!
//! `7f000001.at.example`: one address, in hexadecimal; `09090909-7f000001.at.example`: both;
//! `09090909.7f000001.at.example`: alternates between lookups, beginning with the first.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};

const A: u16 = 1;
const AAAA: u16 = 28;

/// Responds until the test ends.
pub fn serve() {
    let socket = UdpSocket::bind("127.0.0.1:53").expect("a free port");
    std::thread::spawn(move || {
        let (mut lookups, mut buffer) = (HashMap::new(), [0; 512]);
        while let Ok((length, from)) = socket.recv_from(&mut buffer) {
            if let Some(response) = response(&buffer[..length], &mut lookups) {
                let _ = socket.send_to(&response, from);
            }
        }
    });
}

fn response(query: &[u8], lookups: &mut HashMap<(String, u16), usize>) -> Option<Vec<u8>> {
    let (mut name, mut at) = (Vec::new(), 12);
    while query.get(at)? != &0 {
        let end = at + 1 + usize::from(query[at]);
        name.push(String::from_utf8_lossy(query.get(at + 1..end)?).to_ascii_lowercase());
        at = end;
    }
    let kind = u16::from_be_bytes([*query.get(at + 1)?, *query.get(at + 2)?]);
    let count = lookups.entry((name.join("."), kind)).or_default();
    let found = addresses(&name, *count).into_iter().filter(|ip| kind == if ip.is_ipv4() { A } else { AAAA });
    let found: Vec<_> = found.collect();
    *count += 1;
    // Id of the query, authoritative, one question, the answers, TTL 0.
    let mut response = query[..2].to_vec();
    response.extend([0x84, 0, 0, 1, 0, u8::try_from(found.len()).ok()?, 0, 0, 0, 0]);
    response.extend(query.get(12..at + 5)?);
    for address in found {
        response.extend([0xc0, 12]);
        response.extend(kind.to_be_bytes());
        response.extend([0, 1, 0, 0, 0, 0]);
        let bytes = match address {
            IpAddr::V4(v4) => v4.octets().to_vec(),
            IpAddr::V6(v6) => v6.octets().to_vec(),
        };
        response.extend(u16::try_from(bytes.len()).ok()?.to_be_bytes());
        response.extend(bytes);
    }
    Some(response)
}

fn addresses(name: &[String], count: usize) -> Vec<IpAddr> {
    match name {
        [steps @ .., at, example] if at == "at" && example == "example" && !steps.is_empty() => {
            steps[count % steps.len()].split('-').filter_map(address).collect()
        }
        [public, example] if public == "public" && example == "example" => vec![[9, 9, 9, 9].into()],
        [public, example] if public == "public6" && example == "example" => {
            vec![IpAddr::V6(Ipv6Addr::new(0x2620, 0xfe, 0, 0, 0, 0, 0, 9))]
        }
        _ => vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()],
    }
}

fn address(digits: &str) -> Option<IpAddr> {
    match digits.len() {
        8 => u32::from_str_radix(digits, 16).ok().map(|bits| Ipv4Addr::from(bits).into()),
        32 => u128::from_str_radix(digits, 16).ok().map(|bits| Ipv6Addr::from(bits).into()),
        _ => None,
    }
}

/// The name that resolves to this address.
pub fn name_of(address: IpAddr) -> String {
    format!("{}.at.example", digits(address))
}

pub fn digits(address: IpAddr) -> String {
    match address {
        IpAddr::V4(v4) => format!("{:08x}", u32::from(v4)),
        IpAddr::V6(v6) => format!("{:032x}", u128::from(v6)),
    }
}
