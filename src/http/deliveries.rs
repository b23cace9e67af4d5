//! Webhooks of settled jobs: the log of what was sent, and sending again.

use actix_web::{HttpRequest, HttpResponse, web};
use opilio_actors::domain::delivery::{DeliveryStatus, LoggedAttempt};
use opilio_actors::domain::id::JobId;
use opilio_actors::domain::time::rfc3339;
use opilio_actors::domain::webhook::Receiver;
use opilio_actors::ports::ReplayFilter;
use opilio_actors::webhook_sender::{ReplayDeliveries, ReplayDelivery};
use serde_json::{Value, json};

use super::body::Body;
use super::crawl4ai::url_policy::parse_web_url;
use super::error::ApiError;
use super::field_error::{FieldError, FieldPath};
use super::trusted_proxies::base;
use super::{Api, Caller, body, job_view};

pub async fn log(api: web::Data<Api>, caller: Caller, id: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let id = JobId::parse(&id).map_err(|_| ApiError::NotFound)?;
    let log = api.store.deliveries(&id, caller.sees()).await?.ok_or(ApiError::NotFound)?;
    let state = log.job.delivery.as_ref().map(|delivery| delivery.state.status());
    // The last one may be under way; any other without an end was cut short.
    let (pending, count) = (state == Some(DeliveryStatus::Pending), log.attempts.len());
    let attempts = log.attempts.iter().zip(1..).map(|(made, place)| attempt(made, !pending || place < count));
    let attempts: Vec<_> = attempts.collect();
    Ok(HttpResponse::Ok().json(json!({
        "task_id": id, "webhook_id": id.webhook_id(), "state": state, "attempts": attempts,
    })))
}

fn attempt(logged: &LoggedAttempt, over: bool) -> Value {
    let cut_short = (over && logged.finished_at.is_none()).then_some("cut short by the end of the server");
    let took = logged.finished_at.map(|finished| finished.duration_since(logged.started_at).as_secs_f64());
    json!({
        "attempt": logged.number,
        "started_at": rfc3339(logged.started_at),
        "finished_at": logged.finished_at.map(rfc3339),
        "duration_s": took,
        "status": logged.status,
        "error": logged.error.as_deref().or(cut_short),
        "next_due": logged.next_due.map(rfc3339),
        "answer": logged.answer,
    })
}

pub async fn replay(
    api: web::Data<Api>,
    caller: Caller,
    request: HttpRequest,
    id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let job = JobId::parse(&id).map_err(|_| ApiError::NotFound)?;
    let job = api.front.send(ReplayDelivery { job, principal: caller.sees().cloned() }).await??;
    Ok(HttpResponse::Accepted().json(job_view::view(&job, &base(&request))))
}

/// `{"state", "since", "receiver"}`, each optional.
pub async fn replay_many(
    api: web::Data<Api>,
    caller: Caller,
    request: HttpRequest,
    body: Body,
) -> Result<HttpResponse, ApiError> {
    let body = body::json(&request, body)?;
    if !body.is_object() {
        return Err(ApiError::Invalid(vec![FieldError::in_body(&[], "model_attributes_type", "an object is needed")]));
    }
    let mut errors = Vec::new();
    let mut text = |key: &str| match body.get(key) {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(text.clone()),
        Some(_) => {
            errors.push(FieldError::in_body(&[key], "string_type", "a text is needed"));
            None
        }
    };
    let (state, since, receiver) = (text("state"), text("since"), text("receiver"));
    let mut filter = ReplayFilter { principal: caller.sees().cloned(), ..ReplayFilter::default() };
    if let Some(state) = state {
        filter.state = DeliveryStatus::parse(&state).filter(|state| *state != DeliveryStatus::Waiting);
        if filter.state.is_none() {
            errors.push(FieldError::in_body(&["state"], "enum", "pending, delivered, exhausted or refused is needed"));
        }
    }
    if let Some(since) = since {
        match since.parse() {
            Ok(moment) => filter.since = Some(moment),
            Err(_) => errors.push(FieldError::in_body(&["since"], "datetime_parsing", "an RFC 3339 time is needed")),
        }
    }
    if let Some(receiver) = receiver {
        match parse_web_url(&receiver) {
            Ok(url) => filter.receiver = Some(Receiver::new(url.origin().ascii_serialization())),
            Err(error) => errors.push(error.at(&FieldPath::body().child("receiver"))),
        }
    }
    if !errors.is_empty() {
        return Err(ApiError::Invalid(errors));
    }
    let replayed = api.front.send(ReplayDeliveries { filter }).await??;
    Ok(HttpResponse::Accepted().json(json!({"replayed": replayed})))
}
