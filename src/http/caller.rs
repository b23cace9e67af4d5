//! The principal of a request and its scope. Every handler that accesses jobs takes a [`Caller`].

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use opilio_actors::domain::id::Principal;
use opilio_actors::domain::scope::Scope;

use super::error::ApiError;

/// Inserted into each admitted request by [`super::Auth`]. The handler of a request without one is not called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    principal: Principal,
    scope: Scope,
    max_jobs: Option<u64>,
}

impl Caller {
    pub fn new(principal: Principal, scope: Scope) -> Self {
        Self { principal, scope, max_jobs: None }
    }

    /// Sets the limit of queued and running jobs; `None`: the store's limit.
    pub fn with_max_jobs(self, max_jobs: Option<u64>) -> Self {
        Self { max_jobs, ..self }
    }

    pub fn max_jobs(&self) -> Option<u64> {
        self.max_jobs
    }

    /// Lowers the scope to at most `scope`.
    pub fn at_most(self, scope: Scope) -> Self {
        Self { scope: self.scope.min(scope), ..self }
    }

    /// The caller of a server without credentials. It sees all jobs.
    pub fn anonymous() -> Self {
        Self::new(Principal::anonymous(), Scope::Admin)
    }

    /// The owner of the jobs that this caller submits.
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    /// The principal whose jobs this caller sees; `None`: all principals.
    pub fn sees(&self) -> Option<&Principal> {
        (self.scope < Scope::Admin).then_some(&self.principal)
    }

    /// # Errors
    /// `Forbidden` if the credential lacks `scope`.
    pub fn require(&self, scope: Scope) -> Result<(), ApiError> {
        if self.scope >= scope { Ok(()) } else { Err(ApiError::Forbidden { required: scope }) }
    }
}

impl FromRequest for Caller {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(request.extensions().get::<Self>().cloned().ok_or(ApiError::Unauthorized))
    }
}
