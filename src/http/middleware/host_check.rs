//! Checks `Host` and `Origin`, against requests that another site's page makes a browser send.

use std::net::{Ipv4Addr, Ipv6Addr};

use actix_web::http::header::{HOST, HeaderMap, ORIGIN};

/// The host names of this server and the sites that may send requests.
#[derive(Clone, Debug)]
pub struct HostCheck {
    /// `None`: any.
    names: Option<Vec<String>>,
    /// Sites whose pages may send requests.
    origins: Vec<String>,
}

impl HostCheck {
    /// `trusted`: host names, `*.example.com` for all subdomains, `*` for any name. Without a token they are always checked,
    /// against DNS rebinding, and `*` has no effect. With a token, which a page does not have, only if some are configured.
    pub fn new(trusted: &[String], origins: &[String], requires_token: bool) -> Self {
        let any = trusted.iter().any(|name| name == "*");
        let is_checked = !requires_token || !trusted.is_empty() && !any;
        let names = is_checked.then(|| trusted.iter().map(|name| name.to_ascii_lowercase()).collect());
        Self { names, origins: origins.to_vec() }
    }

    /// Whether `Host` is one of the names or cannot be rebound, on any port. A request without `Host` is not from a browser.
    pub fn allows_host(&self, headers: &HeaderMap) -> bool {
        let (Some(names), Some(host)) = (&self.names, headers.get(HOST)) else { return true };
        let Ok(host) = host.to_str() else { return false };
        let name = without_port(host).to_ascii_lowercase();
        let name = name.strip_suffix('.').unwrap_or(&name);
        let is_known = |known: &String| match known.strip_prefix('*') {
            Some(domain) => domain.starts_with('.') && name.len() > domain.len() && name.ends_with(domain),
            None => known == name,
        };
        headers.get_all(HOST).count() == 1 && (is_local(name) || names.iter().any(is_known))
    }

    /// Whether `Origin` is absent, the host of the request, or an allowed site.
    pub fn allows_origin(&self, headers: &HeaderMap) -> bool {
        let mut origins = headers.get_all(ORIGIN);
        let Some(origin) = origins.next() else { return true };
        let origin = origin.to_str().unwrap_or_default();
        let is_allowed = || self.origins.iter().any(|known| known == origin);
        let is_own = || {
            let host = headers.get(HOST).and_then(|host| host.to_str().ok());
            origin.split_once("://").is_some_and(|(_, own)| host.is_some_and(|host| own.eq_ignore_ascii_case(host)))
        };
        origins.next().is_none() && (is_allowed() || is_own())
    }

    /// Whether the headers of a browser name another site as the sender, unless that site is allowed.
    pub fn is_cross_site(&self, headers: &HeaderMap) -> bool {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let origin = headers.get(ORIGIN).map(|origin| origin.to_str().unwrap_or_default());
        if origin.is_some_and(|origin| self.origins.iter().any(|known| known == origin)) {
            return false;
        }
        match text("sec-fetch-site") {
            Some(site) => matches!(site, "cross-site" | "same-site"),
            // Older browsers: the origin must be the host of the request.
            None => origin.is_some_and(|origin| {
                let own = origin.split_once("://").map(|(_, host)| host);
                own.is_none() || own != text("host")
            }),
        }
    }
}

