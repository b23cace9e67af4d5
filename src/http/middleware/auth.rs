//! Authenticates requests and enforces the access and the rate limits that each route declares.

mod jwt;
mod keyring;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{AUTHORIZATION, HOST, HeaderMap, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpRequest, ResponseError, web};
use jiff::Timestamp;
use opilio_actors::domain::scope::Scope;
use opilio_actors::domain::secret::Secret;
use opilio_actors::ports::Clock;

use super::header_limits::HeaderLimits;
use super::host_check::HostCheck;
use super::rate_limit::{RateLimits, RateSettings};
use crate::http::caller::Caller;
use crate::http::error::ApiError;
use crate::http::route::{Access, Policies, Policy, RateClass};
use crate::http::trusted_proxies::{TrustedProxies, is_forwarded};
use jwt::Signer;
use keyring::Keyring;

pub use keyring::{NamedToken, TokenHash, hash};

/// Without a credential (`api_token`, `tokens`, `jwt_enabled`), every request is admitted.
#[derive(Clone, Debug)]
pub struct AuthSettings {
    pub api_token: Option<Secret>,
    pub tokens: Vec<NamedToken>,
    /// Signs tokens; `None`: an ephemeral key.
    pub secret_key: Option<Secret>,
    /// Signed tokens are required even if there is no other credential.
    pub jwt_enabled: bool,
    pub jwt_ttl: Duration,
    /// `/metrics` requires no credential.
    pub open_metrics: bool,
    /// The address that the server listens on.
    pub bound: IpAddr,
    pub trusted_hosts: Vec<String>,
    /// Sites whose pages may send requests (CORS).
    pub origins: Vec<String>,
    pub header_limits: HeaderLimits,
    pub rates: RateSettings,
    /// Proxies whose forwarding headers are trusted.
    pub proxies: TrustedProxies,
}

impl Default for AuthSettings {
    /// Open, with only the parser's limits.
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
            header_limits: HeaderLimits { count: usize::MAX, bytes: usize::MAX },
            rates: RateSettings::default(),
            proxies: TrustedProxies::default(),
        }
    }
}

/// The middleware. Clones share the counters of the rate limits.
#[derive(Clone)]
pub struct Auth(Arc<Inner>);

struct Inner {
    keyring: Keyring,
    signer: Signer,
    requires_token: bool,
    /// The server is open, for programs on this machine only.
    is_private: bool,
    open_metrics: bool,
    host_check: HostCheck,
    header_limits: HeaderLimits,
    rate_limits: RateLimits,
    proxies: TrustedProxies,
    clock: Arc<dyn Clock>,
}

impl Auth {
    pub fn new(settings: &AuthSettings, clock: Arc<dyn Clock>) -> Self {
        let keyring = Keyring::new(settings.api_token.as_ref(), &settings.tokens);
        let requires_token = settings.jwt_enabled || !keyring.is_empty();
        let own_rates = settings.tokens.iter().filter_map(|token| Some((token.principal(), token.rate?)));
        Self(Arc::new(Inner {
            signer: Signer::new(settings.secret_key.as_ref(), settings.jwt_ttl),
            requires_token,
            is_private: settings.bound.is_loopback() && !requires_token && settings.proxies.is_empty(),
            open_metrics: settings.open_metrics,
            host_check: HostCheck::new(&settings.trusted_hosts, &settings.origins, requires_token),
            header_limits: settings.header_limits,
            rate_limits: RateLimits::new(&settings.rates, own_rates),
            proxies: settings.proxies.clone(),
            keyring,
            clock,
        }))
    }

    /// Passes an admitted request on with its [`Caller`]; responds to any other.
    pub async fn admit(
        self,
        mut request: ServiceRequest,
        next: Next<impl MessageBody + 'static>,
    ) -> Result<ServiceResponse<BoxBody>, Error> {
        replace_host(&mut request);
        match self.0.check(&request) {
            Ok(caller) => {
                caller.map(|caller| request.extensions_mut().insert(caller));
                Ok(next.call(request).await?.map_into_boxed_body())
            }
            Err(error) => Ok(request.into_response(error.error_response())),
        }
    }

    /// Signs a token for `subject`. `api_token` must be the operator's.
    ///
    /// # Errors
    /// `TokenIssuanceDisabled`, `InvalidApiToken`.
    pub fn issue(&self, subject: &str, api_token: Option<&str>, now: Timestamp) -> Result<String, ApiError> {
        let Inner { keyring, signer, .. } = &*self.0;
        if !keyring.has_operator() {
            return Err(ApiError::TokenIssuanceDisabled);
        }
        match api_token.is_some_and(|token| keyring.is_operator(token)) {
            true => Ok(signer.sign(subject, now)),
            false => Err(ApiError::InvalidApiToken),
        }
    }

