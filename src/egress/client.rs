//! The clients behind the guard, shared by everything that goes out: one set of connections, one TLS configuration.

use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use http::header::ACCEPT_ENCODING;
use http::{HeaderMap, HeaderValue, Method};
use rustls::{ClientConfig, RootCertStore};

use super::allowlist::Purpose;
use super::decoding::ENCODINGS;
use super::error::EgressError;
use super::guard::{AllowedUrl, Guard, NetworkScope};
use super::request_body::RequestBody;
use super::resolver::{GuardedResolver, Lookup, SystemLookup};
use super::response::Answer;
use super::tls;

/// A name and an address are waited for, and connections kept, this long; the requests' own limits are their senders'.
#[derive(Clone, Debug)]
pub struct EgressSettings {
    /// Looking the name up, connecting and the TLS handshake together.
    pub connect_timeout: Duration,
    /// An unused connection is closed after this time. Less than common servers wait, so that a request seldom meets a
    /// connection that is just being closed.
    pub idle_timeout: Duration,
    /// Unused connections kept to one server.
    pub idle_per_host: usize,
    /// Bytes that one of an encoded body may become; `None`: any number.
    pub max_ratio: Option<NonZeroU64>,
}

impl Default for EgressSettings {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(4),
            idle_per_host: 32,
            max_ratio: NonZeroU64::new(250),
        }
    }
}

/// The clients could not be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
    #[error("the HTTP client cannot be set up: {0}")]
    Client(#[from] reqwest::Error),
}

/// Sends requests to where the guard let them through, over HTTP/1.1 and HTTP/2. Cheap to clone.
///
/// Never follows a redirect, never uses a proxy, undoes gzip, brotli, zstd and deflate piece by piece as the body is
/// read. Knows no limit of time but the one for connecting.
#[derive(Clone, Debug)]
pub struct Egress {
    guard: Guard,
    connect_timeout: Duration,
    max_ratio: Option<NonZeroU64>,
    anywhere: reqwest::Client,
    pages: reqwest::Client,
    webhooks: reqwest::Client,
    models: reqwest::Client,
}

impl Egress {
    pub fn new(guard: Guard, settings: &EgressSettings) -> Result<Self, BuildError> {
        Self::assemble(guard, settings, Arc::new(SystemLookup), tls::system_roots())
    }

    pub(super) fn assemble(
        guard: Guard,
        settings: &EgressSettings,
        lookup: Arc<dyn Lookup>,
        roots: RootCertStore,
    ) -> Result<Self, BuildError> {
        let tls = tls::configuration(roots)?;
        let build = |judge| client(settings, tls.clone(), GuardedResolver::new(lookup.clone(), judge));
        let within = |purpose| build(Some((guard.clone(), purpose)));
        Ok(Self {
            anywhere: build(None)?,
            pages: within(Purpose::Page)?,
            webhooks: within(Purpose::Webhook)?,
            models: within(Purpose::Model)?,
            connect_timeout: settings.connect_timeout,
            max_ratio: settings.max_ratio,
            guard,
        })
    }

    pub fn guard(&self) -> &Guard {
        &self.guard
    }

    /// Ends when the head of the answer is there.
    pub async fn send(
        &self,
        method: Method,
        to: &AllowedUrl,
        mut headers: HeaderMap,
        body: impl Into<RequestBody>,
    ) -> Result<Answer, EgressError> {
        let client = match (to.scope(), to.purpose()) {
            (NetworkScope::Anywhere, _) => &self.anywhere,
            (NetworkScope::Public, Purpose::Page) => &self.pages,
            (NetworkScope::Public, Purpose::Webhook) => &self.webhooks,
            (NetworkScope::Public, Purpose::Model) => &self.models,
        };
        headers.entry(ACCEPT_ENCODING).or_insert(HeaderValue::from_static(ENCODINGS));
        let mut request = client.request(method, to.url().clone()).headers(headers);
        if let RequestBody(Some(body)) = body.into() {
            request = request.body(body);
        }
        match request.send().await {
            Ok(response) => Ok(Answer::new(response, to.server(), self.max_ratio)),
            Err(error) => Err(EgressError::of(&error, &to.server(), self.connect_timeout)),
        }
    }
}

/// The clients keep their connections apart, so that one that was opened within wider limits is never used within
/// narrower ones.
fn client(
    settings: &EgressSettings,
    tls: ClientConfig,
    resolver: GuardedResolver,
) -> Result<reqwest::Client, reqwest::Error> {
    reqwest::Client::builder()
        .no_proxy()
        // Undone by `decoding`, which counts.
        .no_gzip()
        .no_brotli()
        .no_zstd()
        .no_deflate()
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .dns_resolver(resolver)
        .tls_backend_preconfigured(tls)
        .connect_timeout(settings.connect_timeout)
        .pool_idle_timeout(settings.idle_timeout)
        .pool_max_idle_per_host(settings.idle_per_host)
        .http2_adaptive_window(true)
        .http2_max_header_list_size(64 * 1024)
        .http2_keep_alive_interval(Duration::from_secs(20))
        .http2_keep_alive_timeout(Duration::from_secs(10))
        .build()
}