/// An IP address, or a name that public DNS does not resolve: `localhost` or another name without a dot, or Docker's name of
/// the host.
fn is_local(name: &str) -> bool {
    let is_single_label =
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    let ipv6 = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
    is_single_label
        || name == "host.docker.internal"
        || name.parse::<Ipv4Addr>().is_ok()
        || ipv6.is_some_and(|address| address.parse::<Ipv6Addr>().is_ok())
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && !name.is_empty() => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            let name: HeaderName = name.parse().expect("a name");
            map.append(name, HeaderValue::from_str(value).expect("a value"));
        }
        map
    }

    fn hosts(trusted: &[&str], requires_token: bool) -> HostCheck {
        let trusted: Vec<_> = trusted.iter().map(|name| (*name).to_owned()).collect();
        HostCheck::new(&trusted, &["https://app.example".to_owned()], requires_token)
    }

    #[test]
    fn without_a_token_only_local_and_trusted_names_are_allowed() {
        let hosts = hosts(&["crawl.lan", "*.wide.lan", "*"], false);
        for host in [
            "localhost",
            "LOCALHOST:11235",
            "localhost.",
            "127.0.0.1:80",
            "192.0.2.7",
            "[::1]:11235",
            "opilio:11235",
            "host.docker.internal",
            "crawl.lan",
            "Crawl.lan:8080",
            "a.wide.lan",
            "a.b.wide.lan:1",
        ] {
            assert!(hosts.allows_host(&headers(&[("host", host)])), "{host}");
        }
        for host in [
            "evil.example",
            "localhost.evil.example",
            "evil.example:11235",
            "127.0.0.1.evil.example",
            "wide.lan",
            ".wide.lan",
            "awide.lan",
            "",
            ":80",
            "localhost:x",
            "localhost:80:80",
            "[::1",
            "::1",
            "127.1",
        ] {
            assert!(!hosts.allows_host(&headers(&[("host", host)])), "{host}");
        }
        assert!(hosts.allows_host(&headers(&[])));
        assert!(!hosts.allows_host(&headers(&[("host", "localhost"), ("host", "evil.example")])));
    }

    #[test]
    fn with_a_token_names_are_checked_only_if_configured() {
        let allows = |trusted: &[&str], host| hosts(trusted, true).allows_host(&headers(&[("host", host)]));
        assert!(allows(&[], "any.example"));
        assert!(allows(&["*"], "any.example"));
        assert!(!allows(&["crawl.lan"], "any.example"));
        assert!(allows(&["crawl.lan"], "localhost:11235"));
    }

    #[test]
    fn origin_must_be_this_server_or_an_allowed_site() {
        let hosts = hosts(&[], true);
        let host = ("host", "localhost:11235");
        for (origin, allowed) in [
            (&[][..], true),
            (&[("origin", "http://localhost:11235")], true),
            (&[("origin", "https://LOCALHOST:11235")], true),
            (&[("origin", "https://app.example")], true),
            (&[("origin", "http://localhost:3000")], false),
            (&[("origin", "https://evil.example")], false),
            (&[("origin", "null")], false),
            (&[("origin", "")], false),
            (&[("origin", "http://localhost:11235"), ("origin", "https://evil.example")], false),
        ] {
            let given: Vec<_> = origin.iter().copied().chain([host]).collect();
            assert_eq!(hosts.allows_origin(&headers(&given)), allowed, "{origin:?}");
        }
        assert!(!hosts.allows_origin(&headers(&[("origin", "http://localhost:11235")])));
    }

    #[test]
    fn request_of_another_site_is_cross_site_unless_allowed() {
        let hosts = hosts(&[], false);
        for (given, cross_site) in [
            (&[("sec-fetch-site", "cross-site")][..], true),
            (&[("sec-fetch-site", "same-site"), ("origin", "http://localhost:3000")], true),
            (&[("sec-fetch-site", "same-origin"), ("origin", "http://localhost:11235")], false),
            (&[("sec-fetch-site", "none")], false),
            (&[("origin", "https://evil.example"), ("host", "localhost:11235")], true),
            (&[("origin", "null"), ("host", "localhost:11235")], true),
            (&[("origin", "http://localhost:11235"), ("host", "localhost:11235")], false),
            (&[("origin", "https://app.example"), ("sec-fetch-site", "cross-site")], false),
            (&[("host", "localhost:11235")], false),
            (&[], false),
        ] {
            assert_eq!(hosts.is_cross_site(&headers(given)), cross_site, "{given:?}");
        }
    }
}
