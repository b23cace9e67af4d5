//! Who may use the API, and how often: the check that stands before every route, so that none can be without it.

mod jwt;
mod keyring;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{AUTHORIZATION, HeaderMap};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpRequest, ResponseError};
use jiff::Timestamp;
use opilio_actors::domain::scope::Scope;
use opilio_actors::domain::secret::Secret;
use opilio_actors::ports::Clock;

use super::host_check::HostCheck;
use super::rate_limit::RateLimits;
use crate::http::caller::Caller;
use crate::http::error::ApiError;
use crate::http::trusted_proxies::{TrustedProxies, is_forwarded};
use jwt::Signer;
use keyring::Keyring;

use super::header_limits::HeaderLimits;
use super::rate_limit::RateSettings;
pub use keyring::{NamedToken, TokenHash, hash};

/// The operator's choices. With no credential at all, everybody may do everything.
#[derive(Clone, Debug)]
pub struct AuthSettings {
    pub api_token: Option<Secret>,
    pub tokens: Vec<NamedToken>,
    /// Signs tokens; `None`: a key of this process's own.
    pub secret_key: Option<Secret>,
    /// Signed tokens are a credential also where there is no other.
    pub jwt_enabled: bool,
    pub jwt_ttl: Duration,
    /// `/metrics` is open to all.
    pub open_metrics: bool,
    /// Where the API listens.
    pub bound: IpAddr,
    pub trusted_hosts: Vec<String>,
    /// Sites whose pages may ask.
    pub origins: Vec<String>,
    pub head: HeaderLimits,
    pub rates: RateSettings,
    /// Who may say for whom a request is.
    pub proxies: TrustedProxies,
}

impl Default for AuthSettings {
    /// Open, and without bounds but the parser's.
    fn default() -> Self {
        Self {
            api_token: None,
            tokens: vec![],
            secret_key: None,
            jwt_enabled: false,
            jwt_ttl: Duration::from_secs(3600),
            open_metrics: false,
            bound: Ipv4Addr::LOCALHOST.into(),
            trusted_hosts: vec![],
            origins: vec![],
            head: HeaderLimits { headers: usize::MAX, bytes: usize::MAX },
            rates: RateSettings::default(),
            proxies: TrustedProxies::default(),
        }
    }
}

/// Finds out on whose behalf each request comes.
#[derive(Clone)]
pub struct Auth(Arc<Rules>);

struct Rules {
    ring: Keyring,
    signer: Signer,
    needs_token: bool,
    /// Open, and meant for this machine's own programs only.
    is_private: bool,
    open_metrics: bool,
    hosts: HostCheck,
    head: HeaderLimits,
    rates: RateLimits,
    proxies: TrustedProxies,
    clock: Arc<dyn Clock>,
}

impl Auth {
    pub fn new(settings: &AuthSettings, clock: Arc<dyn Clock>) -> Self {
        let ring = Keyring::new(settings.api_token.as_ref(), &settings.tokens);
        let needs_token = settings.jwt_enabled || !ring.is_empty();
        let own_rates = settings.tokens.iter().filter_map(|token| Some((token.principal(), token.rate?)));
        Self(Arc::new(Rules {
            signer: Signer::new(settings.secret_key.as_ref(), settings.jwt_ttl),
            needs_token,
            is_private: settings.bound.is_loopback() && !needs_token && settings.proxies.is_empty(),
            open_metrics: settings.open_metrics,
            hosts: HostCheck::new(settings.bound, &settings.trusted_hosts, &settings.origins, needs_token),
            head: settings.head,
            rates: RateLimits::new(&settings.rates, own_rates),
            proxies: settings.proxies.clone(),
            ring,
            clock,
        }))
    }

    /// Lets the request through with its [`Caller`], or answers why not.
    pub async fn admit(
        self,
        request: ServiceRequest,
        next: Next<impl MessageBody + 'static>,
    ) -> Result<ServiceResponse<BoxBody>, Error> {
        match self.0.check(&request) {
            Ok(caller) => {
                caller.map(|caller| request.extensions_mut().insert(caller));
                Ok(next.call(request).await?.map_into_boxed_body())
            }
            Err(refusal) => Ok(request.into_response(refusal.error_response())),
        }
    }

