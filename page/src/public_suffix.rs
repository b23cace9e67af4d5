//! The registrable domain of a host, from the Public Suffix List.

use url::{Host, Url};

/// The registrable domain of a URL's host: `example.co.uk` for `www.example.co.uk`. An IP address, a single-label name
/// or a public suffix is returned unchanged; empty if the URL has no host.
pub(crate) fn registrable_domain(url: &Url) -> &str {
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
    use super::registrable_domain;

    #[test]
    fn registrable_domain_is_one_label_above_the_public_suffix() {
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
            assert_eq!(registrable_domain(&url::Url::parse(url).unwrap()), domain, "{url}");
        }
    }
}
