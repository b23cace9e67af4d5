//! `POST /token`: a signed token for somebody, given to who holds the operator's own, as the peer's server has it.

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Map, Value, json};
use tracing::{info, warn};
use url::Host;

use super::Api;
use super::body::{self, Body};
use super::error::ApiError;
use super::field_error::FieldError;
use super::middleware::Auth;

pub async fn token(
    api: web::Data<Api>,
    access: web::Data<Auth>,
    request: HttpRequest,
    body: Body,
) -> Result<HttpResponse, ApiError> {
    let (asked, _) = body::json(&request, body)?.apart();
    let Value::Object(asked) = asked else {
        return Err(ApiError::Invalid(vec![FieldError::in_body(&[], "model_attributes_type", "an object is needed")]));
    };
    let (email, api_token) = (email(&asked), api_token(&asked));
    let (email, api_token) = match (email, api_token) {
        (Ok(email), Ok(api_token)) => (email, api_token),
        (email, api_token) => return Err(ApiError::Invalid(email.err().into_iter().chain(api_token.err()).collect())),
    };
    let token = access.issue(&email, api_token.as_deref(), api.clock.now())?;
    if access.is_passing() {
        warn!(email, "a token was signed by a key that ends with this process: SECRET_KEY gives one that lasts");
    } else {
        info!(email, "a token was signed");
    }
    Ok(HttpResponse::Ok().json(json!({"email": email, "access_token": token, "token_type": "bearer"})))
}

/// The domain in lower case. Whether it takes mail is not asked: who holds the operator's token may say who it is.
fn email(asked: &Map<String, Value>) -> Result<String, FieldError> {
    let wrong = |kind, msg| Err(FieldError::in_body(&["email"], kind, msg));
    match asked.get("email") {
        None | Some(Value::Null) => wrong("missing", "an e-mail address is needed"),
        Some(Value::String(text)) => match text.rsplit_once('@') {
            Some((name, domain)) if is_name(name) && is_domain(domain) => {
                Ok(format!("{name}@{}", domain.to_lowercase()))
            }
            _ => wrong("value_error", "value is not a valid email address"),
        },
        Some(_) => wrong("string_type", "a text is needed"),
    }
}

fn is_name(name: &str) -> bool {
    let odd = |c: char| c.is_control() || c.is_whitespace() || "\"(),:;<>@[\\]".contains(c);
    !name.is_empty()
        && name.len() <= 64
        && !name.contains(odd)
        && !name.starts_with('.')
        && !name.ends_with('.')
        && !name.contains("..")
}

fn is_domain(domain: &str) -> bool {
    let inner = domain.trim_matches('.').len() == domain.len() && domain.contains('.') && domain.len() <= 189;
    inner && matches!(Host::parse(domain), Ok(Host::Domain(_)))
}

fn api_token(asked: &Map<String, Value>) -> Result<Option<String>, FieldError> {
    match asked.get("api_token") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(token)) => Ok(Some(token.clone())),
        Some(_) => Err(FieldError::in_body(&["api_token"], "string_type", "a text is needed")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_people_are_taken_and_others_not() {
        let read = |text: &str| email(&Map::from_iter([("email".to_owned(), json!(text))])).ok();
        assert_eq!(read("Ann.B+c@Example.COM").as_deref(), Some("Ann.B+c@example.com"));
        assert_eq!(read("ü@bücher.example").as_deref(), Some("ü@bücher.example"));
        for bad in [
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
            assert_eq!(read(bad), None, "{bad:?}");
        }
        assert!(email(&Map::new()).is_err());
    }
}
