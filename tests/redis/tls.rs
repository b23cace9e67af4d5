//! Redis over TLS, where each side shows who it is.

use std::path::PathBuf;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tempfile::TempDir;

use super::on_redis::Redis;
use super::support::{TestServer, TestSite};
use super::{settled, submitted};

/// An authority, and files of those for whom it vouches.
struct Papers {
    folder: TempDir,
    authority: CertifiedIssuer<'static, KeyPair>,
}

impl Papers {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        // By another name than those it vouches for: who issues to his own name issues to himself.
        params.distinguished_name.push(DnType::CommonName, "the authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let authority = CertifiedIssuer::self_signed(params, key).expect("an authority");
        let papers = Self { folder, authority };
        papers.file("ca.pem", "CERTIFICATE", papers.authority.der());
        papers
    }

    /// Certificate and key.
    fn of(&self, name: &str) -> (String, String) {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(vec![name.to_owned()]).expect("a name");
        let certificate = params.signed_by(&key, &self.authority).expect("it vouches");
        let key = self.file(&format!("{name}.key"), "PRIVATE KEY", &key.serialize_der());
        (self.file(&format!("{name}.crt"), "CERTIFICATE", certificate.der()), key)
    }

    fn authority(&self) -> String {
        self.path("ca.pem").display().to_string()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// In PEM.
    fn file(&self, name: &str, label: &str, der: &[u8]) -> String {
        let mut text = format!("-----BEGIN {label}-----\n");
        for line in der.chunks(48) {
            text.push_str(&(BASE64_STANDARD.encode(line) + "\n"));
        }
        text.push_str(&format!("-----END {label}-----\n"));
        std::fs::write(self.path(name), text).expect("the folder is ours");
        self.path(name).display().to_string()
    }
}

/// A Redis that wants to know who comes, and its port.
fn redis(papers: &Papers) -> (Redis, String) {
    let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port");
    let port = port.port().to_string();
    let (certificate, key) = papers.of("127.0.0.1");
    let authority = papers.authority();
    let options = ["--tls-port", &port, "--tls-cert-file", &certificate, "--tls-key-file", &key];
    let redis = Redis::start_with(&[&options[..], &["--tls-ca-cert-file", &authority]].concat());
    (redis, port)
}

async fn server(port: &str, authority: &str, client: &[(&str, &str)]) -> TestServer {
    let here = [("REDIS_HOST", "127.0.0.1"), ("REDIS_PORT", port), ("OPILIO__REDIS__SSL", "true")];
    let believed = [("OPILIO__REDIS__SSL_CA_CERTS", authority)];
    TestServer::with_env(&[&here[..], &believed, client].concat()).await
}

#[actix::test]
async fn jobs_go_over_tls_to_a_redis_that_knows_who_comes() {
    let (site, papers) = (TestSite::start(), Papers::new());
    let (_redis, port) = redis(&papers);
    let (certificate, key) = papers.of("opilio");
    let own = [("OPILIO__REDIS__SSL_CERTFILE", certificate.as_str()), ("OPILIO__REDIS__SSL_KEYFILE", key.as_str())];
    let first = server(&port, &papers.authority(), &own).await;
    let path = submitted(&first, &site, "/gated").await;
    site.wait_for_gated_request().await;
    // Notices go over TLS, too.
    let second = server(&port, &papers.authority(), &own).await;
    assert_eq!(second.delete(&path).await.0, 202);
    assert_eq!(settled(&first, &path).await["status"], "cancelled");

    let stranger = server(&port, &papers.authority(), &[]).await;
    assert_eq!(stranger.get("/ready").await.0, 503, "Redis does not know it");
    let deceived = server(&port, &Papers::new().authority(), &own).await;
    assert_eq!(deceived.get("/ready").await.0, 503, "nobody it believes vouches for this Redis");
}
