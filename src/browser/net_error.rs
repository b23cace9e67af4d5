//! Chromium's network errors, worded as those of the HTTP fetcher.

use url::Url;

use super::error::BrowserError;
use crate::egress::{EgressError, PageNetwork};

/// Why the document at `url` could not be loaded. `name`: such as `net::ERR_CONNECTION_REFUSED`.
pub fn from_chromium(name: &str, url: &Url, network: &PageNetwork) -> BrowserError {
    let name = name.strip_prefix("net::").unwrap_or(name);
    let server = server(url);
    let transient = |reason: String| BrowserError::Egress(EgressError::Transient(reason));
    let permanent = |reason: String| BrowserError::Egress(EgressError::Permanent(reason));
    match name {
        "ERR_SOCKS_CONNECTION_FAILED" | "ERR_SOCKS_CONNECTION_HOST_UNREACHABLE" => match network.failure(url) {
            Some(error) => error.into(),
            None => transient(format!("Connection to {server} failed")),
        },
        "ERR_EMPTY_RESPONSE"
        | "ERR_CONNECTION_CLOSED"
        | "ERR_CONTENT_LENGTH_MISMATCH"
        | "ERR_INCOMPLETE_CHUNKED_ENCODING" => {
            transient(format!("Connection closed by {server} before the response was complete"))
        }
        "ERR_CONNECTION_RESET" => transient(format!("Connection reset by {server}")),
        "ERR_TIMED_OUT" | "ERR_CONNECTION_TIMED_OUT" => transient(format!("Connection to {server} timed out")),
        "ERR_UNSAFE_REDIRECT"
        | "ERR_UNSAFE_PORT"
        | "ERR_DISALLOWED_URL_SCHEME"
        | "ERR_UNKNOWN_URL_SCHEME"
        | "ERR_BLOCKED_BY_CLIENT" => EgressError::Blocked.into(),
        "ERR_INVALID_HTTP_RESPONSE" | "ERR_INVALID_RESPONSE" | "ERR_INVALID_CHUNKED_ENCODING" => {
            permanent(format!("Response from {server} is not HTTP"))
        }
        "ERR_RESPONSE_HEADERS_TOO_BIG" => permanent(format!("Response headers from {server} are too large")),
        "ERR_CONTENT_DECODING_FAILED" => permanent("Response body could not be decompressed".to_owned()),
        "ERR_CERT_DATE_INVALID" => permanent("TLS: certificate has expired".to_owned()),
        "ERR_CERT_COMMON_NAME_INVALID" => permanent(format!("TLS: certificate is not valid for {server}")),
        "ERR_CERT_AUTHORITY_INVALID" => permanent("TLS: certificate is signed by an unknown authority".to_owned()),
        "ERR_CERT_REVOKED" => permanent("TLS: certificate has been revoked".to_owned()),
        _ if name.starts_with("ERR_CERT_") => permanent(format!("TLS: certificate is not valid ({name})")),
        "ERR_SSL_PROTOCOL_ERROR" => permanent(format!("TLS: {server} does not support TLS")),
        _ if name.starts_with("ERR_SSL_") => permanent(format!("TLS: {server} rejected the handshake ({name})")),
        _ => transient(format!("Connection to {server} failed: {name}")),
    }
}

/// Host and port, without the default port.
fn server(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}
