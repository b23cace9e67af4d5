//! On whose behalf a request comes, and what they may do. Every handler that touches jobs takes a [`Caller`].

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use opilio_actors::domain::id::Principal;
use opilio_actors::domain::scope::Scope;

use super::error::ApiError;

/// Put into each request by [`super::Auth`]; a request that did not pass it has none, and its handler is not called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    principal: Principal,
    scope: Scope,
    most_jobs: Option<u64>,
}

impl Caller {
    pub fn new(principal: Principal, scope: Scope) -> Self {
        Self { principal, scope, most_jobs: None }
    }

    /// Of this caller's jobs, queued or running; `None`: as of anybody's.
    pub fn with_most_jobs(self, most_jobs: Option<u64>) -> Self {
        Self { most_jobs, ..self }
    }

    pub fn most_jobs(&self) -> Option<u64> {
        self.most_jobs
    }

    /// With no more than `scope`.
    pub fn at_most(self, scope: Scope) -> Self {
        Self { scope: self.scope.min(scope), ..self }
    }

    /// Everybody, where no credential is asked for: there is nobody whose jobs would have to be hidden.
    pub fn anonymous() -> Self {
        Self::new(Principal::anonymous(), Scope::Admin)
    }

    /// In whose name jobs are submitted.
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    /// Whose jobs are there for this caller; `None`: everybody's.
    pub fn sees(&self) -> Option<&Principal> {
        (self.scope < Scope::Admin).then_some(&self.principal)
    }

    /// # Errors
    /// `Forbidden` where `scope` is more than the credential allows.
    pub fn needs(&self, scope: Scope) -> Result<(), ApiError> {
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
