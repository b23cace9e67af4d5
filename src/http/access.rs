//! Who may use the API: everybody, or who brings the token.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use actix_web::middleware::Next;
use actix_web::{Error, HttpResponse};
use opilio_actors::domain::secret::Secret;
use ring::hmac;
use serde_json::json;

/// The check that stands before every route but `/health`.
#[derive(Clone)]
pub struct Access {
    /// The token under a key, so that comparing takes the same time whatever is brought.
    expected: Option<(hmac::Key, hmac::Tag)>,
}

impl Access {
    /// `None`: everybody may.
    pub fn new(token: Option<&Secret>) -> Self {
        let expected = token.map(|token| {
            let key = hmac::Key::new(hmac::HMAC_SHA256, b"opilio access");
            let tag = hmac::sign(&key, token.expose().as_bytes());
            (key, tag)
        });
        Self { expected }
    }

    /// Lets the request through, or answers `401`.
    pub async fn admit(
        self,
        request: ServiceRequest,
        next: Next<impl MessageBody + 'static>,
    ) -> Result<ServiceResponse<BoxBody>, Error> {
        if request.path() == "/health" || self.knows(&request) {
            return Ok(next.call(request).await?.map_into_boxed_body());
        }
        let answer = HttpResponse::Unauthorized()
            .insert_header((WWW_AUTHENTICATE, "Bearer"))
            .json(json!({"detail": "a token is needed: Authorization: Bearer … or X-API-Key: …"}));
        Ok(request.into_response(answer))
    }

    fn knows(&self, request: &ServiceRequest) -> bool {
        let Some((key, tag)) = &self.expected else { return true };
        let header = |name: &str| request.headers().get(name)?.to_str().ok();
        let bearer = header(AUTHORIZATION.as_str()).and_then(|value| {
            let (scheme, token) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
        });
        let brought = bearer.or_else(|| header("x-api-key"));
        brought.is_some_and(|token| hmac::verify(key, token.as_bytes(), tag.as_ref()).is_ok())
    }
}
