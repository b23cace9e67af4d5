//! Why a request failed.

use std::error::Error;
use std::io;
use std::time::Duration;

use rustls::CertificateError;

use super::guard::Blocked;
use super::resolver::ResolveError;

/// A request without a complete response. The text is one sentence without a full stop, and contains no secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EgressError {
    /// The guard rejected the URL.
    #[error("URL blocked")]
    Blocked,
    #[error("{0}")]
    Transient(String),
    #[error("{0}")]
    Permanent(String),
}

impl From<Blocked> for EgressError {
    fn from(_: Blocked) -> Self {
        Self::Blocked
    }
}

impl From<ResolveError> for EgressError {
    fn from(error: ResolveError) -> Self {
        match error {
            ResolveError::NoSuchHost(_) => Self::Permanent(error.to_string()),
            ResolveError::LookupFailed(_) => Self::Transient(error.to_string()),
        }
    }
}

/// A duration as in error messages: `30s`, `250ms`.
pub fn format_duration(duration: Duration) -> String {
    match duration.as_millis() {
        millis if millis % 1000 == 0 => format!("{}s", millis / 1000),
        millis => format!("{millis}ms"),
    }
}

impl EgressError {
    /// Whether the same request may succeed later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Transient(_))
    }

    pub fn timeout(limit: Duration) -> Self {
        Self::Transient(format!("Connection timeout after {}", format_duration(limit)))
    }

    pub(super) fn invalid_encoding() -> Self {
        Self::Permanent("Response body could not be decompressed".to_owned())
    }

    pub(super) fn from_request(error: &reqwest::Error, server: &str, connect_timeout: Duration) -> Self {
        if let Some(known) = causes(error).find_map(|cause| from_cause(cause, server)) {
            return known;
        }
        if error.is_timeout() {
            return Self::timeout(connect_timeout);
        }
        if error.is_builder() || error.is_request() && causes(error).any(|cause| cause.is::<http::Error>()) {
            return Self::Permanent("Invalid request".to_owned());
        }
        Self::Transient(format!("Connection to {server} failed: {}", innermost(error)))
    }

    pub(super) fn from_body(error: &reqwest::Error, server: &str) -> Self {
        if let Some(known) = causes(error).find_map(|cause| from_cause(cause, server)) {
            return known;
        }
        // reqwest reports every error of a body as a decoding error; those of the transfer are caused by one of hyper.
        if error.is_decode() && !causes(error).any(|cause| cause.is::<hyper::Error>()) {
            return Self::invalid_encoding();
        }
        Self::Transient(format!("Connection to {server} was lost: {}", innermost(error)))
    }
}

fn from_cause(cause: &(dyn Error + 'static), server: &str) -> Option<EgressError> {
    if cause.is::<Blocked>() {
        return Some(EgressError::Blocked);
    }
    if let Some(unresolved) = cause.downcast_ref::<ResolveError>() {
        return Some(unresolved.clone().into());
    }
    if let Some(tls) = cause.downcast_ref::<rustls::Error>() {
        return Some(EgressError::Permanent(format!("TLS: {}", tls_reason(tls, server))));
    }
    if let Some(http) = cause.downcast_ref::<hyper::Error>() {
        return from_http(http, server);
    }
    from_io(cause.downcast_ref::<io::Error>()?, server)
}

fn from_http(error: &hyper::Error, server: &str) -> Option<EgressError> {
    let source = error.source().and_then(|source| source.downcast_ref::<io::Error>());
    if error.is_incomplete_message() || source.is_some_and(|error| error.kind() == io::ErrorKind::UnexpectedEof) {
        return Some(EgressError::Transient(format!("Connection closed by {server} before the response was complete")));
    }
    if error.is_parse() && error.to_string().contains("too large") {
        return Some(EgressError::Permanent(format!("Response headers from {server} are too large")));
    }
    error.is_parse().then(|| EgressError::Permanent(format!("Response from {server} is not HTTP")))
}

pub(super) fn from_io(error: &io::Error, server: &str) -> Option<EgressError> {
    let reason = match error.kind() {
        io::ErrorKind::ConnectionRefused => format!("Connection refused by {server}"),
        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted | io::ErrorKind::BrokenPipe => {
            format!("Connection reset by {server}")
        }
        io::ErrorKind::HostUnreachable => format!("No route to host {server}"),
        io::ErrorKind::NetworkUnreachable | io::ErrorKind::AddrNotAvailable => {
            format!("Network of {server} is unreachable")
        }
        _ => return None,
    };
    Some(EgressError::Transient(reason))
}

fn tls_reason(error: &rustls::Error, server: &str) -> String {
    use CertificateError as Bad;
    let certificate = match error {
        rustls::Error::InvalidCertificate(certificate) => certificate,
        rustls::Error::InvalidMessage(_) => return format!("{server} does not support TLS"),
        rustls::Error::AlertReceived(alert) => return format!("{server} rejected the handshake ({alert:?})"),
        rustls::Error::PeerIncompatible(_) => return format!("{server} supports no secure TLS version or cipher"),
        other => return other.to_string(),
    };
    match certificate {
        Bad::Expired | Bad::ExpiredContext { .. } => "certificate has expired".to_owned(),
        Bad::NotValidYet | Bad::NotValidYetContext { .. } => "certificate is not valid yet".to_owned(),
        Bad::NotValidForName | Bad::NotValidForNameContext { .. } => format!("certificate is not valid for {server}"),
        Bad::UnknownIssuer => "certificate is signed by an unknown authority".to_owned(),
        Bad::Revoked => "certificate has been revoked".to_owned(),
        other => format!("certificate is not valid ({other:?})"),
    }
}

/// The error and all of its causes, including the error that an [`io::Error`] wraps, which is not its `source`.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| {
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        wrapped.map(|inner| inner as &(dyn Error + 'static)).or_else(|| error.source())
    })
}

fn innermost(error: &(dyn Error + 'static)) -> String {
    let text = causes(error).last().map(ToString::to_string).unwrap_or_default();
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_seconds_are_formatted_as_seconds() {
        let texts = [30_000, 1_000, 250, 1_500, 60_000].map(|millis| format_duration(Duration::from_millis(millis)));
        assert_eq!(texts, ["30s", "1s", "250ms", "1500ms", "60s"]);
    }

    #[test]
    fn error_wrapped_by_io_error_is_found() {
        let wrapped = io::Error::other(io::Error::other(Blocked));
        assert_eq!(causes(&wrapped).find_map(|cause| from_cause(cause, "x")), Some(EgressError::Blocked));
    }
}
