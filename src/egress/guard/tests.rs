use super::*;
use crate::egress::allowlist::Allowlist;
use crate::egress::port_policy::PortPolicy;
use Purpose::{Model, Page, Webhook};

fn url(raw: &str) -> Url {
    Url::parse(raw).unwrap_or_else(|error| panic!("{raw}: {error}"))
}

fn remote(raw: &str) -> Option<SocketAddr> {
    Some(raw.parse().unwrap())
}

const INTERNAL: [&str; 22] = [
    "http://127.0.0.1/",
    "http://127.1/",
    "http://2130706433/",
    "http://0x7f.1/",
    "http://0x7f000001/",
    "http://0177.0.0.01/",
    "http://127.0.0.1./",
    "http://①②⑦.⓪.⓪.①/",
    "http://%31%32%37.0.0.1/",
    "http://0/",
    "http://[::1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[0:0:0:0:0:ffff:7f00:1]/",
    "http://[64:ff9b::10.0.0.1]/",
    "http://[2002:7f00:1::]/",
    "http://10.0.0.1:8080/",
    "http://169.254.169.254/latest/",
    "http://public.example@127.0.0.1/",
    "http://127.0.0.1#@public.example/",
    "http://localhost/",
    "http://LOCALHOST./",
    "http://a.localhost/",
];

#[test]
fn closed_guard_blocks_internal_addresses_in_every_notation() {
    let guard = Guard::closed(Allowlist::default());
    for raw in INTERNAL {
        assert_eq!(guard.check(&url(raw), Page), Err(Blocked), "{raw}");
    }
    for raw in ["http://1.1.1.1/", "https://example.com/", "http://[2606:4700::1111]/"] {
        assert!(guard.check(&url(raw), Page).is_ok(), "{raw}");
    }
}

#[test]
fn open_guard_allows_internal_addresses() {
    let guard = Guard::open(Allowlist::default());
    for raw in INTERNAL {
        assert!(guard.check(&url(raw), Page).is_ok(), "{raw}");
    }
}

#[test]
fn only_http_and_https_are_allowed() {
    let guard = Guard::open(Allowlist::default());
    for raw in ["file:///etc/passwd", "ftp://example.com/", "gopher://127.0.0.1/", "data:text/html,x", "raw:<p>"] {
        assert_eq!(guard.check(&url(raw), Page), Err(Blocked), "{raw}");
        assert_eq!(guard.check_configured(&url(raw), Webhook), Err(Blocked), "{raw}");
    }
}

#[test]
fn allowlist_permits_names_and_networks() {
    let guard = Guard::closed(Allowlist::parse(["127.0.0.2/31", "localhost", "intranet.example"]).unwrap());
    assert!(guard.check(&url("http://127.0.0.3/"), Page).is_ok());
    assert!(guard.check(&url("http://localhost/"), Page).is_ok());
    assert!(guard.check(&url("http://127.0.0.1/"), Page).is_err());
    let internal = ["10.0.0.1".parse().unwrap()];
    assert_eq!(guard.check_resolved(Page, "intranet.example", &internal), Ok(()));
    assert_eq!(guard.check_resolved(Page, "other.example", &internal), Err(Blocked));
}

#[test]
fn one_internal_address_blocks_the_name() {
    let guard = Guard::closed(Allowlist::default());
    let mixed = ["1.1.1.1".parse().unwrap(), "fd00::1".parse().unwrap()];
    assert_eq!(guard.check_resolved(Page, "mixed.example", &mixed), Err(Blocked));
    assert_eq!(guard.check_resolved(Page, "public.example", &mixed[..1]), Ok(()));
}

#[test]
fn public_page_cannot_redirect_to_internal_address() {
    let guard = Guard::open(Allowlist::parse(["127.0.0.9"]).unwrap());
    let (first, inside) = (guard.check(&url("http://example.com/"), Page).unwrap(), url("http://127.0.0.1/"));
    assert_eq!(guard.check_redirect(&first, remote("1.1.1.1:80"), &inside), Err(Blocked));
    assert_eq!(guard.check_redirect(&first, None, &inside), Err(Blocked));
    assert!(guard.check_redirect(&first, remote("1.1.1.1:80"), &url("http://127.0.0.9/")).is_ok());
    // After a public hop, a name may not resolve to an internal address.
    let second = guard.check_redirect(&first, remote("1.1.1.1:80"), &url("http://other.example/")).unwrap();
    assert_eq!(second.scope(), NetworkScope::Public);
    let back = guard.check_redirect(&second, remote("127.0.0.9:80"), &inside);
    assert_eq!(back, Err(Blocked), "an allowed address in between does not restore the scope");
}

#[test]
fn internal_page_may_redirect_to_internal_address_with_open_guard() {
    let guard = Guard::open(Allowlist::default());
    let first = guard.check(&url("http://localhost/"), Page).unwrap();
    assert!(guard.check_redirect(&first, remote("127.0.0.1:80"), &url("http://10.0.0.1/")).is_ok());
    assert!(guard.check_redirect(&first, remote("[::1]:80"), &url("http://127.0.0.1/")).is_ok());
}

