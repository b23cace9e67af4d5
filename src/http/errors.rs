//! Every error a client can get, and its status.

use actix_web::http::StatusCode;
use actix_web::http::header::RETRY_AFTER;
use actix_web::{HttpResponse, ResponseError};
use opilio_actors::ports::StoreError;
use serde_json::json;
use tracing::error;
use ulid::Ulid;

use super::crawl_options::FieldError;

#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    #[error("{0}")]
    NotJson(String),
    #[error("the request has wrong fields")]
    Invalid(Vec<FieldError>),
    #[error("Task not found")]
    NotFound,
    #[error("Not Found")]
    NoSuchRoute,
    #[error("{0}")]
    Conflict(String),
    #[error("{0}")]
    TooLarge(String),
    #[error("The queue is full; try again later")]
    QueueFull { principal: bool },
    #[error("The service cannot take this now; try again later")]
    Away,
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

impl From<actix::MailboxError> for ApiError {
    fn from(_: actix::MailboxError) -> Self {
        Self::Away
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::NotJson(_) => StatusCode::BAD_REQUEST,
            Self::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::NotFound | Self::NoSuchRoute => StatusCode::NOT_FOUND,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::QueueFull { principal: true } => StatusCode::TOO_MANY_REQUESTS,
            Self::QueueFull { principal: false } | Self::Away => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        match self {
            Self::Internal(why) => {
                let correlation_id = Ulid::generate().to_string();
                error!(correlation_id, why, "internal error");
                return response.json(json!({"error": self.to_string(), "correlation_id": correlation_id}));
            }
            Self::Invalid(fields) => return response.json(json!({"detail": fields})),
            Self::QueueFull { .. } | Self::Away => {
                response.insert_header((RETRY_AFTER, "1"));
            }
            _ => {}
        }
        response.json(json!({"detail": self.to_string()}))
    }
}

/// Whatever no route answers.
pub async fn no_such_route() -> Result<HttpResponse, ApiError> {
    Err(ApiError::NoSuchRoute)
}
