//! How TLS is spoken: one configuration for all clients, on `ring`, with the machine's own certificate authorities.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};

/// The authorities that the machine trusts (`/etc/ssl/certs` and its kin; `SSL_CERT_FILE`, `SSL_CERT_DIR`). Without any,
/// plain HTTP still works and every HTTPS connection is refused, so that is said once, loudly.
pub fn system_roots() -> RootCertStore {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (added, unusable) = roots.add_parsable_certificates(found.certs);
    tracing::debug!(target: "egress", added, unusable, "certificate authorities loaded");
    if added == 0 {
        tracing::warn!(
            target: "egress",
            errors = ?found.errors,
            "no certificate authorities found, no HTTPS server will be trusted: install ca-certificates"
        );
    }
    roots
}

/// For what a user's own command sends: it goes where the user says, so no guard stands before it.
pub fn user_tls() -> Result<ClientConfig, rustls::Error> {
    configuration(system_roots())
}

/// TLS 1.2 and 1.3, HTTP/2 where the server speaks it.
pub fn configuration(roots: RootCertStore) -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(tls)
}
