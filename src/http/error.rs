//! Every error a client can get, and its status.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use opilio_actors::domain::scope::Scope;
use opilio_actors::domain::text::visible;
use opilio_actors::ports::StoreError;
use serde_json::{Value, json};
use tracing::error;
use ulid::Ulid;

use super::field_error::{FieldError, Loc};
use super::middleware::rate_limit::RateLimited;
use super::trailing_slash;

#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    #[error("{0}")]
    BadRequest(String),
    #[error("Content-Type: application/json is required")]
    UnsupportedMediaType,
    #[error("Authentication required")]
    Unauthorized,
    #[error("Invalid or missing api_token")]
    InvalidApiToken,
    #[error("Token issuance is disabled: no api_token is configured on the server.")]
    TokenIssuanceDisabled,
    #[error("Invalid host header")]
    InvalidHost,
    #[error(
        "This server is open to its own machine, and a proxy passed this on for somebody else: list the proxy in \
         rate_limiting.trusted_proxies and set security.api_token"
    )]
    ForwardedToPrivateServer,
    #[error("the request's head is larger than is taken here")]
    HeadersTooLarge,
    #[error("the body took too long to arrive")]
    BodyTimeout,
    #[error("Too many requests; try again later")]
    RateLimited { retry_after: Duration },
    /// The credential is good, but not for this.
    #[error("a credential with the scope {} is required", required.as_str())]
    Forbidden { required: Scope },
    #[error("the request has wrong fields")]
    Invalid(Vec<FieldError>),
    #[error("Task not found")]
    NotFound,
    #[error("Page not found: it is not done yet, or the job has no such page")]
    PageNotFound,
    #[error("Not Found")]
    RouteNotFound,
    #[error("There is no such session; it may have ended")]
    SessionNotFound,
    #[error("Too many sessions are open; try again later")]
    TooManySessions,
    #[error("Method Not Allowed")]
    MethodNotAllowed { allowed: String },
    #[error("{0}")]
    Conflict(String),
    #[error("the body is larger than {max_body} bytes")]
    TooLarge { max_body: usize },
    #[error("{}; try again later", if *principal { "Too many of your jobs are queued or running" } else { "The queue is full" })]
    QueueFull { principal: bool },
    #[error("The service cannot take this now; try again later")]
    Unavailable,
    /// There is no such thing here so far; the text says what is missing.
    #[error("{0}")]
    NotImplemented(&'static str),
    /// The page, or the model, that the answer was to be made of.
    #[error("{0}")]
    BadGateway(String),
    /// Every page failed; the first one's reason.
    #[error("Crawl request failed: {0}")]
    CrawlFailed(String),
    #[error("Internal server error")]
    Internal(String),
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound | StoreError::LeaseLost => Self::NotFound,
            StoreError::Conflict(why) => Self::Conflict(why.to_owned()),
            StoreError::Full { principal } => Self::QueueFull { principal },
            StoreError::Unavailable(_) => Self::Unavailable,
            StoreError::Damaged(why) => Self::Internal(why),
        }
    }
}

impl From<RateLimited> for ApiError {
    fn from(RateLimited { retry_after }: RateLimited) -> Self {
        Self::RateLimited { retry_after }
    }
}

impl From<actix::MailboxError> for ApiError {
    fn from(_: actix::MailboxError) -> Self {
        Self::Unavailable
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Unauthorized | Self::InvalidApiToken => StatusCode::UNAUTHORIZED,
            Self::Forbidden { .. } | Self::TokenIssuanceDisabled | Self::ForwardedToPrivateServer => {
                StatusCode::FORBIDDEN
            }
            Self::InvalidHost => StatusCode::BAD_REQUEST,
            Self::HeadersTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::BodyTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::RateLimited { .. } | Self::TooManySessions => StatusCode::TOO_MANY_REQUESTS,
            Self::MethodNotAllowed { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::NotFound | Self::PageNotFound | Self::RouteNotFound | Self::SessionNotFound => StatusCode::NOT_FOUND,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::QueueFull { principal: true } => StatusCode::TOO_MANY_REQUESTS,
            Self::QueueFull { principal: false } | Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::NotImplemented(_) => StatusCode::NOT_IMPLEMENTED,
            Self::BadGateway(_) => StatusCode::BAD_GATEWAY,
            Self::CrawlFailed(_) | Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        match self {
            Self::MethodNotAllowed { allowed } => {
                response.insert_header((ALLOW, allowed.as_str()));
            }
            Self::Unauthorized | Self::InvalidApiToken => {
                response.insert_header((WWW_AUTHENTICATE, "Bearer"));
            }
            Self::RateLimited { retry_after } => {
                let seconds = retry_after.as_secs() + u64::from(retry_after.subsec_nanos() > 0);
                response.insert_header((RETRY_AFTER, seconds.max(1)));
            }
            // What is still to come of the request is not waited for.
            Self::BodyTimeout | Self::HeadersTooLarge => {
                response.force_close();
            }
            Self::QueueFull { .. } | Self::Unavailable | Self::TooManySessions => {
                response.insert_header((RETRY_AFTER, "1"));
            }
            _ => {}
        }
        response.json(self.document())
    }
}

impl ApiError {
    /// What the answer says. The reason of an error of the server's own goes to the log, under the id that is told.
    pub fn document(&self) -> Value {
        match self {
            Self::Internal(why) => {
                let correlation_id = Ulid::generate().to_string();
                error!(correlation_id, why, "internal error");
                json!({"error": self.to_string(), "correlation_id": correlation_id})
            }
            Self::Invalid(fields) => json!({"detail": fields.iter().map(FieldError::visible).collect::<Vec<_>>()}),
            _ => json!({"detail": visible(&self.to_string())}),
        }
    }
}

/// Whatever no route answers.
pub async fn no_such_route(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    trailing_slash::without(&request).ok_or(ApiError::RouteNotFound)
}

/// What only a browser can do.
pub async fn needs_a_browser() -> Result<HttpResponse, ApiError> {
    Err(ApiError::NotImplemented("this needs a browser, which this server does not have yet"))
}

/// A route answers here, but not to this method. Pages in a path may end in a slash, so `/llm/job/` looks like one.
pub fn method_not_allowed(request: &HttpRequest, allowed: String) -> Result<HttpResponse, ApiError> {
    trailing_slash::without(request).ok_or(ApiError::MethodNotAllowed { allowed })
}

/// A query string that is not one.
pub fn bad_query(error: &actix_web::error::QueryPayloadError) -> ApiError {
    ApiError::Invalid(vec![FieldError { loc: vec![Loc::from("query")], msg: error.to_string(), kind: "value_error" }])
}
