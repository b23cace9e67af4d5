//! Notations of internal addresses.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::Url;

use super::names::{digits, name_of};

const V4: [[u8; 4]; 9] = [
    [127, 0, 0, 1],
    [127, 255, 255, 254],
    [10, 0, 0, 1],
    [172, 16, 0, 1],
    [192, 168, 1, 1],
    [169, 254, 169, 254],
    [100, 64, 0, 1],
    [198, 18, 0, 1],
    [0, 0, 0, 0],
];

const V6: [&str; 18] = [
    "::",
    "::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "febf::1",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
    "100::1",
    "64:ff9b:1::1",
    "2001:2::1",
    "2001:10::1",
    "2001:db8::1",
    "3fff::1",
    "5f00::1",
    "4000::1",
    "1fff::1",
];

/// All URLs, without duplicates.
pub fn all() -> BTreeSet<String> {
    let mut urls = BTreeSet::new();
    for octets in V4 {
        let address = Ipv4Addr::from(octets);
        urls.extend(hosts_v4(octets).into_iter().map(|host| format!("http://{host}/")));
        urls.extend(embedding_v6(address).into_iter().map(|host| format!("http://{host}/")));
        urls.extend(ambiguous_urls(&address.to_string()));
        urls.insert(format!("http://{}/", name_of(address.into())));
    }
    for raw in V6 {
        let address: Ipv6Addr = raw.parse().expect("an address");
        urls.insert(format!("http://[{raw}]/"));
        urls.insert(format!("http://[{}]/", long(address)));
        urls.insert(format!("http://{}/", name_of(address.into())));
    }
    urls.extend(ambiguous_urls("[::1]"));
    urls.extend(ambiguous_urls("localhost"));
    urls.extend(names());
    urls
}

/// URLs that are valid in a `Location` header, and relative ones with unusual slashes.
pub fn redirect_targets() -> Vec<String> {
    let forms = |host: &str| {
        ["//", "\\\\", "/\\", "\\/", "///", "http:\\\\", "//public.example@", "//\t"]
            .map(|prefix| format!("{prefix}{host}/x"))
    };
    let relative = ["127.0.0.1", "0x7f.1", "[::1]", "localhost", "7f000001.at.example"].into_iter().flat_map(forms);
    all().into_iter().filter(|url| !url.contains(['\r', '\n']) && !is_same_host(url)).chain(relative).collect()
}

/// Whether the redirect stays on the page's host: `http:/127.0.0.1/` is a relative URL for a page with the scheme `http`.
fn is_same_host(url: &str) -> bool {
    let page = Url::parse("http://public.example/").expect("a constant");
    page.join(url).is_ok_and(|target| target.host_str() == page.host_str())
}

fn hosts_v4([a, b, c, d]: [u8; 4]) -> Vec<String> {
    let whole = u32::from_be_bytes([a, b, c, d]);
    let (low24, low16) = (whole & 0xff_ffff, whole & 0xffff);
    let dotted = format!("{a}.{b}.{c}.{d}");
    let spread = |dot: &str| [a, b, c, d].map(|part| part.to_string()).join(dot);
    let circled = |number: u8| -> String { number.to_string().bytes().map(|digit| ring(digit - b'0')).collect() };
    let wide = |number: u8| -> String { number.to_string().bytes().map(|digit| shift('0', digit)).collect() };
    let bold = |number: u8| -> String { number.to_string().bytes().map(|digit| shift('𝟎', digit)).collect() };
    let percent: String = dotted.bytes().map(|byte| format!("%{byte:02X}")).collect();
    vec![
        dotted.clone(),
        format!("{dotted}."),
        format!("{a}.{b}.{low16}"),
        format!("{a}.{low24}"),
        whole.to_string(),
        format!("{whole:#x}"),
        format!("0X{whole:08X}"),
        format!("0{whole:o}"),
        format!("0x00000000{whole:x}"),
        format!("{a:#x}.{b:#x}.{c:#x}.{d:#x}"),
        format!("0x{a:02X}.0x{b:02X}.0x{c:02X}.0x{d:02X}"),
        format!("0{a:o}.0{b:o}.0{c:o}.0{d:o}"),
        format!("0000{a:o}.0000{b:o}.0000{c:o}.0000{d:o}"),
        format!("{a:#x}.{b}.0{c:o}.{d}"),
        format!("0{a:o}.{b:#x}.{low16}"),
        format!("{a:#x}.{low24}"),
        format!("{a}.{low24:#x}"),
        format!("{a}.0{low24:o}"),
        format!("{a}.{b}.{low16:#x}."),
        spread("。"),
        spread("．"),
        spread("｡"),
        spread("%2e"),
        spread("%E3%80%82"),
        [a, b, c, d].map(circled).join("."),
        [a, b, c, d].map(wide).join("."),
        [a, b, c, d].map(bold).join("."),
        format!("{a}.{b}\u{ad}.{c}.{d}"),
        format!("{a}.{b}\u{200b}.{c}.{d}"),
        percent.clone(),
        percent.to_lowercase(),
        dotted.replace('0', "%30"),
        dotted.replace('1', "%EF%BC%91"),
    ]
}