#[test]
fn configured_url_may_be_internal_but_not_its_redirects() {
    let guard = Guard::closed(Allowlist::default());
    let hook = guard.check_configured(&url("http://10.0.0.1/hook"), Webhook).unwrap();
    assert!(guard.check_redirect(&hook, remote("10.0.0.1:80"), &url("http://10.0.0.2/")).is_ok());
    let hook = guard.check_configured(&url("http://hooks.example/"), Webhook).unwrap();
    assert_eq!(guard.check_redirect(&hook, remote("1.1.1.1:80"), &url("http://10.0.0.2/")), Err(Blocked));
}

#[test]
fn user_name_and_password_are_removed() {
    let allowed = Guard::open(Allowlist::default()).check(&url("http://me:secret@example.com/x?y#z"), Page).unwrap();
    assert_eq!(allowed.url().as_str(), "http://example.com/x?y#z");
    assert_eq!(allowed.authority(), "example.com");
}

#[test]
fn webhooks_and_models_have_separate_policy() {
    let list = |entry| Allowlist::parse([entry]).unwrap();
    let policy = EgressPolicy { webhooks: list("10.0.0.1"), ..EgressPolicy::from(list("10.0.0.9")) };
    let guard = Guard::closed(policy.clone());
    let hook = url("http://10.0.0.1/");
    assert!(guard.check(&hook, Webhook).is_ok() && guard.check(&hook, Page).is_err());
    let both = url("http://10.0.0.9/");
    assert!(guard.check(&both, Webhook).is_ok() && guard.check(&both, Page).is_ok());
    assert!(guard.check_configured(&url("http://10.0.0.7/"), Model).is_ok(), "no list of models");
    let guard = Guard::open(EgressPolicy { models: Some(list("10.0.0.8")), ..policy });
    assert!(guard.check_configured(&url("http://10.0.0.8/"), Model).is_ok());
    assert!(guard.check_configured(&both, Model).is_err() && guard.check_configured(&hook, Model).is_err());
    let elsewhere = guard.check_configured(&url("http://model.example/"), Model).unwrap();
    assert_eq!(elsewhere.scope(), NetworkScope::Public, "the resolved addresses are checked");
}

#[test]
fn denied_port_is_blocked_except_on_localhost_and_in_configured_urls() {
    let policy = || EgressPolicy { ports: PortPolicy::parse([], ["25"]).unwrap(), ..EgressPolicy::default() };
    let (open, closed) = (Guard::open(policy()), Guard::closed(policy()));
    for raw in ["http://1.1.1.1:25/", "http://mail.example:25/", "http://[2606:4700::1111]:25/"] {
        assert_eq!(closed.check(&url(raw), Page), Err(Blocked), "{raw}");
        assert_eq!(open.check(&url(raw), Page), Err(Blocked), "{raw}");
        assert!(closed.check_configured(&url(raw), Webhook).is_ok(), "{raw}");
    }
    assert_eq!(open.check(&url("http://10.0.0.1:25/"), Page), Err(Blocked));
    for raw in ["http://127.0.0.1:25/", "http://localhost:25/", "http://[::1]:25/"] {
        assert!(open.check(&url(raw), Page).is_ok(), "{raw}");
    }
    let page = open.check(&url("http://page.example/"), Page).unwrap();
    assert_eq!(open.check_redirect(&page, remote("1.1.1.1:80"), &url("http://mail.example:25/")), Err(Blocked));
    let hook = closed.check_configured(&url("http://127.0.0.1/"), Webhook).unwrap();
    assert_eq!(closed.check_redirect(&hook, remote("127.0.0.1:80"), &url("http://127.0.0.1:25/")), Err(Blocked));
}

#[test]
fn path_change_keeps_network_scope() {
    let guard = Guard::open(Allowlist::default());
    let page = guard.check(&url("http://page.example/a?b#c"), Page).unwrap();
    let led = guard.check_redirect(&page, remote("1.1.1.1:80"), &url("http://other.example/a?b#c")).unwrap();
    let robots = led.with_path("/robots.txt");
    assert_eq!((robots.url().as_str(), robots.scope()), ("http://other.example/robots.txt", NetworkScope::Public));
}

#[test]
fn linked_urls_never_lead_to_own_ports() {
    let guard = Guard::open(Allowlist::default());
    guard.own_ports().add(11235);
    for host in
        ["127.0.0.1", "127.9.9.9", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "[::]", "localhost", "a.localhost."]
    {
        let own = url(&format!("http://{host}:11235/jobs"));
        assert_eq!(guard.check_linked(&own, Page, true), Err(Blocked), "{host}");
        assert!(guard.check_linked(&url(&format!("http://{host}:8080/")), Page, true).is_ok(), "{host}");
    }
    assert!(guard.check(&url("http://127.0.0.1:11235/"), Page).is_ok(), "a request may name it");
}
