//! `GET /jobs`: the caller's jobs.

use actix_web::{HttpRequest, HttpResponse, web};
use opilio_actors::domain::delivery::DeliveryStatus;
use opilio_actors::domain::job::Status;
use opilio_actors::domain::kind::JobKind;
use opilio_actors::ports::{JobFilter, PageLimit};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::api::Api;
use super::caller::Caller;
use super::error::ApiError;
use super::job_view::{JobView, example};
use super::openapi::operation_builder::{Operation, integer, operation, string_like};
use super::route::{GET, READ, Route, STANDARD, route};
use super::schemas::enumeration;
use super::trusted_proxies::base_url;
use super::{query, response};

/// Maximum size of the jobs' requests in one response. A list that ends before its limit has a cursor.
const MAX_BYTES: usize = 1 << 20;

pub fn routes() -> Vec<Route> {
    vec![route(GET, "/jobs", READ, STANDARD, list, list_operation())]
}

fn list_operation() -> Operation {
    let kinds: Vec<_> = JobKind::all().map(JobKind::as_str).collect();
    operation("jobs", "list_jobs", "List the caller's jobs, newest first, without results")
        .query("status", enumeration(&Status::ALL.map(Status::as_str)), "Only jobs with this status")
        .query("type", enumeration(&kinds), "Only jobs of this kind")
        .query(
            "webhook",
            enumeration(&DeliveryStatus::ALL.map(DeliveryStatus::as_str)),
            "Only jobs whose webhook has this state",
        )
        .query("cursor", string_like("^[0-9]+$", 18), "`next_cursor` of the previous response")
        .query("limit", integer(1, 1000), "Maximum number of jobs; the default is 100")
        .response::<JobList<'_>>(200, "The jobs", json!({"jobs": [example()], "next_cursor": null}))
        .errors(&[422])
        .build()
}

#[derive(Debug, Deserialize)]
struct ListQuery {
    status: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    webhook: Option<String>,
    cursor: Option<String>,
    limit: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = JobList)]
struct JobList<'a> {
    /// Newest first.
    jobs: Vec<JobView<'a>>,
    /// The `cursor` of the next request; `null` at the end of the list.
    next_cursor: Option<String>,
}

impl ListQuery {
    fn filter(&self, caller: &Caller) -> Result<JobFilter, ApiError> {
        let mut errors = Vec::new();
        let statuses = one_of(&Status::ALL.map(Status::as_str));
        let kinds = one_of(&JobKind::all().map(JobKind::as_str).collect::<Vec<_>>());
        let states = one_of(&DeliveryStatus::ALL.map(DeliveryStatus::as_str));
        let limit = |raw: &str| raw.parse().ok().filter(|limit| (1..=1000).contains(limit));
        let filter = JobFilter {
            principal: caller.sees().cloned(),
            status: query::parse("status", self.status.as_deref(), Status::parse, &statuses, &mut errors),
            kind: query::parse("type", self.kind.as_deref(), JobKind::parse, &kinds, &mut errors),
            webhook: query::parse("webhook", self.webhook.as_deref(), DeliveryStatus::parse, &states, &mut errors),
            cursor: query::parse(
                "cursor",
                self.cursor.as_deref(),
                |raw| raw.parse().ok(),
                "the next_cursor of an earlier response",
                &mut errors,
            ),
            limit: PageLimit {
                jobs: query::parse("limit", self.limit.as_deref(), limit, "an integer from 1 to 1000", &mut errors)
                    .unwrap_or(100),
                bytes: MAX_BYTES,
            },
        };
        if errors.is_empty() { Ok(filter) } else { Err(ApiError::Invalid(errors)) }
    }
}

async fn list(
    api: web::Data<Api>,
    caller: Caller,
    request: HttpRequest,
    query: web::Query<ListQuery>,
) -> Result<HttpResponse, ApiError> {
    let found = api.store.jobs(query.filter(&caller)?).await?;
    let base_url = base_url(&request);
    let jobs = found.jobs.iter().map(|job| JobView::full(job, &base_url)).collect();
    let list = JobList { jobs, next_cursor: found.next.map(|next| next.to_string()) };
    response::json(&api.response_memory, &list)
}

fn one_of(names: &[&str]) -> String {
    format!("one of {}", names.join(", "))
}
