//! Webhook deliveries: the log of attempts, and replays.

use actix_web::{HttpRequest, HttpResponse, web};
use opilio_actors::domain::delivery::{DeliveryStatus, LoggedAttempt};
use opilio_actors::domain::id::JobId;
use opilio_actors::domain::time::rfc3339;
use opilio_actors::ports::ReplayFilter;
use opilio_actors::webhook_sender::{ReplayDeliveries, ReplayDelivery};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::api::Api;
use super::body::{self, Body};
use super::caller::Caller;
use super::crawl4ai::url_policy::parse_web_url;
use super::error::ApiError;
use super::field_error::{FieldError, FieldPath};
use super::job_view::{EXAMPLE_ID, JobView, example};
use super::openapi::operation_builder::{Operation, operation};
use super::route::{GET, POST, READ, Route, STANDARD, SUBMIT, route};
use super::schemas;
use super::trusted_proxies::base_url;

pub fn routes() -> Vec<Route> {
    let replay_operation = operation("deliveries", "replay_delivery", "Send a job's webhook again")
        .description("The webhook is sent immediately, with a new retry schedule.")
        .job_id()
        .response::<JobView<'_>>(202, "Accepted", example())
        .errors(&[409])
        .build();
    let replay_many_operation = operation("deliveries", "replay_deliveries", "Send the webhooks of many jobs again")
        .request::<ReplayRequest>(json!({"state": "exhausted", "since": "2025-10-21T10:00:00Z"}))
        .response::<Replayed>(202, "Accepted", json!({"replayed": 3}))
        .build();
    vec![
        route(GET, "/jobs/{task_id}/deliveries", READ, STANDARD, log, log_operation()),
        route(POST, "/jobs/{task_id}/deliveries", SUBMIT, STANDARD, replay, replay_operation),
        route(POST, "/deliveries/replay", SUBMIT, STANDARD, replay_many, replay_many_operation),
    ]
}

fn log_operation() -> Operation {
    let log = json!({
        "task_id": EXAMPLE_ID, "webhook_id": "msg_01kasbx3v0j1m8f4c5q9w2e7rt", "state": "delivered",
        "attempts": [{"attempt": 1, "started_at": "2025-10-21T10:30:01.000000+00:00",
            "finished_at": "2025-10-21T10:30:01.020000+00:00", "duration_s": 0.02, "status": 200, "error": null,
            "next_due": null, "answer": "ok"}],
    });
    operation("deliveries", "get_deliveries", "List the delivery attempts of a job's webhook")
        .job_id()
        .response::<DeliveryLog>(200, "The attempts, oldest first", log)
        .build()
}

/// The delivery attempts of a job's webhook.
#[derive(Serialize, ToSchema)]
struct DeliveryLog {
    #[schema(value_type = String)]
    task_id: JobId,
    webhook_id: String,
    /// `null` if the job has no webhook or is not settled.
    #[schema(value_type = Option<schemas::WebhookState>)]
    state: Option<DeliveryStatus>,
    attempts: Vec<Attempt>,
}

#[derive(Serialize, ToSchema)]
struct Attempt {
    /// From 1, counted over all replays.
    attempt: u32,
    #[schema(format = "date-time")]
    started_at: String,
    #[schema(format = "date-time")]
    finished_at: Option<String>,
    duration_s: Option<f64>,
    /// The status of the receiver's response.
    status: Option<u16>,
    error: Option<String>,
    #[schema(format = "date-time")]
    next_due: Option<String>,
    /// The first KiB of the response body.
    answer: Option<String>,
}

impl Attempt {
    /// `in_flight`: the attempt may still be running.
    fn of(logged: &LoggedAttempt, in_flight: bool) -> Self {
        let is_interrupted = !in_flight && logged.finished_at.is_none();
        let interrupted = is_interrupted.then(|| "interrupted by a stop of the server".to_owned());
        let duration = logged.finished_at.map(|finished| finished.duration_since(logged.started_at));
        Self {
            attempt: logged.number,
            started_at: rfc3339(logged.started_at),
            finished_at: logged.finished_at.map(rfc3339),
            duration_s: duration.map(|duration| duration.as_secs_f64()),
            status: logged.status,
            error: logged.error.clone().or(interrupted),
            next_due: logged.next_due.map(rfc3339),
            answer: logged.answer.clone(),
        }
    }
}

