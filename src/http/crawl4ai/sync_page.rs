//! A synchronous crawl of one page, whose parts `POST /md` and `POST /html` return.

use actix_web::web;
use opilio_actors::domain::crawl::CrawlSpec;
use opilio_actors::domain::crawl_options::CrawlOptions;
use opilio_actors::domain::job::{JobSpec, Warning};
use opilio_actors::domain::task::Task;
use serde::Deserialize;

use super::report::Report;
use super::request_fields::RequestFields;
use super::url_policy::{self, PageUrl};
use crate::http::error::ApiError;
use crate::http::field_error::InvalidValue;
use crate::http::sync_job::SyncJob;
use crate::http::{Api, Caller};

/// The part of a page's stored result that these routes use.
#[derive(Deserialize)]
pub struct StoredPage {
    success: bool,
    error_message: String,
    pub html: String,
    pub markdown: StoredMarkdown,
}

#[derive(Deserialize)]
pub struct StoredMarkdown {
    pub raw_markdown: String,
    pub fit_markdown: Option<String>,
}

/// Crawls the page as a job of its own and waits for it.
///
/// # Errors
/// `BadGateway` with the reason if the page failed.
pub async fn crawl(
    api: web::Data<Api>,
    caller: &Caller,
    url: PageUrl,
    options: CrawlOptions,
    warnings: Vec<Warning>,
) -> Result<StoredPage, ApiError> {
    let task = Task::new(CrawlSpec { urls: vec![url.into_string()], options, ..CrawlSpec::default() });
    let spec = JobSpec { task, webhook: None, warnings, interactive: true };
    let (_, record) = SyncJob::submit(api, caller, spec).await?.first_record().await?;
    let page: StoredPage =
        serde_json::from_slice(&record).map_err(|error| ApiError::Internal(format!("a stored page: {error}")))?;
    if page.success { Ok(page) } else { Err(ApiError::BadGateway(page.error_message)) }
}

/// The field `url`, parsed by `parse`. An invalid URL is a `400`, as in Crawl4AI.
pub fn url_field(
    body: &RequestFields<'_>,
    parse: impl Fn(&str) -> Result<PageUrl, InvalidValue>,
    report: &mut Report,
) -> Option<PageUrl> {
    let path = body.path("url");
    let text = match body.get("url") {
        None => Err(InvalidValue::new("missing", "the URL of the page is required")),
        Some(url) => url_policy::string(url),
    };
    let url = parse(report.check(&path, text)?);
    url.map_err(|invalid| report.reject(&path, invalid)).ok()
}
