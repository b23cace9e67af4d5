//! Adds security headers to every response, removes the body of a response to `HEAD`, converts panics to a `500`, and
//! reports the start and end of a response to the connection's timeouts.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_http::ConnectionType;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{Error, HttpResponse, ResponseError};
use bytes::Bytes;
use futures_util::FutureExt;

use crate::http::error::ApiError;
use crate::http::server::connection::Phase;

/// Defaults: a route can set its own, for example the policy of a page.
const HEADERS: [(&str, &str); 7] = [
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("content-security-policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cache-control", "no-store"),
];

pub async fn response_headers(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let phase = request.conn_data::<Phase>().cloned();
    phase.iter().for_each(Phase::begin);
    let is_head = request.method() == Method::HEAD;
    let response = AssertUnwindSafe(next.call(request)).catch_unwind().await;
    let response = response.unwrap_or_else(|_| Err(ApiError::Internal("a handler panicked".to_owned()).into()));
    match response {
        Ok(mut response) => {
            add_headers(response.headers_mut());
            let closing = response.response().head().connection_type() == ConnectionType::Close;
            Ok(response.map_body(|_, body| {
                let body = if is_head { BoxBody::new(HeadBody(body.size())) } else { body.boxed() };
                BoxBody::new(TimedBody { body, phase, closing })
            }))
        }
        Err(error) => {
            phase.iter().for_each(|phase| phase.end(false));
            Err(ErrorWithHeaders(error).into())
        }
    }
}

fn add_headers(headers: &mut HeaderMap) {
    for (name, value) in HEADERS {
        let name = HeaderName::from_static(name);
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
}

/// An error whose response has the headers.
#[derive(Debug)]
struct ErrorWithHeaders(Error);

impl std::fmt::Display for ErrorWithHeaders {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl ResponseError for ErrorWithHeaders {
    fn status_code(&self) -> StatusCode {
        self.0.as_response_error().status_code()
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = self.0.error_response();
        add_headers(response.headers_mut());
        response
    }
}

/// The body of a response to `HEAD`: only its size, for `Content-Length`.
struct HeadBody(BodySize);

impl MessageBody for HeadBody {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        self.0
    }

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Poll::Ready(None)
    }
}

/// The body of a response. Dropping it ends the response for the connection's timeouts.
struct TimedBody {
    body: BoxBody,
    phase: Option<Phase>,
    closing: bool,
}

impl MessageBody for TimedBody {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.body).poll_next(cx)
    }
}

impl Drop for TimedBody {
    fn drop(&mut self) {
        self.phase.iter().for_each(|phase| phase.end(self.closing));
    }
}

#[cfg(test)]
mod tests {
    use actix_web::body::to_bytes;
    use actix_web::middleware::from_fn;
    use actix_web::{App, test, web};
    use serde_json::Value;

    use super::*;

    async fn panics() -> HttpResponse {
        panic!("internal detail")
    }

    async fn own_policy() -> HttpResponse {
        HttpResponse::Ok().insert_header(("content-security-policy", "default-src 'self'")).finish()
    }

    #[actix::test]
    async fn panic_is_a_500_with_a_correlation_id() {
        let app =
            test::init_service(App::new().wrap(from_fn(response_headers)).route("/", web::get().to(panics))).await;
        let result = test::try_call_service(&app, test::TestRequest::get().to_request()).await;
        let Err(error) = result else { panic!("the handler panics") };
        let response = error.error_response();
        assert_eq!(
            (response.status(), response.headers().contains_key("x-frame-options")),
            (500_u16.try_into().unwrap(), true)
        );
        let body: Value = serde_json::from_slice(&to_bytes(response.into_body()).await.unwrap()).unwrap();
        let keys: Vec<_> = body.as_object().expect("an object").keys().map(String::as_str).collect();
        assert_eq!((keys, &body["error"]), (vec!["error", "correlation_id"], &Value::from("Internal server error")));
    }

    #[actix::test]
    async fn route_can_set_its_own_policy() {
        let app =
            test::init_service(App::new().wrap(from_fn(response_headers)).route("/", web::get().to(own_policy))).await;
        let response = test::call_service(&app, test::TestRequest::get().to_request()).await;
        let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        assert_eq!(header("content-security-policy").as_deref(), Some("default-src 'self'"));
        assert_eq!(header("x-frame-options").as_deref(), Some("DENY"));
    }
}