async fn log(api: web::Data<Api>, caller: Caller, id: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let task_id = JobId::parse(&id).map_err(|_| ApiError::NotFound)?;
    let log = api.store.deliveries(&task_id, caller.sees()).await?.ok_or(ApiError::NotFound)?;
    let state = log.job.delivery.as_ref().map(|delivery| delivery.state.status());
    let (is_pending, count) = (state == Some(DeliveryStatus::Pending), log.attempts.len());
    let attempts =
        log.attempts.iter().zip(1..).map(|(logged, number)| Attempt::of(logged, is_pending && number == count));
    let attempts = attempts.collect();
    Ok(HttpResponse::Ok().json(DeliveryLog { webhook_id: task_id.webhook_id(), task_id, state, attempts }))
}

async fn replay(
    api: web::Data<Api>,
    caller: Caller,
    request: HttpRequest,
    id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let job = JobId::parse(&id).map_err(|_| ApiError::NotFound)?;
    let job = api.front.send(ReplayDelivery { job, principal: caller.sees().cloned() }).await??;
    Ok(HttpResponse::Accepted().json(JobView::full(&job, &base_url(&request))))
}

/// Selects webhooks; without a field, all of them.
#[derive(ToSchema)]
#[allow(dead_code, reason = "read from JSON field by field, so that all invalid fields are reported")]
struct ReplayRequest {
    state: Option<DeliveryState>,
    /// Only jobs that settled at this time or later.
    #[schema(format = "date-time")]
    since: Option<String>,
    /// Only webhooks to the host of this URL.
    #[schema(format = "uri")]
    receiver: Option<String>,
}

#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[allow(dead_code, reason = "only described, never constructed")]
enum DeliveryState {
    Pending,
    Delivered,
    Exhausted,
    Refused,
}

#[derive(Serialize, ToSchema)]
struct Replayed {
    /// Number of webhooks that are sent again.
    replayed: u64,
}

async fn replay_many(
    api: web::Data<Api>,
    caller: Caller,
    request: HttpRequest,
    body: Body,
) -> Result<HttpResponse, ApiError> {
    let body = body::json(&request, body)?;
    let filter = replay_filter(&body, &caller).map_err(ApiError::Invalid)?;
    let replayed = api.front.send(ReplayDeliveries { filter }).await??;
    Ok(HttpResponse::Accepted().json(Replayed { replayed }))
}

fn replay_filter(body: &Value, caller: &Caller) -> Result<ReplayFilter, Vec<FieldError>> {
    if !body.is_object() {
        return Err(vec![FieldError::in_body(&[], "model_attributes_type", "must be an object")]);
    }
    let mut errors = Vec::new();
    let mut text = |key: &str| match body.get(key) {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(text.clone()),
        Some(_) => {
            errors.push(FieldError::in_body(&[key], "string_type", "must be a string"));
            None
        }
    };
    let (state, since, receiver) = (text("state"), text("since"), text("receiver"));
    let mut filter = ReplayFilter { principal: caller.sees().cloned(), ..ReplayFilter::default() };
    if let Some(state) = state {
        filter.state = DeliveryStatus::parse(&state).filter(|state| *state != DeliveryStatus::Waiting);
        if filter.state.is_none() {
            errors.push(FieldError::in_body(&["state"], "enum", "must be pending, delivered, exhausted or refused"));
        }
    }
    if let Some(since) = since {
        match since.parse() {
            Ok(time) => filter.since = Some(time),
            Err(_) => errors.push(FieldError::in_body(&["since"], "datetime_parsing", "must be an RFC 3339 time")),
        }
    }
    if let Some(receiver) = receiver {
        match parse_web_url(&receiver) {
            Ok(url) => filter.origin = Some(url.origin().ascii_serialization()),
            Err(error) => errors.push(error.at(&FieldPath::body().child("receiver"))),
        }
    }
    if errors.is_empty() { Ok(filter) } else { Err(errors) }
}
