//! Redis over TLS with client certificates.

use std::path::PathBuf;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tempfile::TempDir;

use super::on_redis::Redis;
use super::support::{TestServer, TestSite};
use super::{settled, submit};

/// A certificate authority and the certificates that it issued.
struct Certificates {
    folder: TempDir,
    authority: CertifiedIssuer<'static, KeyPair>,
}

impl Certificates {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        // A different subject than the certificates: otherwise they would count as self-issued.
        params.distinguished_name.push(DnType::CommonName, "the authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let authority = CertifiedIssuer::self_signed(params, key).unwrap();
        let certificates = Self { folder, authority };
        certificates.write("ca.pem", "CERTIFICATE", certificates.authority.der());
        certificates
    }

    /// Issues a certificate; returns the files of the certificate and its key.
    fn issue(&self, name: &str) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.authority).unwrap();
        let key = self.write(&format!("{name}.key"), "PRIVATE KEY", &key.serialize_der());
        (self.write(&format!("{name}.crt"), "CERTIFICATE", certificate.der()), key)
    }

    fn authority(&self) -> String {
        self.path("ca.pem").display().to_string()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a PEM file.
    fn write(&self, name: &str, label: &str, der: &[u8]) -> String {
        let mut text = format!("-----BEGIN {label}-----\n");
        for line in der.chunks(48) {
            text.push_str(&(BASE64_STANDARD.encode(line) + "\n"));
        }
        text.push_str(&format!("-----END {label}-----\n"));
        std::fs::write(self.path(name), text).unwrap();
        self.path(name).display().to_string()
    }
}

/// Starts a Redis that requires client certificates; returns it with its port.
fn redis(certificates: &Certificates) -> (Redis, String) {
    let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).unwrap();
    let port = port.port().to_string();
    let (certificate, key) = certificates.issue("127.0.0.1");
    let authority = certificates.authority();
    let options = ["--tls-port", &port, "--tls-cert-file", &certificate, "--tls-key-file", &key];
    let redis = Redis::start_with(&[&options[..], &["--tls-ca-cert-file", &authority]].concat());
    (redis, port)
}

async fn server(port: &str, authority: &str, client: &[(&str, &str)]) -> TestServer {
    let address = [("REDIS_HOST", "127.0.0.1"), ("REDIS_PORT", port), ("OPILIO__REDIS__SSL", "true")];
    let trusted = [("OPILIO__REDIS__SSL_CA_CERTS", authority)];
    TestServer::with_env(&[&address[..], &trusted, client].concat()).await
}

#[actix::test]
async fn redis_over_tls_requires_valid_certificates_on_both_sides() {
    let (site, certificates) = (TestSite::start(), Certificates::new());
    let (_redis, port) = redis(&certificates);
    let (certificate, key) = certificates.issue("opilio");
    let own = [("OPILIO__REDIS__SSL_CERTFILE", certificate.as_str()), ("OPILIO__REDIS__SSL_KEYFILE", key.as_str())];
    let first = server(&port, &certificates.authority(), &own).await;
    let path = submit(&first, &site, "/gated").await;
    site.wait_for_gated_request().await;
    // Notifications use TLS, too.
    let second = server(&port, &certificates.authority(), &own).await;
    assert_eq!(second.delete(&path).await.0, 202);
    assert_eq!(settled(&first, &path).await["status"], "cancelled");

    let without_certificate = server(&port, &certificates.authority(), &[]).await;
    assert_eq!(without_certificate.get("/ready").await.0, 503);
    let other_authority = server(&port, &Certificates::new().authority(), &own).await;
    assert_eq!(other_authority.get("/ready").await.0, 503);
}
