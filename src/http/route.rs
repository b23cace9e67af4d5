//! The declaration of a route: method, path, access, rate class, handler and OpenAPI operation in one value. A `GET` route
//! also answers `HEAD`.

use std::borrow::Cow;
use std::collections::HashMap;

use actix_web::dev::Handler;
use actix_web::http::Method;
use actix_web::{FromRequest, Responder, guard, web};
use opilio_actors::domain::scope::Scope;

use super::openapi::operation_builder::Operation;

/// The credential that a route requires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// None.
    Open,
    /// None if `security.open_metrics` is set, otherwise [`Scope::Read`].
    Metrics,
    /// At least this scope. A handler that submits a job requires [`Scope::Submit`] in addition.
    Scope(Scope),
}

pub const GET: Method = Method::GET;
pub const POST: Method = Method::POST;
pub const DELETE: Method = Method::DELETE;

pub const OPEN: Access = Access::Open;
pub const READ: Access = Access::Scope(Scope::Read);
pub const SUBMIT: Access = Access::Scope(Scope::Submit);

/// The rate limits that apply to a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateClass {
    /// The limits of the address and of the principal.
    Standard,
    /// In addition the limit of synchronous requests.
    Synchronous,
}

pub const STANDARD: RateClass = RateClass::Standard;
pub const SYNCHRONOUS: RateClass = RateClass::Synchronous;

pub struct Route {
    /// `GET` includes `HEAD`.
    pub method: Method,
    /// As the router matches it: a segment can have a pattern, `{url:.+}`.
    pub path: Cow<'static, str>,
    pub policy: Policy,
    pub operation: Operation,
    pub service: actix_web::Route,
}

impl Route {
    /// The methods, as `Allow` lists them.
    pub fn allowed(&self) -> &str {
        if self.method == Method::GET { "GET, HEAD" } else { self.method.as_str() }
    }
}

/// What is checked before a route's handler runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    pub access: Access,
    pub rate: RateClass,
}

/// Declares a route.
pub fn route<F, Args>(
    method: Method,
    path: impl Into<Cow<'static, str>>,
    access: Access,
    rate: RateClass,
    handler: F,
    operation: Operation,
) -> Route
where
    F: Handler<Args>,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    let service = match method {
        Method::GET => actix_web::Route::new().guard(guard::Any(guard::Get()).or(guard::Head())),
        _ => web::method(method.clone()),
    };
    let service = service.to(handler);
    Route { method, path: path.into(), policy: Policy { access, rate }, operation, service }
}

/// The policies of all routes.
#[derive(Debug, Default)]
pub struct Policies {
    by_pattern: HashMap<Cow<'static, str>, Vec<(Method, Policy)>>,
}

impl Policies {
    pub fn of(routes: &[Route]) -> Self {
        let mut policies = Self::default();
        for route in routes {
            policies.by_pattern.entry(route.path.clone()).or_default().push((route.method.clone(), route.policy));
        }
        policies
    }

    /// Whether this path is the pattern of a route without parameters. The router matches those before patterns with
    /// parameters, so it chooses that route, and no pattern needs to be matched a second time.
    pub fn has_static(&self, path: &str) -> bool {
        !path.contains('{') && self.by_pattern.contains_key(path)
    }

    /// The policy of a request whose path matched `pattern`; `None`: no route has this path.
    ///
    /// A request that no route answers needs a credential, too, so that it reveals nothing: a method that reads requires
    /// [`READ`], any other [`SUBMIT`]. A path whose routes are all open answers any method.
    pub fn find(&self, pattern: Option<&str>, method: &Method) -> Policy {
        let routes = pattern.and_then(|pattern| self.by_pattern.get(pattern)).map_or(&[][..], Vec::as_slice);
        let declared_as = if method == Method::HEAD { &Method::GET } else { method };
        if let Some((_, policy)) = routes.iter().find(|(declared, _)| declared == declared_as) {
            return *policy;
        }
        let access = match routes {
            [(_, Policy { access: access @ (Access::Open | Access::Metrics), .. })] => *access,
            _ if matches!(*declared_as, Method::GET | Method::OPTIONS) => READ,
            _ => SUBMIT,
        };
        Policy { access, rate: STANDARD }
    }
}
