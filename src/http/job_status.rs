//! Asking for a job as it stands, with its result or a part of it.

use actix_web::http::header::{Accept, Header, Quality};
use actix_web::{HttpRequest, HttpResponse, web};
use opilio_actors::domain::job::Job;
use opilio_actors::domain::kind::ResultForm;
use opilio_actors::domain::page_template::PageTemplate;
use serde::Deserialize;

use super::error::ApiError;
use super::jobs::{choice, find};
use super::results::{self, Selection};
use super::trusted_proxies::base;
use super::{Api, Caller, job_view, page_fields, response};

const NDJSON: &str = "application/x-ndjson";

/// Which part of a result is to be shown.
#[derive(Debug, Default, Deserialize)]
pub struct Part {
    pub offset: Option<String>,
    pub limit: Option<String>,
    pub fields: Option<String>,
}

impl Part {
    /// Of a result with `total` pages.
    ///
    /// # Errors
    /// What of it is no number.
    pub fn of(&self, total: u32) -> Result<Selection, ApiError> {
        let mut errors = Vec::new();
        let mut number = |name, raw: &Option<String>| -> Option<u32> {
            choice(name, raw.as_deref(), |raw| raw.parse().ok(), "a whole number that is not negative", &mut errors)
        };
        let offset = number("offset", &self.offset).unwrap_or(0);
        let limit = number("limit", &self.limit).unwrap_or(u32::MAX);
        if !errors.is_empty() {
            return Err(ApiError::Invalid(errors));
        }
        let start = offset.min(total);
        let fields = self.fields.as_deref().filter(|fields| !fields.is_empty());
        let fields = fields.map(|fields| fields.split(',').map(|field| field.trim().to_owned()).collect());
        Ok(Selection { range: start..start.saturating_add(limit).min(total), fields, separator: b',' })
    }
}

pub async fn status(
    api: web::Data<Api>,
    caller: Caller,
    request: HttpRequest,
    id: web::Path<String>,
    part: web::Query<Part>,
) -> Result<HttpResponse, ApiError> {
    let job = find(&api, &caller, &id).await?;
    let selection = part.of(job.progress.total)?;
    if wants_lines(&request) && has_pages(&job) {
        let selection = Selection { separator: b'\n', ..selection };
        return results::respond(&api, &job.id, NDJSON, PageTemplate::lines(), selection).await;
    }
    let base = base(&request);
    let template = match has_pages(&job) {
        true => job_view::with_pages(&job, &base),
        false => without_pages(&api, &job, &base).await?,
    };
    results::respond(&api, &job.id, "application/json", template, selection).await
}

/// The job has a result that is made of pages.
pub fn has_pages(job: &Job) -> bool {
    job_view::has_result(job) && job.spec.kind().result_form() == ResultForm::Pages
}

/// A job without pages; with its result, if it has one.
pub async fn without_pages(api: &Api, job: &Job, base: &str) -> Result<PageTemplate, ApiError> {
    if !job_view::has_result(job) {
        return Ok(PageTemplate::json(&job_view::view(job, base)));
    }
    let (_, record) = api.store.pages(&job.id, 0, 1).await?.into_iter().next().ok_or(ApiError::NotFound)?;
    Ok(PageTemplate::raw(job_view::with_record(job, base, &record).into()))
}

/// NDJSON is named, and nothing is rather wanted.
fn wants_lines(request: &HttpRequest) -> bool {
    let Ok(accept) = Accept::parse(request) else { return false };
    let ranked = accept.ranked();
    let first = ranked.first().map(|mime| mime.essence_str() == NDJSON);
    let refused = accept.iter().any(|item| item.quality == Quality::ZERO && item.item.essence_str() == NDJSON);
    first == Some(true) && !refused
}

/// One page's result, as soon as it is there.
pub async fn page(
    api: web::Data<Api>,
    caller: Caller,
    path: web::Path<(String, u32)>,
    part: web::Query<Part>,
) -> Result<HttpResponse, ApiError> {
    let (id, index) = path.into_inner();
    let job = find(&api, &caller, &id).await?;
    if job.spec.kind().result_form() != ResultForm::Pages {
        return Err(ApiError::PageNotFound);
    }
    let found = api.store.pages(&job.id, index, 1).await?.into_iter().next();
    let (_, page) = found.filter(|(found, _)| *found == index).ok_or(ApiError::PageNotFound)?;
    let page = match part.of(job.progress.total)?.fields {
        Some(fields) => page_fields::select(&page, &fields)?.into(),
        None => page,
    };
    response::bytes(&api.response_memory, "application/json", page)
}
