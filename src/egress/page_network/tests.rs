use rustls::RootCertStore;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

use super::*;
use crate::egress::guard::Guard;
use crate::egress::testing::egress;
use crate::egress::{Allowlist, EgressPolicy};

/// The addresses of documentation networks are not public, so a public host is one that cannot be connected to here.
const PUBLIC: &str = "8.8.8.8";

async fn listener() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let port = listener.local_addr().expect("bound").port();
    (listener, port)
}

fn network(guard: Guard, names: &[(&'static str, &str)], home: &str) -> PageNetwork {
    let egress = egress(guard, names, RootCertStore::empty());
    let home = egress.guard().check(&Url::parse(home).expect("a URL"), Purpose::Page).expect("an allowed URL");
    PageNetwork::new(&egress, home)
}

fn open() -> Guard {
    Guard::open(EgressPolicy::default())
}

/// The decision for a host, without a connection.
async fn decide(network: &PageNetwork, host: &str, port: u16) -> Result<(), EgressError> {
    let url = target(host, port)?;
    network.egress.guard().check_subresource(&url, network.scope(&url))?;
    let addresses = match host.parse() {
        Ok(address) => vec![address],
        Err(_) => resolve(network.egress.lookup(), host).await?,
    };
    Ok(network.admit(&url, addresses).map(drop)?)
}

#[tokio::test]
async fn public_page_reaches_no_internal_address_on_open_server() {
    let names = [("site.example", PUBLIC), ("rebound.example", PUBLIC), ("rebound.example", "10.0.0.1")];
    let network = network(open(), &names, "http://site.example/");
    for host in ["127.0.0.1", "localhost", "10.0.0.1", "169.254.169.254", "::1", "::ffff:127.0.0.1"] {
        assert_eq!(decide(&network, host, 80).await, Err(EgressError::Blocked), "{host} before the page");
    }
    assert_eq!(decide(&network, "site.example", 80).await, Ok(()));
    for host in
        ["127.0.0.1", "localhost", "a.localhost", "2130706433", "10.0.0.1", "169.254.169.254", "rebound.example"]
    {
        assert_eq!(decide(&network, host, 80).await, Err(EgressError::Blocked), "{host} after the page");
    }
    assert_eq!(decide(&network, "8.8.4.4", 443).await, Ok(()));
}

#[tokio::test]
async fn home_at_a_public_address_cannot_move_to_an_internal_one() {
    let home = network(open(), &[("site.example", PUBLIC)], "http://site.example/");
    assert_eq!(decide(&home, "site.example", 80).await, Ok(()));
    let moved = network(open(), &[("site.example", "127.0.0.1")], "http://site.example/");
    *moved.reach() = home.reach().clone();
    assert_eq!(decide(&moved, "site.example", 80).await, Err(EgressError::Blocked));
}

#[tokio::test]
async fn internal_page_keeps_only_its_own_server_after_a_public_one() {
    let network = network(open(), &[], "http://127.0.0.1:3000/");
    assert_eq!(decide(&network, "127.0.0.1", 3000).await, Ok(()));
    assert_eq!(decide(&network, "10.0.0.1", 80).await, Ok(()));
    assert_eq!(decide(&network, PUBLIC, 80).await, Ok(()));
    assert_eq!(decide(&network, "10.0.0.1", 80).await, Err(EgressError::Blocked));
    assert_eq!(decide(&network, "127.0.0.1", 3001).await, Err(EgressError::Blocked));
    assert_eq!(decide(&network, "localhost", 3000).await, Err(EgressError::Blocked));
    assert_eq!(decide(&network, "127.0.0.1", 3000).await, Ok(()));
}

#[tokio::test]
async fn exposed_server_allows_only_listed_internal_addresses() {
    let allow = Allowlist::parse(["10.0.0.0/8", "wiki.example"]).expect("a list");
    let guard = Guard::closed(allow);
    let network = network(guard, &[("wiki.example", "192.168.0.1")], "http://10.0.0.1/");
    for (host, expected) in [
        ("10.0.0.1", Ok(())),
        ("10.9.9.9", Ok(())),
        ("wiki.example", Ok(())),
        ("192.168.0.1", Err(EgressError::Blocked)),
        ("127.0.0.1", Err(EgressError::Blocked)),
        (PUBLIC, Ok(())),
    ] {
        assert_eq!(decide(&network, host, 80).await, expected, "{host}");
    }
}

#[tokio::test]
async fn own_ports_are_never_reached() {
    let (_listener, port) = listener().await;
    let network = network(open(), &[("me.example", "127.0.0.2")], &format!("http://127.0.0.1:{port}/"));
    network.connect("127.0.0.1", port).await.expect("an ordinary port");
    network.own_ports().add(port);
    for host in ["127.0.0.1", "localhost", "me.example"] {
        let refused = network.connect(host, port).await.map(drop);
        assert!(refused.is_err(), "{host}");
    }
    assert_eq!(network.connect("127.0.0.1", port).await.map(drop), Err(EgressError::Blocked));
}

#[tokio::test]
async fn public_contact_revokes_other_internal_connections() {
    let ((_home, home_port), (other, other_port)) = (listener().await, listener().await);
    let network = network(open(), &[], &format!("http://127.0.0.1:{home_port}/"));
    let home = network.connect("127.0.0.1", home_port).await.expect("the page");
    let internal = network.connect("127.0.0.1", other_port).await.expect("a neighbour");
    assert!(home.revoked.is_none());
    let mut revoked = internal.revoked.expect("it can be revoked");
    assert!(!*revoked.borrow());
    assert_eq!(decide(&network, PUBLIC, 80).await, Ok(()));
    revoked.wait_for(|revoked| *revoked).await.expect("the network exists");
    drop(internal.stream);
    let (mut accepted, _) = other.accept().await.expect("a connection");
    assert_eq!(accepted.read(&mut [0; 1]).await.expect("the end"), 0);
}

#[tokio::test]
async fn failures_are_reported_as_over_http() {
    let (listener, port) = listener().await;
    drop(listener);
    let network = network(open(), &[], &format!("http://127.0.0.1:{port}/"));
    assert!(network.connect("127.0.0.1", port).await.is_err());
    let url = Url::parse(&format!("http://127.0.0.1:{port}/x")).expect("a URL");
    let error = network.failure(&url).expect("it failed");
    assert_eq!(error.to_string(), format!("Connection refused by 127.0.0.1:{port}"));
    assert!(error.is_transient());
    assert!(network.connect("missing.example", 80).await.is_err());
    let url = Url::parse("http://missing.example/").expect("a URL");
    assert_eq!(network.failure(&url).map(|error| error.to_string()), Some("DNS: no such host missing.example".into()));
}
