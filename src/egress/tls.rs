//! TLS: one configuration for all clients, with `ring` and the CA certificates of the operating system.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};

/// The CA certificates that the system trusts (`/etc/ssl/certs` and others; `SSL_CERT_FILE`, `SSL_CERT_DIR`). Without any,
/// every HTTPS connection fails, so that is logged as a warning.
pub fn system_roots() -> RootCertStore {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (added, ignored) = roots.add_parsable_certificates(found.certs);
    tracing::debug!(target: "egress", added, ignored, "CA certificates loaded");
    if added == 0 {
        tracing::warn!(
            target: "egress",
            errors = ?found.errors,
            "no CA certificates found: HTTPS connections will fail; install ca-certificates"
        );
    }
    roots
}

/// For the command line's own connections, which do not pass the guard: the user chooses their destination.
pub fn client_tls_config() -> Result<ClientConfig, rustls::Error> {
    configuration(system_roots())
}

/// TLS 1.2 and 1.3; HTTP/2 if the server supports it.
pub fn configuration(roots: RootCertStore) -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(tls)
}
