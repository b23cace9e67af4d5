use opilio_actors::testing::until::{DEADLINE, until};
use rustls::RootCertStore;
use url::Url;

use super::*;
use crate::egress::testing::{Reply, TestServer, egress};
use crate::egress::{EgressPolicy, Guard, Purpose};

const GENEROUS: u64 = 1 << 30;

async fn proxy(home: &str, names: &[(&'static str, &str)], max_bytes: u64) -> SocksProxy {
    let egress = egress(Guard::open(EgressPolicy::default()), names, RootCertStore::empty());
    let home = egress.guard().check(&Url::parse(home).expect("a URL"), Purpose::Page).expect("an allowed URL");
    SocksProxy::start(PageNetwork::new(&egress, home), max_bytes).await.expect("a free port")
}

/// Sends a request and returns the stream and the code of the reply.
async fn request(proxy: &SocksProxy, command: u8, kind: u8, host: &[u8], port: u16) -> (TcpStream, u8) {
    let mut stream = TcpStream::connect(("127.0.0.1", proxy.port)).await.expect("the proxy listens");
    stream.write_all(&[VERSION, 1, 0]).await.expect("it reads");
    assert_eq!(read(&mut stream).await.expect("a method"), [VERSION, 0]);
    let request = [&[VERSION, command, 0, kind][..], host, &port.to_be_bytes()].concat();
    // Byte by byte: messages may be split.
    for byte in request {
        stream.write_all(&[byte]).await.expect("it reads");
    }
    let [_, code, ..]: [u8; 10] = read(&mut stream).await.expect("a reply");
    (stream, code)
}

fn named(name: &str) -> Vec<u8> {
    [&[u8::try_from(name.len()).expect("a short name")], name.as_bytes()].concat()
}

async fn page_server() -> TestServer {
    TestServer::start(|_| Reply::Close(b"HTTP/1.1 200 OK\r\n\r\nhello".to_vec())).await
}

#[tokio::test]
async fn names_and_addresses_reach_the_page() {
    let server = page_server().await;
    let port = server.address().port();
    let home = format!("http://site.example:{port}/");
    for (kind, host) in [(3, named("site.example")), (1, vec![127, 0, 0, 1]), (3, named("127.0.0.1"))] {
        let proxy = proxy(&home, &[("site.example", "127.0.0.1")], GENEROUS).await;
        // The page itself comes first.
        drop(request(&proxy, CONNECT, 3, &named("site.example"), port).await);
        let (mut stream, code) = request(&proxy, CONNECT, kind, &host, port).await;
        assert_eq!(code, SUCCEEDED, "{host:?}");
        stream.write_all(b"GET / HTTP/1.1\r\n\r\n").await.expect("the server reads");
        let mut response = String::new();
        stream.read_to_string(&mut response).await.expect("the end");
        assert!(response.ends_with("hello"), "{response}");
    }
}

#[tokio::test]
async fn internal_addresses_are_refused_to_public_pages() {
    let proxy = proxy("http://8.8.8.8/", &[("internal.example", "10.0.0.1")], GENEROUS).await;
    for (kind, host) in [
        (1, vec![127, 0, 0, 1]),
        (1, vec![169, 254, 169, 254]),
        (4, Ipv6Addr::LOCALHOST.octets().to_vec()),
        (3, named("localhost")),
        (3, named("[::1]")),
        (3, named("internal.example")),
    ] {
        assert_eq!(request(&proxy, CONNECT, kind, &host, 80).await.1, NOT_ALLOWED, "{host:?}");
    }
    assert_eq!(proxy.refused(), 6);
    for command in [2, 3] {
        assert_eq!(request(&proxy, command, 1, &[8, 8, 8, 8], 80).await.1, COMMAND_NOT_SUPPORTED);
    }
}

#[tokio::test]
async fn proxies_of_other_pages_cannot_be_reached() {
    let server = page_server().await;
    let proxy = proxy(&server.url("/"), &[], GENEROUS).await;
    assert_eq!(request(&proxy, CONNECT, 1, &[127, 0, 0, 1], server.address().port()).await.1, SUCCEEDED);
    assert_eq!(request(&proxy, CONNECT, 1, &[127, 0, 0, 1], proxy.port).await.1, NOT_ALLOWED);
}

#[tokio::test]
async fn page_that_receives_too_much_is_cut_off() {
    let server = TestServer::start(|_| Reply::Endless(b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), vec![b'x'; 1 << 16])).await;
    let proxy = proxy(&server.url("/"), &[], 1 << 20).await;
    let (mut stream, code) = request(&proxy, CONNECT, 1, &[127, 0, 0, 1], server.address().port()).await;
    assert_eq!(code, SUCCEEDED);
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").await.expect("the server reads");
    let mut received = 0;
    let mut chunk = vec![0; 1 << 16];
    while let Ok(length @ 1..) = stream.read(&mut chunk).await {
        received += length;
    }
    assert!(received <= 1 << 20, "{received}");
    proxy.exceeded().await;
}

#[tokio::test]
async fn dropped_proxy_closes_its_connections() {
    let server = TestServer::start(|_| Reply::Stall(Vec::new())).await;
    let proxy = proxy(&server.url("/"), &[], GENEROUS).await;
    let (mut stream, code) = request(&proxy, CONNECT, 1, &[127, 0, 0, 1], server.address().port()).await;
    assert_eq!(code, SUCCEEDED);
    let port = proxy.port;
    drop(proxy);
    assert!(!matches!(stream.read(&mut [0; 1]).await, Ok(1..)));
    let closed = async || match TcpStream::connect(("127.0.0.1", port)).await {
        Ok(_) => Err("the proxy still listens"),
        Err(_) => Ok(()),
    };
    until(closed, DEADLINE).await;
}
