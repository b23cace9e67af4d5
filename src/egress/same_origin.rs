//! To whom credentials may go.

use url::Url;

/// Whether `url` belongs to the same party as `home`, so that what was meant for one may be sent to the other: the same
/// origin, or the same host after a change from `http` to `https` on the usual ports.
pub fn is_same_origin(home: &Url, url: &Url) -> bool {
    let upgraded = home.scheme() == "http" && url.scheme() == "https";
    let usual_ports = home.port().is_none() && url.port().is_none();
    home.origin() == url.origin() || (home.host() == url.host() && upgraded && usual_ports)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(home: &str, url: &str) -> bool {
        is_same_origin(&Url::parse(home).unwrap(), &Url::parse(url).unwrap())
    }

    #[test]
    fn only_the_origin_itself_and_its_encrypted_self_are_the_same_party() {
        assert!(same("http://a.example/x", "http://a.example:80/y"));
        assert!(same("http://a.example/", "https://a.example/"));
        for other in ["http://b.example/", "http://a.example:81/", "http://x.a.example/", "https://a.example:8443/"] {
            assert!(!same("http://a.example/", other), "{other}");
        }
        assert!(!same("https://a.example/", "http://a.example/"), "not in the clear");
    }
}
