//! Which URLs may receive the credentials of another.

use url::Url;

/// Whether credentials for `first` may be sent to `url`: to the same origin, or to the same host after an upgrade from
/// `http` to `https` on the default ports.
pub fn is_same_origin(first: &Url, url: &Url) -> bool {
    let is_upgrade = first.scheme() == "http" && url.scheme() == "https";
    let default_ports = first.port().is_none() && url.port().is_none();
    first.origin() == url.origin() || (first.host() == url.host() && is_upgrade && default_ports)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(first: &str, url: &str) -> bool {
        is_same_origin(&Url::parse(first).unwrap(), &Url::parse(url).unwrap())
    }

    #[test]
    fn only_same_origin_and_its_https_upgrade_match() {
        assert!(same("http://a.example/x", "http://a.example:80/y"));
        assert!(same("http://a.example/", "https://a.example/"));
        for other in ["http://b.example/", "http://a.example:81/", "http://x.a.example/", "https://a.example:8443/"] {
            assert!(!same("http://a.example/", other), "{other}");
        }
        assert!(!same("https://a.example/", "http://a.example/"), "a downgrade");
    }
}
