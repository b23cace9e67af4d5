//! Who may use the API: the check that stands before every route, so that none can be without it.

mod keyring;

use std::sync::Arc;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::AUTHORIZATION;
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, ResponseError};
use opilio_actors::domain::scope::Scope;
use opilio_actors::domain::secret::Secret;

use super::caller::Caller;
use super::errors::ApiError;
use keyring::Keyring;

pub use keyring::{NamedToken, TokenHash, hash};

/// The operator's choices. With no credential at all, everybody may do everything.
#[derive(Clone, Debug, Default)]
pub struct AccessSettings {
    pub api_token: Option<Secret>,
    pub tokens: Vec<NamedToken>,
    /// `/metrics` is open to all.
    pub open_metrics: bool,
}

/// Finds out on whose behalf each request comes.
#[derive(Clone)]
pub struct Access {
    ring: Arc<Keyring>,
    open_metrics: bool,
}

impl Access {
    pub fn new(settings: &AccessSettings) -> Self {
        let ring = Arc::new(Keyring::new(settings.api_token.as_ref(), &settings.tokens));
        Self { ring, open_metrics: settings.open_metrics }
    }

    /// Lets the request through with its [`Caller`], or answers `401` or `403`.
    pub async fn admit(
        self,
        request: ServiceRequest,
        next: Next<impl MessageBody + 'static>,
    ) -> Result<ServiceResponse<BoxBody>, Error> {
        match self.check(&request) {
            Ok(caller) => {
                caller.map(|caller| request.extensions_mut().insert(caller));
                Ok(next.call(request).await?.map_into_boxed_body())
            }
            Err(refusal) => Ok(request.into_response(refusal.error_response())),
        }
    }

    fn check(&self, request: &ServiceRequest) -> Result<Option<Caller>, ApiError> {
        // The path as routes are found by: `%6dd` is `md` here and there.
        let needed = self.needed(request.method(), request.match_info().unprocessed());
        let caller = self.caller(request);
        match needed {
            None => Ok(caller),
            Some(scope) => {
                let caller = caller.ok_or(ApiError::Unauthorized)?;
                caller.needs(scope)?;
                Ok(Some(caller))
            }
        }
    }

    /// The least that a request needs, whatever route answers it; `None`: nothing. What submits a job needs
    /// [`Scope::Submit`] whatever is said here: `Api::new_job` asks for it.
    fn needed(&self, method: &Method, path: &str) -> Option<Scope> {
        match (method.as_str(), path) {
            (_, "/health") => None,
            (_, "/metrics") if self.open_metrics => None,
            ("GET" | "HEAD" | "OPTIONS", _) | ("POST", "/config/dump") => Some(Scope::Read),
            _ => Some(Scope::Submit),
        }
    }

    fn caller(&self, request: &ServiceRequest) -> Option<Caller> {
        if self.ring.is_empty() {
            return Some(Caller::anonymous());
        }
        self.ring.owner(brought(request)?).cloned()
    }
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
