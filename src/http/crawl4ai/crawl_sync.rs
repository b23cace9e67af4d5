//! `POST /crawl` and `POST /crawl/stream`: synchronous crawls.

use actix_web::{HttpRequest, HttpResponse, web};
use opilio_actors::domain::crawl_result;
use opilio_actors::domain::job::{Job, Status, Warning};
use opilio_actors::domain::page_template::PageTemplate;
use opilio_actors::ports::LanguageModel;
use serde_json::Value;

use super::crawl_request::CrawlRequest;
use super::crawl_stream;
use crate::egress::Guard;
use crate::http::body::{self, Body};
use crate::http::error::ApiError;
use crate::http::results::{self, Selection};
use crate::http::sync_job::SyncJob;
use crate::http::{Api, Caller};

pub async fn crawl(
    api: web::Data<Api>,
    caller: Caller,
    request: HttpRequest,
    body: Body,
) -> Result<HttpResponse, ApiError> {
    let (body, reservation) = body::json(&request, body)?.into_parts();
    let crawl = parse(&body, &api.guard, &*api.models)?;
    drop(body);
    let (stream, warnings) = (crawl.stream, crawl.warnings.clone());
    let mut job = SyncJob::submit(api, &caller, crawl.into_spec()).await?;
    drop(reservation);
    if stream {
        return Ok(crawl_stream::respond(job, warnings));
    }
    let crawled = finished(&mut job).await?;
    let selection = Selection::first(crawled.progress.total);
    let template = response_template(&crawled, &warnings);
    results::respond(&job.api, &crawled.id, "application/json", template, selection).await
}

pub async fn crawl_stream(
    api: web::Data<Api>,
    caller: Caller,
    request: HttpRequest,
    body: Body,
) -> Result<HttpResponse, ApiError> {
    let (body, _reservation) = body::json(&request, body)?.into_parts();
    let crawl = parse(&body, &api.guard, &*api.models)?;
    drop(body);
    let warnings = crawl.warnings.clone();
    Ok(crawl_stream::respond(SyncJob::submit(api, &caller, crawl.into_spec()).await?, warnings))
}

/// The body of a synchronous crawl.
///
/// # Errors
/// `Invalid`; `NotImplemented` if the request has hooks.
pub fn parse(body: &Value, guard: &Guard, models: &dyn LanguageModel) -> Result<CrawlRequest, ApiError> {
    let crawl = CrawlRequest::for_sync(body, guard).map_err(ApiError::Invalid)?;
    crawl.check_models(models).map_err(ApiError::Invalid)?;
    match crawl.has_hooks {
        true => Err(ApiError::NotImplemented("hooks need a browser, which this server does not have yet")),
        false => Ok(crawl),
    }
}

/// The job once it is settled.
///
/// # Errors
/// `CrawlFailed` if every page failed.
pub async fn finished(job: &mut SyncJob) -> Result<Job, ApiError> {
    let job = job.settled().await?;
    match job.state.status() {
        Status::Failed => Err(ApiError::CrawlFailed(job.error.unwrap_or_default())),
        _ => Ok(job),
    }
}

/// The result of a crawl, with the request's warnings.
pub fn response_template(job: &Job, warnings: &[Warning]) -> PageTemplate {
    let result = crawl_result::result(job);
    if warnings.is_empty() { result } else { result.with("warnings", PageTemplate::json(warnings)) }
}

#[cfg(test)]
mod tests {
    use opilio_actors::ports::ModelRequest;
    use opilio_actors::testing::fakes::ScriptedModel;
    use serde_json::json;

    use super::*;
    use crate::egress::Allowlist;

    #[test]
    fn hooks_are_not_implemented() {
        let guard = Guard::open(Allowlist::default());
        let models = ScriptedModel { context_tokens: 2000, script: |_: &ModelRequest| None };
        let parse = |hooks: Value| parse(&json!({"urls": ["a.example"], "hooks": hooks}), &guard, &models);
        assert!(matches!(parse(json!({"code": {"on_page": "x"}})), Err(ApiError::NotImplemented(_))));
        assert!(parse(json!({"hooks": [], "timeout": 30})).is_ok());
    }
}
