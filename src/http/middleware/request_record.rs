//! Records the outcome and the duration of each crawl request for `/monitor`.

use std::time::Instant;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, web};

use crate::http::api::Api;
use crate::http::caller::Caller;
use crate::http::route::{Policies, RateClass};

/// The duration ends with the headers of the response. Follows [`super::Auth`].
pub async fn record_requests<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let started = Instant::now();
    let response = next.call(request).await?;
    let request = response.request();
    let pattern = request.match_pattern().filter(|pattern| is_crawl(request, pattern));
    if let (Some(pattern), Some(api)) = (pattern, request.app_data::<web::Data<Api>>())
        && let Some(caller) = request.extensions().get::<Caller>()
    {
        let succeeded = !(response.status().is_client_error() || response.status().is_server_error());
        let endpoint = pattern.split("/{").next().unwrap_or_default();
        api.monitor.endpoints().record(caller.principal(), endpoint, started.elapsed(), succeeded);
    }
    Ok(response)
}

/// Whether the route fetches pages or submits a job that does.
fn is_crawl(request: &actix_web::HttpRequest, pattern: &str) -> bool {
    let policies = request.app_data::<web::Data<Policies>>();
    let policy = policies.map(|policies| policies.find(Some(pattern), request.method()));
    policy.is_some_and(|policy| policy.rate == RateClass::Synchronous) || pattern.ends_with("/job")
}
