//! The DNS of the test's world (RFC 1035), on UDP alone. A name of `at.example` says itself what it resolves to; every
//! name that nobody made up resolves to this machine, so that an address misread as a name leads inside.
//!
//! `7f000001.at.example`: one address, in hexadecimal digits; `09090909-7f000001.at.example`: both;
//! `09090909.7f000001.at.example`: the first at every other look-up, beginning with the first.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};

const A: u16 = 1;
const AAAA: u16 = 28;

/// Answers until the test ends.
pub fn serve() {
    let socket = UdpSocket::bind("127.0.0.1:53").expect("port 53 is free in a namespace of our own");
    std::thread::spawn(move || {
        let (mut asked, mut buffer) = (HashMap::new(), [0; 512]);
        while let Ok((length, from)) = socket.recv_from(&mut buffer) {
            if let Some(answer) = answer(&buffer[..length], &mut asked) {
                let _ = socket.send_to(&answer, from);
            }
        }
    });
}

fn answer(query: &[u8], asked: &mut HashMap<(String, u16), usize>) -> Option<Vec<u8>> {
    let (mut name, mut at) = (Vec::new(), 12);
    while query.get(at)? != &0 {
        let end = at + 1 + usize::from(query[at]);
        name.push(String::from_utf8_lossy(query.get(at + 1..end)?).to_ascii_lowercase());
        at = end;
    }
    let kind = u16::from_be_bytes([*query.get(at + 1)?, *query.get(at + 2)?]);
    let count = asked.entry((name.join("."), kind)).or_default();
    let found = addresses(&name, *count).into_iter().filter(|ip| kind == if ip.is_ipv4() { A } else { AAAA });
    let found: Vec<_> = found.collect();
    *count += 1;
    // The query's id, an answer that is authoritative, one question, the answers, and no time to keep them.
    let mut reply = query[..2].to_vec();
    reply.extend([0x84, 0, 0, 1, 0, u8::try_from(found.len()).ok()?, 0, 0, 0, 0]);
    reply.extend(query.get(12..at + 5)?);
    for address in found {
        reply.extend([0xc0, 12]);
        reply.extend(kind.to_be_bytes());
        reply.extend([0, 1, 0, 0, 0, 0]);
        let bytes = match address {
            IpAddr::V4(v4) => v4.octets().to_vec(),
            IpAddr::V6(v6) => v6.octets().to_vec(),
        };
        reply.extend(u16::try_from(bytes.len()).ok()?.to_be_bytes());
        reply.extend(bytes);
    }
    Some(reply)
}

fn addresses(name: &[String], count: usize) -> Vec<IpAddr> {
    match name {
        [turns @ .., at, example] if at == "at" && example == "example" && !turns.is_empty() => {
            turns[count % turns.len()].split('-').filter_map(address).collect()
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
