//! `POST /token`: issues a signed token to a client that has the operator's token, as Crawl4AI's server does.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use serde_json::{Map, Value, json};
use tracing::{info, warn};
use url::Host;
use utoipa::ToSchema;

use super::api::Api;
use super::body::{self, Body};
use super::error::ApiError;
use super::field_error::FieldError;
use super::middleware::Auth;
use super::openapi::operation_builder::operation;
use super::route::{OPEN, POST, Route, STANDARD, route};

/// Open, because the body contains the credential.
pub fn routes() -> Vec<Route> {
    let example = json!({"email": "user@example.com", "access_token": "eyJ…", "token_type": "bearer"});
    let token_operation = operation("operations", "token", "Issue a signed token, given the operator's token")
        .request::<TokenRequest>(json!({"email": "user@example.com", "api_token": "the-operators-own-token"}))
        .response::<Token>(200, "The token", example)
        .build();
    vec![route(POST, "/token", OPEN, STANDARD, token, token_operation)]
}

#[derive(ToSchema)]
#[allow(dead_code, reason = "read from JSON field by field, so that all invalid fields are reported")]
struct TokenRequest {
    #[schema(example = "user@example.com")]
    email: String,
    /// The operator's token.
    api_token: Option<String>,
}

/// For `Authorization: Bearer`.
#[derive(Serialize, ToSchema)]
struct Token {
    email: String,
    access_token: String,
    #[schema(value_type = String, example = "bearer")]
    token_type: &'static str,
}

async fn token(
    api: web::Data<Api>,
    auth: web::Data<Auth>,
    request: HttpRequest,
    body: Body,
) -> Result<HttpResponse, ApiError> {
    let (body, _) = body::json(&request, body)?.into_parts();
    let Value::Object(body) = body else {
        return Err(ApiError::Invalid(vec![FieldError::in_body(&[], "model_attributes_type", "must be an object")]));
    };
    let (email, api_token) = match (email(&body), api_token(&body)) {
        (Ok(email), Ok(api_token)) => (email, api_token),
        (email, api_token) => return Err(ApiError::Invalid(email.err().into_iter().chain(api_token.err()).collect())),
    };
    let access_token = auth.issue(&email, api_token.as_deref(), api.clock.now())?;
    if auth.has_ephemeral_key() {
        warn!(email, "token signed with an ephemeral key; set SECRET_KEY to keep tokens valid across restarts");
    } else {
        info!(email, "token signed");
    }
    Ok(HttpResponse::Ok().json(Token { email, access_token, token_type: "bearer" }))
}

/// The address with its domain in lower case. It is not verified: the operator's token authorizes the request.
fn email(body: &Map<String, Value>) -> Result<String, FieldError> {
    let invalid = |kind, msg| Err(FieldError::in_body(&["email"], kind, msg));
    match body.get("email") {
        None | Some(Value::Null) => invalid("missing", "an e-mail address is required"),
        Some(Value::String(text)) => match text.rsplit_once('@') {
            Some((name, domain)) if is_name(name) && is_domain(domain) => {
                Ok(format!("{name}@{}", domain.to_lowercase()))
            }
            _ => invalid("value_error", "value is not a valid email address"),
        },
        Some(_) => invalid("string_type", "must be a string"),
    }
}

fn is_name(name: &str) -> bool {
    let is_forbidden = |c: char| c.is_control() || c.is_whitespace() || "\"(),:;<>@[\\]".contains(c);
    !name.is_empty()
        && name.len() <= 64
        && !name.contains(is_forbidden)
        && !name.starts_with('.')
        && !name.ends_with('.')
        && !name.contains("..")
}

fn is_domain(domain: &str) -> bool {
    let inner = domain.trim_matches('.').len() == domain.len() && domain.contains('.') && domain.len() <= 189;
    inner && matches!(Host::parse(domain), Ok(Host::Domain(_)))
}

fn api_token(body: &Map<String, Value>) -> Result<Option<String>, FieldError> {
    match body.get("api_token") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(token)) => Ok(Some(token.clone())),
        Some(_) => Err(FieldError::in_body(&["api_token"], "string_type", "must be a string")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_valid_email_addresses_are_accepted() {
        let read = |text: &str| email(&Map::from_iter([("email".to_owned(), json!(text))])).ok();
        assert_eq!(read("Ann.B+c@Example.COM").as_deref(), Some("Ann.B+c@example.com"));
        assert_eq!(read("ü@bücher.example").as_deref(), Some("ü@bücher.example"));
        for invalid in [
            "",
            "a",
            "@",
            "a@",
            "@b.example",
            "a@b",
            "a b@c.example",
            "a@b@c.example",
            "a\n@c.example",
            ".a@c.example",
            "a@c.example.",
            "a@.c.example",
            "a@127.0.0.1",
            "a@[::1]",
            "a..b@c.example",
            "operator",
        ] {
            assert_eq!(read(invalid), None, "{invalid:?}");
        }
        assert!(email(&Map::new()).is_err());
    }
}