    /// A signed token for `subject`, for who brings the operator's own.
    ///
    /// # Errors
    /// There is no such token, or it is another.
    pub fn issue(&self, subject: &str, api_token: Option<&str>, now: Timestamp) -> Result<String, ApiError> {
        let Rules { ring, signer, .. } = &*self.0;
        if !ring.has_operator() {
            return Err(ApiError::TokenIssuanceDisabled);
        }
        match api_token.is_some_and(|token| ring.is_operators(token)) {
            true => Ok(signer.sign(subject, now)),
            false => Err(ApiError::InvalidApiToken),
        }
    }

    /// Counts a call whose caller waits and that is no request of its own.
    ///
    /// # Errors
    /// There were too many.
    pub fn count_waiting(&self, request: &HttpRequest) -> Result<(), ApiError> {
        Ok(self.0.rates.synchronous(self.0.client(request.peer_addr(), request.headers()))?)
    }

    /// Tokens that are issued end with this process.
    pub fn is_passing(&self) -> bool {
        self.0.signer.is_passing
    }
}

impl Rules {
    fn check(&self, request: &ServiceRequest) -> Result<Option<Caller>, ApiError> {
        let address = self.client(request.peer_addr(), request.headers());
        self.rates.address(address)?;
        self.head.check(request)?;
        if !self.hosts.allows_host(request.headers()) {
            return Err(ApiError::InvalidHost);
        }
        // The path as routes are found by: `%6dd` is `md` here and there.
        let (method, path) = (request.method(), request.match_info().unprocessed());
        let caller = self.caller(request);
        if let Some(scope) = self.needed(method, path) {
            if self.is_private && is_forwarded(request.headers()) {
                return Err(ApiError::ForwardedToPrivateServer);
            }
            let caller = caller.as_ref().ok_or(ApiError::Unauthorized)?;
            self.rates.principal(caller.principal())?;
            caller.needs(scope)?;
            if is_synchronous(method, path) {
                self.rates.synchronous(address)?;
            }
        }
        Ok(caller)
    }

    /// From where it comes, whatever proxies stand between.
    fn client(&self, peer: Option<SocketAddr>, headers: &HeaderMap) -> IpAddr {
        self.proxies.client(peer.map_or(Ipv4Addr::UNSPECIFIED.into(), |peer| peer.ip()), headers)
    }

    /// The least that a request needs, whatever route answers it; `None`: nothing. What submits a job needs
    /// [`Scope::Submit`] whatever is said here: `Api::new_job` asks for it.
    fn needed(&self, method: &Method, path: &str) -> Option<Scope> {
        match (method.as_str(), path) {
            (_, "/health") | ("POST", "/token") => None,
            // They show what everybody can read in the source, and a browser brings no token.
            ("GET", "/" | "/openapi.json" | "/docs") => None,
            ("GET", path) if path.starts_with("/docs/") => None,
            (_, "/metrics") if self.open_metrics => None,
            ("GET" | "HEAD" | "OPTIONS", _) | ("POST", "/config/dump") => Some(Scope::Read),
            // What a message asks for is judged where it is done.
            ("POST", "/mcp" | "/mcp/messages") => Some(Scope::Read),
            _ => Some(Scope::Submit),
        }
    }

    fn caller(&self, request: &ServiceRequest) -> Option<Caller> {
        if !self.needs_token {
            // Nobody has a token, so what a browser sends by itself is as good as anybody's: another site's page must
            // not be able to make it start anything.
            let most = if self.hosts.is_cross_site(request.headers()) { Scope::Read } else { Scope::Admin };
            return Some(Caller::anonymous().at_most(most));
        }
        let token = brought(request)?;
        self.ring.owner(token).cloned().or_else(|| self.signer.owner(token, self.clock.now()))
    }
}

/// Endpoints whose caller waits, as the peer's server limits them.
fn is_synchronous(method: &Method, path: &str) -> bool {
    let paths = ["/crawl", "/crawl/stream", "/md", "/html", "/screenshot", "/pdf", "/execute_js"];
    method == Method::POST && paths.contains(&path)
}

/// The token that a request brings: `Authorization: Bearer …`, else `X-API-Key`.
fn brought(request: &ServiceRequest) -> Option<&str> {
    let header = |name: &str| request.headers().get(name)?.to_str().ok();
    let bearer = header(AUTHORIZATION.as_str()).and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    });
    bearer.or_else(|| header("x-api-key"))
}
