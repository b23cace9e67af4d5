//! For whom a request says it is, and which site sent it: against browsers that are made to ask by somebody's page.

use std::net::IpAddr;

use actix_web::http::header::{HOST, HeaderMap, ORIGIN};

/// The names under which this server may be asked.
#[derive(Clone, Debug)]
pub struct HostCheck {
    /// `None`: any.
    names: Option<Vec<String>>,
    /// Other sites whose pages may ask.
    origins: Vec<String>,
}

impl HostCheck {
    /// `trusted`: host names, `*.example.com` for all below one, `*` for any. Bound to loopback, only this machine's own
    /// names are good besides: a page whose name was made to lead here is asked for under its own name (DNS rebinding).
    /// With `needs_token`, no page can ask anyway, and `*` is taken at its word.
    pub fn new(bound: IpAddr, trusted: &[String], origins: &[String], needs_token: bool) -> Self {
        let any = trusted.iter().any(|name| name == "*");
        let checked = if bound.is_loopback() { !(any && needs_token) } else { !trusted.is_empty() && !any };
        let names = checked.then(|| {
            let own = ["localhost".to_owned(), "127.0.0.1".to_owned(), "[::1]".to_owned(), literal(bound)];
            own.into_iter().chain(trusted.iter().map(|name| name.to_ascii_lowercase())).collect()
        });
        Self { names, origins: origins.to_vec() }
    }

    /// Whether the request is for one of our names, on any port. Without a name it comes from no browser.
    pub fn allows_host(&self, headers: &HeaderMap) -> bool {
        let (Some(names), Some(host)) = (&self.names, headers.get(HOST)) else { return true };
        let Ok(host) = host.to_str() else { return false };
        let name = without_port(host).to_ascii_lowercase();
        let name = name.strip_suffix('.').unwrap_or(&name);
        headers.get_all(HOST).count() == 1
            && names.iter().any(|known| match known.strip_prefix('*') {
                Some(domain) => domain.starts_with('.') && name.len() > domain.len() && name.ends_with(domain),
                None => known == name,
            })
    }

    /// Whether a browser says that another site's page made it ask, and nobody allowed that site.
    pub fn is_cross_site(&self, headers: &HeaderMap) -> bool {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let origin = headers.get(ORIGIN).map(|origin| origin.to_str().unwrap_or_default());
        if origin.is_some_and(|origin| self.origins.iter().any(|known| known == origin)) {
            return false;
        }
        match text("sec-fetch-site") {
            Some(site) => matches!(site, "cross-site" | "same-site"),
            // A browser of old: the origin is ours if it ends in the name under which we are asked.
            None => origin.is_some_and(|origin| {
                let own = origin.split_once("://").map(|(_, host)| host);
                own.is_none() || own != text("host")
            }),
        }
    }
}

fn literal(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    }
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

    fn hosts(bound: &str, trusted: &[&str], needs_token: bool) -> HostCheck {
        let trusted: Vec<_> = trusted.iter().map(|name| (*name).to_owned()).collect();
        HostCheck::new(bound.parse().expect("an address"), &trusted, &["https://app.example".to_owned()], needs_token)
    }

    #[test]
    fn on_loopback_only_this_machines_own_names_are_ours() {
        let hosts = hosts("127.0.0.1", &["crawl.lan", "*.wide.lan"], false);
        for host in [
            "localhost",
            "LOCALHOST:11235",
            "localhost.",
            "127.0.0.1",
            "127.0.0.1:80",
            "[::1]",
            "[::1]:11235",
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
            "0.0.0.0",
            "127.1",
        ] {
            assert!(!hosts.allows_host(&headers(&[("host", host)])), "{host}");
        }
        assert!(hosts.allows_host(&headers(&[])));
        assert!(!hosts.allows_host(&headers(&[("host", "localhost"), ("host", "evil.example")])));
    }

    #[test]
    fn where_others_can_reach_it_names_are_checked_once_some_are_given() {
        let ours = |bound, trusted: &[&str], needs_token, host| {
            hosts(bound, trusted, needs_token).allows_host(&headers(&[("host", host)]))
        };
        assert!(ours("0.0.0.0", &[], true, "any.example"));
        assert!(ours("0.0.0.0", &["*"], true, "any.example"));
        assert!(!ours("0.0.0.0", &["crawl.lan"], true, "any.example"));
        assert!(ours("0.0.0.0", &["crawl.lan"], true, "localhost:11235"));
        assert!(ours("127.0.0.1", &["*"], true, "any.example"));
        assert!(!ours("127.0.0.1", &["*"], false, "any.example"));
        assert!(ours("127.0.0.2", &[], false, "127.0.0.2:11235"));
    }

    #[test]
    fn what_another_sites_page_asks_is_foreign_unless_that_site_is_allowed() {
        let hosts = hosts("127.0.0.1", &[], false);
        for (given, foreign) in [
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
            assert_eq!(hosts.is_cross_site(&headers(given)), foreign, "{given:?}");
        }
    }
}