    /// Counts a synchronous call that is part of another request.
    ///
    /// # Errors
    /// `RateLimited`.
    pub fn count_synchronous(&self, request: &HttpRequest) -> Result<(), ApiError> {
        Ok(self.0.rate_limits.synchronous(self.0.client(request.peer_addr(), request.headers()))?)
    }

    /// Counts a message of a connection that stays open, as if it were a request.
    ///
    /// # Errors
    /// `RateLimited`.
    pub fn count_message(&self, request: &HttpRequest, caller: &Caller) -> Result<(), ApiError> {
        self.0.rate_limits.address(self.0.client(request.peer_addr(), request.headers()))?;
        Ok(self.0.rate_limits.principal(caller.principal())?)
    }

    /// Whether a page of another site sends the request, which `Origin` says. For connections that browsers open without
    /// asking the server first, such as WebSockets.
    pub fn is_foreign_origin(&self, request: &HttpRequest) -> bool {
        !self.0.host_check.allows_origin(request.headers())
    }

    /// Whether signed tokens become invalid when the process ends.
    pub fn has_ephemeral_key(&self) -> bool {
        self.0.signer.is_ephemeral
    }
}

impl Inner {
    fn check(&self, request: &ServiceRequest) -> Result<Option<Caller>, ApiError> {
        let address = self.client(request.peer_addr(), request.headers());
        self.rate_limits.address(address)?;
        self.header_limits.check(request)?;
        if !self.host_check.allows_host(request.headers()) {
            return Err(ApiError::InvalidHost);
        }
        let Policy { access, rate } = policy(request)?;
        let caller = self.caller(request);
        if let Some(scope) = self.required_scope(access) {
            if self.is_private && is_forwarded(request.headers()) {
                return Err(ApiError::ForwardedToPrivateServer);
            }
            let caller = caller.as_ref().ok_or(ApiError::Unauthorized)?;
            self.rate_limits.principal(caller.principal())?;
            caller.require(scope)?;
        }
        if rate == RateClass::Synchronous {
            self.rate_limits.synchronous(address)?;
        }
        Ok(caller)
    }

    /// The client's address, behind any number of trusted proxies.
    fn client(&self, peer: Option<SocketAddr>, headers: &HeaderMap) -> IpAddr {
        self.proxies.client(peer.map_or(Ipv4Addr::UNSPECIFIED.into(), |peer| peer.ip()), headers)
    }

    fn required_scope(&self, access: Access) -> Option<Scope> {
        match access {
            Access::Open => None,
            Access::Metrics => (!self.open_metrics).then_some(Scope::Read),
            Access::Scope(scope) => Some(scope),
        }
    }

    fn caller(&self, request: &ServiceRequest) -> Option<Caller> {
        if !self.requires_token {
            // Without tokens, a page of another site could submit jobs through the user's browser.
            let cross_site = self.host_check.is_cross_site(request.headers());
            let scope = match self.is_private {
                _ if cross_site => Scope::Read,
                true => Scope::Admin,
                false => Scope::Submit,
            };
            return Some(Caller::anonymous().at_most(scope));
        }
        let token = token(request)?;
        self.keyring.owner(token).cloned().or_else(|| self.signer.owner(token, self.clock.now()))
    }
}

/// The host of an absolute-form target replaces `Host` (RFC 9112, section 3.2.2).
fn replace_host(request: &mut ServiceRequest) {
    let Some(authority) = request.uri().authority() else { return };
    let host =
        authority.port().map_or_else(|| authority.host().to_owned(), |port| format!("{}:{port}", authority.host()));
    if let Ok(host) = HeaderValue::try_from(host) {
        request.headers_mut().insert(HOST, host);
    }
}

/// The policy of the route that the router will choose. A path with trailing slashes, which is redirected, requires the
/// access of its target.
fn policy(request: &ServiceRequest) -> Result<Policy, ApiError> {
    let policies = request.app_data::<web::Data<Policies>>();
    let policies = policies.ok_or_else(|| ApiError::Internal("no policies are configured".to_owned()))?;
    let resources = request.resource_map();
    // The router's form of the path: `%6d` is `m`.
    let path = request.match_info().unprocessed();
    if policies.has_static(path) {
        return Ok(policies.find(Some(path), request.method()));
    }
    if let Some(pattern) = resources.match_pattern(path) {
        return Ok(policies.find(Some(&pattern), request.method()));
    }
    let target = resources.match_pattern(path.trim_end_matches('/'));
    Ok(Policy { rate: RateClass::Standard, ..policies.find(target.as_deref(), request.method()) })
}

/// The token in `Authorization: Bearer …`, else in `X-API-Key`.
fn token(request: &ServiceRequest) -> Option<&str> {
    let header = |name: &str| request.headers().get(name)?.to_str().ok();
    let bearer = header(AUTHORIZATION.as_str()).and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    });
    bearer.or_else(|| header("x-api-key"))
}
