//! A request's body, as JSON or as an error of the API's own shape.

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use bytes::Bytes;
use serde_json::Value;

use super::errors::ApiError;

/// What the framework made of a body: the bytes, or why not.
pub type Body = Result<Bytes, actix_web::Error>;

/// The JSON of a request that says it is JSON.
pub fn json(request: &HttpRequest, body: Body, max_body: usize) -> Result<Value, ApiError> {
    let content_type = request.headers().get("content-type").and_then(|value| value.to_str().ok()).unwrap_or("");
    let essence = content_type.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    if essence != "application/json" && !(essence.starts_with("application/") && essence.ends_with("+json")) {
        return Err(ApiError::NotSaidToBeJson);
    }
    let body = body.map_err(|error| match error.as_response_error().status_code() {
        StatusCode::PAYLOAD_TOO_LARGE => ApiError::TooLarge { max_body },
        _ => ApiError::Bad(format!("the body could not be read: {error}")),
    })?;
    serde_json::from_slice(&body).map_err(|error| ApiError::Bad(format!("not JSON: {error}")))
}
