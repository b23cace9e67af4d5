//! The HTTP client: sends requests only to URLs that the guard has allowed.

use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use http::header::ACCEPT_ENCODING;
use http::{HeaderMap, HeaderValue, Method};
use rustls::{ClientConfig, RootCertStore};

use super::decoding::ENCODINGS;
use super::error::EgressError;
use super::guard::{AllowedUrl, Guard, NetworkScope};
use super::policy::Purpose;
use super::request_body::RequestBody;
use super::resolver::{GuardedResolver, Lookup, SystemLookup};
use super::response::Response;
use super::tls;

/// Settings of the connections. Timeouts of requests are set by their callers.
#[derive(Clone, Debug)]
pub struct EgressSettings {
    /// Time for DNS lookup, TCP connection and TLS handshake.
    pub connect_timeout: Duration,
    /// Idle connections are closed after this time: sooner than common servers close them, so that a request seldom uses a
    /// connection that is being closed.
    pub idle_timeout: Duration,
    /// Idle connections to one host.
    pub max_idle_per_host: usize,
    /// Decompressed bytes per compressed byte; `None`: unlimited.
    pub max_ratio: Option<NonZeroU64>,
}

impl Default for EgressSettings {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(4),
            max_idle_per_host: 32,
            max_ratio: NonZeroU64::new(250),
        }
    }
}

/// The client cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    #[error("cannot set up TLS: {0}")]
    Tls(#[from] rustls::Error),
    #[error("cannot set up the HTTP client: {0}")]
    Client(#[from] reqwest::Error),
}

/// Sends requests over HTTP/1.1 and HTTP/2. Cheap to clone.
///
/// Follows no redirects, uses no proxy, and has no timeout other than the one for connecting. Bodies in gzip, brotli, zstd
/// and deflate are decompressed as they are read.
#[derive(Clone, Debug)]
pub struct Egress {
    guard: Guard,
    lookup: Arc<dyn Lookup>,
    connect_timeout: Duration,
    max_ratio: Option<NonZeroU64>,
    unrestricted: reqwest::Client,
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
        let build = |guard| client(settings, tls.clone(), GuardedResolver::new(lookup.clone(), guard));
        let guarded = |purpose| build(Some((guard.clone(), purpose)));
        Ok(Self {
            unrestricted: build(None)?,
            pages: guarded(Purpose::Page)?,
            webhooks: guarded(Purpose::Webhook)?,
            models: guarded(Purpose::Model)?,
            connect_timeout: settings.connect_timeout,
            max_ratio: settings.max_ratio,
            lookup,
            guard,
        })
    }

    pub fn guard(&self) -> &Guard {
        &self.guard
    }

    pub(super) fn lookup(&self) -> &dyn Lookup {
        &*self.lookup
    }

    pub(super) fn connect_timeout(&self) -> Duration {
        self.connect_timeout
    }

    /// Returns when the response headers have arrived.
    pub async fn send(
        &self,
        method: Method,
        to: &AllowedUrl,
        mut headers: HeaderMap,
        body: impl Into<RequestBody>,
    ) -> Result<Response, EgressError> {
        let client = match (to.scope(), to.purpose()) {
            (NetworkScope::Anywhere, _) => &self.unrestricted,
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
            Ok(response) => Ok(Response::new(response, to.authority(), self.max_ratio)),
            Err(error) => Err(EgressError::from_request(&error, &to.authority(), self.connect_timeout)),
        }
    }
}

/// Each client has its own connection pool, so a connection to an internal address is never reused for a request that may
/// reach only public ones.
fn client(
    settings: &EgressSettings,
    tls: ClientConfig,
    resolver: GuardedResolver,
) -> Result<reqwest::Client, reqwest::Error> {
    reqwest::Client::builder()
        .no_proxy()
        // `decoding` limits the compression ratio.
        .no_gzip()
        .no_brotli()
        .no_zstd()
        .no_deflate()
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .dns_resolver(resolver)
        .tls_backend_preconfigured(tls)
        .tls_info(true)
        .connect_timeout(settings.connect_timeout)
        .pool_idle_timeout(settings.idle_timeout)
        .pool_max_idle_per_host(settings.max_idle_per_host)
        .http2_adaptive_window(true)
        .http2_max_header_list_size(64 * 1024)
        .http2_keep_alive_interval(Duration::from_secs(20))
        .http2_keep_alive_timeout(Duration::from_secs(10))
        .build()
}
