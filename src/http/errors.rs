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

use super::access::TooOften;
use super::crawl_options::{FieldError, Loc};
use super::slash;

#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    #[error("{0}")]
    Bad(String),
    #[error("Content-Type: application/json is needed")]
    NotSaidToBeJson,
    #[error("Authentication required")]
    Unauthorized,
    #[error("Invalid or missing api_token")]
    WrongApiToken,
    #[error("Token issuance is disabled: no api_token is configured on the server.")]
    NoTokens,
    #[error("Invalid host header")]
    WrongHost,
    #[error(
        "This server is open to its own machine, and a proxy passed this on for somebody else: list the proxy in \
         rate_limiting.trusted_proxies and set security.api_token"
    )]
    Forwarded,
    #[error("the request's head is larger than is taken here")]
    HeadTooLarge,
    #[error("the body took too long to arrive")]
    TooSlow,
    #[error("Too many requests; try again later")]
    TooOften { wait: Duration },
    /// The credential is good, but not for this.
    #[error("a credential with the scope {} is needed", needed.as_str())]
    Forbidden { needed: Scope },
    #[error("the request has wrong fields")]
    Invalid(Vec<FieldError>),
    #[error("Task not found")]
    NotFound,
    #[error("Page not found: it is not done yet, or the job has no such page")]
    NoSuchPage,
    #[error("Not Found")]
    NoSuchRoute,
    #[error("There is no such session; it may have ended")]
    NoSuchSession,
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
    Away,
    /// There is no such thing here so far; the text says what is missing.
    #[error("{0}")]
    NotYet(&'static str),
    /// The page, or the model, that the answer was to be made of.
    #[error("{0}")]
    Unreadable(String),
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
            StoreError::Unavailable(_) => Self::Away,
            StoreError::Damaged(why) => Self::Internal(why),
        }
    }
}

impl From<TooOften> for ApiError {
    fn from(TooOften { wait }: TooOften) -> Self {
        Self::TooOften { wait }
    }
}

impl From<actix::MailboxError> for ApiError {
    fn from(_: actix::MailboxError) -> Self {
        Self::Away
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::Bad(_) => StatusCode::BAD_REQUEST,
            Self::NotSaidToBeJson => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Unauthorized | Self::WrongApiToken => StatusCode::UNAUTHORIZED,
            Self::Forbidden { .. } | Self::NoTokens | Self::Forwarded => StatusCode::FORBIDDEN,
            Self::WrongHost => StatusCode::BAD_REQUEST,
            Self::HeadTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::TooOften { .. } | Self::TooManySessions => StatusCode::TOO_MANY_REQUESTS,
            Self::MethodNotAllowed { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::NotFound | Self::NoSuchPage | Self::NoSuchRoute | Self::NoSuchSession => StatusCode::NOT_FOUND,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::QueueFull { principal: true } => StatusCode::TOO_MANY_REQUESTS,
            Self::QueueFull { principal: false } | Self::Away => StatusCode::SERVICE_UNAVAILABLE,
            Self::NotYet(_) => StatusCode::NOT_IMPLEMENTED,
            Self::Unreadable(_) => StatusCode::BAD_GATEWAY,
            Self::CrawlFailed(_) | Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        match self {
            Self::MethodNotAllowed { allowed } => {
                response.insert_header((ALLOW, allowed.as_str()));
            }
            Self::Unauthorized | Self::WrongApiToken => {
                response.insert_header((WWW_AUTHENTICATE, "Bearer"));
            }
            Self::TooOften { wait } => {
                let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
                response.insert_header((RETRY_AFTER, seconds.max(1)));
            }
            // What is still to come of the request is not waited for.
            Self::TooSlow | Self::HeadTooLarge => {
                response.force_close();
            }
            Self::QueueFull { .. } | Self::Away | Self::TooManySessions => {
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
    slash::without(&request).ok_or(ApiError::NoSuchRoute)
}

/// What only a browser can do.
pub async fn needs_a_browser() -> Result<HttpResponse, ApiError> {
    Err(ApiError::NotYet("this needs a browser, which this server does not have yet"))
}

/// A route answers here, but not to this method. Pages in a path may end in a slash, so `/llm/job/` looks like one.
pub fn method_not_allowed(request: &HttpRequest, allowed: String) -> Result<HttpResponse, ApiError> {
    slash::without(request).ok_or(ApiError::MethodNotAllowed { allowed })
}

/// A query string that is not one.
pub fn bad_query(error: &actix_web::error::QueryPayloadError) -> ApiError {
    ApiError::Invalid(vec![FieldError { loc: vec![Loc::from("query")], msg: error.to_string(), kind: "value_error" }])
}
