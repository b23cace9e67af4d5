//! The registrable domain of a host, by the public suffix list.

use url::{Host, Url};

/// `example.co.uk` of `www.example.co.uk`; an IP address, a bare name or a suffix of its own is returned whole. Empty
/// for an address without a host.
pub(crate) fn registrable(url: &Url) -> &str {
    match url.host() {
        Some(Host::Domain(host)) => {
            let host = host.strip_suffix('.').unwrap_or(host);
            psl::domain_str(host).unwrap_or(host)
        }
        Some(_) => url.host_str().unwrap_or_default(),
        None => "",
    }
}

#[cfg(test)]
mod tests {
    use super::registrable;

    #[test]
    fn the_registrable_domain_is_what_somebody_could_buy() {
        for (url, domain) in [
            ("https://www.example.com/a", "example.com"),
            ("https://a.b.example.co.uk", "example.co.uk"),
            ("https://EXAMPLE.com.", "example.com"),
            ("https://user.github.io/", "user.github.io"),
            ("http://127.0.0.1:8101/p", "127.0.0.1"),
            ("http://[::1]:80/", "[::1]"),
            ("http://localhost:3000/", "localhost"),
            ("http://intranet/", "intranet"),
            ("http://co.uk/", "co.uk"),
            ("about:blank", ""),
        ] {
            assert_eq!(registrable(&url::Url::parse(url).unwrap()), domain, "{url}");
        }
    }
}
