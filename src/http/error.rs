//! The errors of the API and their responses.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{HttpResponse, ResponseError};
use opilio_actors::domain::scope::Scope;
use opilio_actors::domain::text::visible;
use opilio_actors::ports::StoreError;
use serde::Serialize;
use tracing::error;
use ulid::Ulid;
use utoipa::ToSchema;

use super::field_error::{FieldError, Rejection};

#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    #[error("{0}")]
    BadRequest(String),
    #[error("Content-Type must be application/json")]
    UnsupportedMediaType,
    #[error("Content-Encoding must be gzip, br or zstd")]
    UnsupportedEncoding,
    #[error("Authentication required")]
    Unauthorized,
    #[error("Invalid or missing api_token")]
    InvalidApiToken,
    #[error("Token issuance is disabled: no api_token is configured on the server.")]
    TokenIssuanceDisabled,
    #[error("Connections from pages of this origin are not allowed; add it to security.cors_allow_origins")]
    ForeignOrigin,
    #[error("Invalid host header")]
    InvalidHost,
    #[error(
        "Forwarded requests are rejected, because this server accepts local clients without a token: list the proxy in \
         rate_limiting.trusted_proxies and set security.api_token"
    )]
    ForwardedToPrivateServer,
    #[error("the request line and headers are too large")]
    HeadersTooLarge,
    #[error("timeout while reading the body")]
    BodyTimeout,
    #[error("Too many requests; try again later")]
    RateLimited { retry_after: Duration },
    /// The credential is valid but lacks the scope.
    #[error("the credential lacks the scope {}", required.as_str())]
    Forbidden { required: Scope },
    #[error("the request has invalid fields")]
    Invalid(Vec<FieldError>),
    #[error("{}", .0.first().map_or("not supported", |error| error.msg.as_str()))]
    Unsupported(Vec<FieldError>),
    #[error("Task not found")]
    NotFound,
    #[error("Page not found: it is not finished, or the job has no such page")]
    PageNotFound,
    #[error("Not Found")]
    RouteNotFound,
    #[error("Session not found: it may have ended")]
    SessionNotFound,
    #[error("Too many open sessions; try again later")]
    TooManySessions,
    #[error("Method Not Allowed")]
    MethodNotAllowed { allowed: String },
    #[error("{0}")]
    Conflict(String),
    #[error("the body is larger than {max_body} bytes")]
    TooLarge { max_body: usize },
    #[error("{}; try again later", if *principal { "Too many of your jobs are queued or running" } else { "The queue is full" })]
    QueueFull { principal: bool },
    #[error("The service is unavailable; try again later")]
    Unavailable,
    /// The text names what is missing.
    #[error("{0}")]
    NotImplemented(&'static str),
    /// The page could not be fetched or read, or the model failed.
    #[error("{0}")]
    BadGateway(String),
    #[error("Internal server error")]
    Internal(String),
}

impl From<Rejection> for ApiError {
    fn from(rejection: Rejection) -> Self {
        match rejection {
            Rejection::Invalid(errors) => Self::Invalid(errors),
            Rejection::Unsupported(errors) => Self::Unsupported(errors),
        }
    }
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

impl From<actix::MailboxError> for ApiError {
    fn from(_: actix::MailboxError) -> Self {
        Self::Unavailable
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::BadRequest(_) | Self::Unsupported(_) | Self::InvalidHost => StatusCode::BAD_REQUEST,
            Self::UnsupportedMediaType | Self::UnsupportedEncoding => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Unauthorized | Self::InvalidApiToken => StatusCode::UNAUTHORIZED,
            Self::Forbidden { .. }
            | Self::ForeignOrigin
            | Self::TokenIssuanceDisabled
            | Self::ForwardedToPrivateServer => StatusCode::FORBIDDEN,
            Self::HeadersTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::BodyTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::RateLimited { .. } | Self::TooManySessions | Self::QueueFull { principal: true } => {
                StatusCode::TOO_MANY_REQUESTS
            }
            Self::MethodNotAllowed { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::NotFound | Self::PageNotFound | Self::RouteNotFound | Self::SessionNotFound => StatusCode::NOT_FOUND,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::QueueFull { principal: false } | Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::NotImplemented(_) => StatusCode::NOT_IMPLEMENTED,
            Self::BadGateway(_) => StatusCode::BAD_GATEWAY,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
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
            // The remaining bytes of the request are not read.
            Self::BodyTimeout | Self::HeadersTooLarge => {
                response.force_close();
            }
            Self::QueueFull { .. } | Self::Unavailable | Self::TooManySessions => {
                response.insert_header((RETRY_AFTER, "1"));
            }
            _ => {}
        }
        response.json(self.body())
    }
}

impl ApiError {
    /// The body of the response. Logs the reason of an internal error with the correlation id.
    pub fn body(&self) -> ErrorBody {
        match self {
            Self::Internal(why) => {
                let correlation_id = Ulid::generate().to_string();
                error!(correlation_id, why, "internal error");
                ErrorBody::InternalError(InternalError { error: self.to_string(), correlation_id })
            }
            Self::Invalid(fields) => {
                ErrorBody::Invalid(Invalid { detail: fields.iter().map(FieldError::visible).collect() })
            }
            _ => {
                let errors = match self {
                    Self::Unsupported(errors) => errors.iter().map(FieldError::visible).collect(),
                    _ => vec![],
                };
                ErrorBody::Problem(Problem { detail: visible(&self.to_string()).into_owned(), errors })
            }
        }
    }
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum ErrorBody {
    Problem(Problem),
    Invalid(Invalid),
    InternalError(InternalError),
}

/// The reason, as one sentence.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"detail": "Task not found"}))]
pub struct Problem {
    detail: String,
    /// All keys that are not supported; `detail` is the message of the first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    errors: Vec<FieldError>,
}

/// All invalid fields of the request.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"detail": [{"loc": ["body", "urls", 0], "msg": "must be a string", "type": "url_type"}]}))]
pub struct Invalid {
    detail: Vec<FieldError>,
}

/// An internal error.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"error": "Internal server error", "correlation_id": "01KASBX3V0J1M8F4C5Q9W2E7RT"}))]
pub struct InternalError {
    error: String,
    /// Identifies the error in the server's log.
    correlation_id: String,
}