/// A circled digit. Zero is in a separate block.
fn ring(digit: u8) -> char {
    if digit == 0 { '⓪' } else { char::from_u32('①' as u32 + u32::from(digit) - 1).expect("a digit") }
}

fn shift(zero: char, digit: u8) -> char {
    let zero = if zero == '0' { '０' } else { zero };
    char::from_u32(zero as u32 + u32::from(digit - b'0')).expect("a digit")
}

/// IPv6 addresses that embed an IPv4 address.
fn embedding_v6(v4: Ipv4Addr) -> Vec<String> {
    let bits = u32::from(v4);
    let (high, low) = (bits >> 16, bits & 0xffff);
    let mapped = v4.to_ipv6_mapped();
    vec![
        format!("[::ffff:{v4}]"),
        format!("[::FFFF:{high:X}:{low:X}]"),
        format!("[{}]", long(mapped)),
        format!("[0:0:0:0:0:ffff:{v4}]"),
        format!("[::{v4}]"),
        format!("[::ffff:0:{v4}]"),
        format!("[64:ff9b::{v4}]"),
        format!("[64:ff9b::{high:x}:{low:x}]"),
        format!("[2002:{high:x}:{low:x}::1]"),
        format!("[2001:0:{high:x}:{low:x}::f6f6:f6f6]"),
        format!("[2001:0:909:909:0:0:{:x}:{:x}]", high ^ 0xffff, low ^ 0xffff),
        name_of(IpAddr::V6(mapped)),
    ]
}

/// URLs in which parsers disagree about the host.
fn ambiguous_urls(host: &str) -> Vec<String> {
    [
        "http://{}:80/",
        "http://{}:8080/x",
        "https://{}/",
        "http://public.example@{}/",
        "http://public.example:80@{}/",
        "http://public.example%2F@{}/",
        "http://public.example%23@{}/",
        "http://a@public.example@{}/",
        "http://:@{}/",
        "http://{}#@public.example/",
        "http://{}?@public.example/",
        "http://{}/@public.example/",
        "http://{}\\@public.example/",
        "http://{}\\.public.example/",
        "http:{}/",
        "http:/{}/",
        "http:///{}/",
        "http:\\\\{}\\",
        "HTTP://{}/",
        "  http://{}/",
        "ht\ttp://{}/",
        "http://\t{}\r\n/",
    ]
    .map(|shape| shape.replace("{}", host))
    .into()
}

/// Names that resolve to an internal address: immediately or later, alone or among others.
fn names() -> Vec<String> {
    let loopback = IpAddr::from([127, 0, 0, 1]);
    let (public, internal) = (digits([9, 9, 9, 9].into()), digits(loopback));
    let v6 = digits("::1".parse().expect("an address"));
    [
        "localhost.".to_owned(),
        "LOCALHOST".to_owned(),
        "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ".to_owned(),
        "ｌｏｃａｌｈｏｓｔ".to_owned(),
        "%6c%6f%63%61%6c%68%6f%73%74".to_owned(),
        "a.localhost".to_owned(),
        "a.b.localhost.".to_owned(),
        "intranet".to_owned(),
        "router.local".to_owned(),
        "metadata.google.internal".to_owned(),
        "metadata.google.internal.".to_owned(),
        "127.0.0.1.nip.example".to_owned(),
        "xn--unknown.example".to_owned(),
        format!("{public}-{internal}.at.example"),
        format!("{internal}-{public}.at.example"),
        format!("{public}-{v6}.at.example"),
        format!("{v6}-{public}.at.example."),
        format!("{public}-{public}-{public}-{internal}.at.example"),
        format!("{}.at.example", [internal.clone(), v6.clone()].join("-")),
        format!("{internal}.{v6}.at.example"),
    ]
    .map(|host| format!("http://{host}/"))
    .into()
}

/// Names that alternate between public and internal addresses (DNS rebinding). Each step has an IPv4 address, because A and
/// AAAA lookups may be in different steps.
pub fn rebinding() -> Vec<String> {
    let (public, internal) = (digits([9, 9, 9, 9].into()), digits([127, 0, 0, 1].into()));
    let mapped = digits("::ffff:127.0.0.1".parse().expect("an address"));
    [
        format!("{public}.{internal}"),
        format!("{internal}.{public}"),
        format!("{public}.{public}.{internal}"),
        format!("{public}.{internal}.{internal}"),
        format!("{public}.{public}-{internal}"),
        format!("{public}.{internal}-{mapped}"),
    ]
    .map(|steps| format!("http://{steps}.at.example/"))
    .into()
}

fn long(address: Ipv6Addr) -> String {
    address.segments().map(|part| format!("{part:04X}")).join(":")
}
