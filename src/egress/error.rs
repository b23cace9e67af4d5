//! Why there was no answer, in words for a person.

use std::error::Error;
use std::io;
use std::time::Duration;

use rustls::CertificateError;

use super::guard::Blocked;
use super::resolver::ResolveError;

/// A request that got no whole answer. Each text is one sentence without a full stop, and holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EgressError {
    /// The guard does not let it through.
    #[error("URL blocked")]
    Blocked,
    /// It may go better another time.
    #[error("{0}")]
    Transient(String),
    /// It will fail the same way again.
    #[error("{0}")]
    Permanent(String),
}

impl From<Blocked> for EgressError {
    fn from(_: Blocked) -> Self {
        Self::Blocked
    }
}

/// A span of time as it is written in sentences: `30s`, `250ms`.
pub fn in_words(span: Duration) -> String {
    match span.as_millis() {
        millis if millis % 1000 == 0 => format!("{}s", millis / 1000),
        millis => format!("{millis}ms"),
    }
}

impl EgressError {
    /// Whether a retry can succeed.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Transient(_))
    }

    pub fn timeout(limit: Duration) -> Self {
        Self::Transient(format!("Connection timeout after {}", in_words(limit)))
    }

    pub(super) fn of(error: &reqwest::Error, server: &str, connect_timeout: Duration) -> Self {
        if let Some(trouble) = causes(error).find_map(|cause| of_cause(cause, server)) {
            return trouble;
        }
        if error.is_timeout() {
            return Self::timeout(connect_timeout);
        }
        if error.is_builder() || error.is_request() && causes(error).any(|cause| cause.is::<http::Error>()) {
            return Self::Permanent("Request cannot be written".to_owned());
        }
        Self::Transient(format!("Connection to {server} failed: {}", innermost(error)))
    }

    pub(super) fn of_body(error: &reqwest::Error, server: &str) -> Self {
        if let Some(trouble) = causes(error).find_map(|cause| of_cause(cause, server)) {
            return trouble;
        }
        // Every error of a body is called one of decoding; those of the transfer have one of hyper behind them.
        if error.is_decode() && !causes(error).any(|cause| cause.is::<hyper::Error>()) {
            return Self::Permanent("Body cannot be decompressed".to_owned());
        }
        Self::Transient(format!("Connection to {server} broke off: {}", innermost(error)))
    }
}

fn of_cause(cause: &(dyn Error + 'static), server: &str) -> Option<EgressError> {
    if cause.is::<Blocked>() {
        return Some(EgressError::Blocked);
    }
    if let Some(unresolved) = cause.downcast_ref::<ResolveError>() {
        return Some(match unresolved {
            ResolveError::NoSuchHost(_) => EgressError::Permanent(unresolved.to_string()),
            ResolveError::NoAnswer(_) => EgressError::Transient(unresolved.to_string()),
        });
    }
    if let Some(tls) = cause.downcast_ref::<rustls::Error>() {
        return Some(EgressError::Permanent(format!("TLS: {}", of_tls(tls, server))));
    }
    if let Some(http) = cause.downcast_ref::<hyper::Error>() {
        return of_http(http, server);
    }
    of_io(cause.downcast_ref::<io::Error>()?, server)
}

fn of_http(error: &hyper::Error, server: &str) -> Option<EgressError> {
    let ended = error.source().and_then(|source| source.downcast_ref::<io::Error>());
    if error.is_incomplete_message() || ended.is_some_and(|error| error.kind() == io::ErrorKind::UnexpectedEof) {
        return Some(EgressError::Transient(format!("Connection closed by {server} before the answer was complete")));
    }
    if error.is_parse() && error.to_string().contains("too large") {
        return Some(EgressError::Permanent(format!("Answer of {server} has too many or too long headers")));
    }
    error.is_parse().then(|| EgressError::Permanent(format!("Answer of {server} is not HTTP")))
}

fn of_io(error: &io::Error, server: &str) -> Option<EgressError> {
    let sentence = match error.kind() {
        io::ErrorKind::ConnectionRefused => format!("Connection refused by {server}"),
        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted | io::ErrorKind::BrokenPipe => {
            format!("Connection reset by {server}")
        }
        io::ErrorKind::HostUnreachable => format!("No route to host {server}"),
        io::ErrorKind::NetworkUnreachable | io::ErrorKind::AddrNotAvailable => format!("No network to reach {server}"),
        _ => return None,
    };
    Some(EgressError::Transient(sentence))
}

fn of_tls(error: &rustls::Error, server: &str) -> String {
    use CertificateError as Bad;
    let certificate = match error {
        rustls::Error::InvalidCertificate(certificate) => certificate,
        rustls::Error::InvalidMessage(_) => return format!("{server} does not speak it"),
        rustls::Error::AlertReceived(alert) => return format!("{server} refused the handshake ({alert:?})"),
        rustls::Error::PeerIncompatible(_) => return format!("{server} speaks no version or cipher that is safe"),
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

/// The error and everything behind it. What an [`io::Error`] wraps is no source of it, so that is looked into as well.
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
    fn whole_seconds_are_written_as_seconds() {
        let words = [30_000, 1_000, 250, 1_500, 60_000].map(|millis| in_words(Duration::from_millis(millis)));
        assert_eq!(words, ["30s", "1s", "250ms", "1500ms", "60s"]);
    }

    #[test]
    fn what_an_io_error_wraps_is_found() {
        let wrapped = io::Error::other(io::Error::other(Blocked));
        assert_eq!(causes(&wrapped).find_map(|cause| of_cause(cause, "x")), Some(EgressError::Blocked));
    }
}
