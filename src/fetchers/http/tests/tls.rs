//! TLS and certificates.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use super::*;

/// A certificate authority, and a store that trusts it.
fn authority() -> (CertifiedIssuer<'static, KeyPair>, RootCertStore) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(authority.der().clone()).unwrap();
    (authority, roots)
}

fn acceptor(certificate: CertificateDer<'static>, key: &KeyPair, alpn: &[&[u8]]) -> TlsAcceptor {
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let mut config = config.with_no_client_auth().with_single_cert(vec![certificate], key).unwrap();
    config.alpn_protocols = alpn.iter().map(|protocol| protocol.to_vec()).collect();
    TlsAcceptor::from(Arc::new(config))
}

/// Fetches from a server whose certificate has this change.
async fn fetch_with(change: impl FnOnce(&mut CertificateParams)) -> Result<String, (String, bool)> {
    let (authority, roots) = authority();
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    change(&mut params);
    let certificate = params.signed_by(&key, &authority).unwrap();
    fetch_from(acceptor(certificate.der().clone(), &key, &[]), roots).await
}

async fn fetch_from(tls: TlsAcceptor, roots: RootCertStore) -> Result<String, (String, bool)> {
    let server = TestServer::start_on([127, 0, 0, 1].into(), Some(tls), |_| response(200, &[], "safe")).await;
    let egress = egress(Guard::open(Allowlist::default()), &[], roots);
    let fetcher = HttpFetcher::new(egress, settings(), Arc::new(FixedClock));
    let port = server.address().port().to_string();
    match fetcher.fetch(request(server.url("/"), FetchOptions::default())).await {
        Ok(page) => Ok(String::from_utf8(page.body.to_vec()).unwrap()),
        Err(error) => Err((error.to_string().replace(&port, "PORT"), error.is_transient())),
    }
}

#[tokio::test]
async fn certificate_of_trusted_authority_is_accepted() {
    assert_eq!(fetch_with(|_| ()).await.as_deref(), Ok("safe"));
}

#[tokio::test]
async fn invalid_certificate_error_names_the_problem() {
    let expired = fetch_with(|params| {
        params.not_before = date_time_ymd(2019, 1, 1);
        params.not_after = date_time_ymd(2020, 1, 1);
    });
    assert_eq!(expired.await, Err(permanent("TLS: certificate has expired")));
    let early = fetch_with(|params| params.not_before = date_time_ymd(4000, 1, 1));
    assert_eq!(early.await, Err(permanent("TLS: certificate is not valid yet")));
    let foreign =
        fetch_with(|params| params.subject_alt_names = vec![rcgen::SanType::DnsName("x.example".try_into().unwrap())]);
    assert_eq!(foreign.await, Err(permanent("TLS: certificate is not valid for 127.0.0.1:PORT")));
    let (_, own_roots) = authority();
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, "unknown");
    let certificate = params.self_signed(&key).unwrap();
    let result = fetch_from(acceptor(certificate.der().clone(), &key, &[]), own_roots).await;
    assert_eq!(result, Err(permanent("TLS: certificate is signed by an unknown authority")));
}

#[tokio::test]
async fn server_without_tls_is_permanent() {
    // `TestServer` would wait for the end of the headers, which a TLS ClientHello does not contain.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.read_u8().await.unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        while stream.read_u8().await.is_ok() {}
    });
    assert_eq!(reason(format!("https://{address}/")).await, permanent(format!("TLS: {address} does not support TLS")));
}

#[tokio::test]
async fn http_2_is_negotiated() {
    let (authority, roots) = authority();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &authority).unwrap();
    let tls = acceptor(certificate.der().clone(), &key, &[b"h2"]);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let stream = tls.accept(listener.accept().await.unwrap().0).await.unwrap();
        let mut connection = h2::server::handshake(stream).await.unwrap();
        while let Some(Ok((request, mut respond))) = connection.accept().await {
            let mut body = respond.send_response(::http::Response::new(()), false).unwrap();
            body.send_data(format!("{:?} {}", request.version(), request.uri().path()).into(), true).unwrap();
        }
    });
    let egress = egress(Guard::open(Allowlist::default()), &[], roots);
    let fetcher = HttpFetcher::new(egress, settings(), Arc::new(FixedClock));
    let page = fetcher.fetch(request(url, FetchOptions::default())).await.unwrap();
    assert_eq!(page.body, "HTTP/2.0 /");
}

#[tokio::test]
async fn certificate_is_returned_if_requested() {
    let (authority, roots) = authority();
    let key = KeyPair::generate().unwrap();
    let certificate =
        CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
    let tls = acceptor(certificate.der().clone(), &key, &[]);
    let server = TestServer::start_on([127, 0, 0, 1].into(), Some(tls), |_| response(200, &[], "safe")).await;
    let egress = egress(Guard::open(Allowlist::default()), &[], roots);
    let fetcher = HttpFetcher::new(egress, settings(), Arc::new(FixedClock));
    for requested in [true, false] {
        let options = FetchOptions { certificate: requested, ..FetchOptions::default() };
        let page = fetcher.fetch(request(server.url("/"), options)).await.unwrap();
        let found = page.exchange.certificate.map(|certificate| certificate["raw_cert"].as_str().unwrap().len() > 100);
        assert_eq!(found, requested.then_some(true));
    }
}
