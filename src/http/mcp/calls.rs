//! Executes tools with the functions of the corresponding routes.

use actix_web::web;
use opilio_actors::crawl_usage::crawl_usage;
use opilio_actors::domain::job::Job;
use opilio_actors::domain::page_template::PageTemplate;
use serde::Serialize;
use serde_json::Value;

use super::message::RequestContext;
use super::progress::ProgressNotifier;
use super::tools::Tool;
use crate::http::api::Api;
use crate::http::crawl4ai::{crawl_sync, llm_answer, markdown, page_html};
use crate::http::error::ApiError;
use crate::http::field_error::FieldError;
use crate::http::job_status::{self, ResultQuery};
use crate::http::job_view::{self, JobView};
use crate::http::jobs;
use crate::http::parsing;
use crate::http::results::{self, Selection};
use crate::http::server_memory::MemoryMeter;
use crate::http::sync_job::SyncJob;

/// Maximum size of a result. Clients accept messages of 1 MiB, in which each quotation mark of the result takes two bytes.
const MAX_RESULT: usize = 1 << 19;

/// A call of a tool.
pub struct Call {
    pub api: web::Data<Api>,
    pub context: RequestContext,
    pub progress: ProgressNotifier,
}

pub enum CallError {
    Api(ApiError),
    /// The result is larger than [`MAX_RESULT`].
    TooLarge {
        alternative: String,
    },
}

impl From<ApiError> for CallError {
    fn from(error: ApiError) -> Self {
        Self::Api(error)
    }
}

impl Call {
    /// The result of `tool` as JSON.
    pub async fn perform(self, tool: Tool, arguments: Value) -> Result<String, CallError> {
        let RequestContext { caller, base_url, .. } = self.context.clone();
        let result = match tool {
            Tool::Crawl => return self.crawl(arguments).await,
            Tool::JobStatus => return self.job_status(arguments).await,
            Tool::LlmExtract => return self.extract(arguments).await,
            Tool::Md => json(&markdown::respond(self.api, &caller, arguments).await?)?,
            Tool::Html => json(&page_html::respond(self.api, &caller, arguments).await?)?,
            Tool::SubmitCrawlJob => {
                json(&jobs::submit_crawl_for_tool(&self.api, &caller, &base_url, arguments).await?)?
            }
            Tool::CancelJob => {
                let job = jobs::cancel_job(&self.api, &caller, task_id(&arguments)?).await?;
                return Ok(JobView::for_tool(&job, &base_url).to_json());
            }
        };
        limited(result, || {
            "use submit_crawl_job, and job_status with offset, limit and fields for parts of the result".to_owned()
        })
    }

    async fn crawl(mut self, mut arguments: Value) -> Result<String, CallError> {
        let query = take_query(&mut arguments);
        query.selection(0)?;
        let memory = MemoryMeter::start();
        let (crawl, _) = parsing::parse(&self.api, &self.context.caller, arguments, crawl_sync::parse).await?;
        let crawl = crawl?;
        let (warnings, hooks) = (crawl.warnings.clone(), crawl.hooks.clone());
        let mut sync_job = SyncJob::submit(self.api.clone(), &self.context.caller, crawl.into_spec()).await?;
        self.progress.follow(&mut sync_job).await?;
        let job = sync_job.settled().await?;
        let template = crawl_sync::response_template(&job, memory.read(), &warnings, &hooks);
        self.with_pages(&job, &template, &query.selection(job.progress.total)?).await
    }

    async fn job_status(self, mut arguments: Value) -> Result<String, CallError> {
        let (query, base_url) = (take_query(&mut arguments), &self.context.base_url);
        let job = self.api.find_job(&self.context.caller, task_id(&arguments)?).await?;
        let selection = query.selection(job.progress.total)?;
        if !job_view::has_result(&job) {
            return Ok(JobView::for_tool(&job, base_url).to_json());
        }
        let template = match job_view::has_pages(&job) {
            true => {
                let usage = crawl_usage(&*self.api.store, &job).await.map_err(ApiError::from)?;
                job_view::with_pages_for_tool(&job, base_url, usage.as_ref())
            }
            false => job_status::without_pages(&self.api, &job, base_url).await?,
        };
        self.with_pages(&job, &template, &selection).await
    }

    async fn extract(mut self, arguments: Value) -> Result<String, CallError> {
        let mut sync_job = llm_answer::submit(self.api.clone(), &self.context.caller, arguments).await?;
        self.progress.follow(&mut sync_job).await?;
        let (job, record) = sync_job.first_record().await?;
        llm_answer::check_outcome(&job, &record)?;
        limited(job_view::with_record(&job, &self.context.base_url, &record), || alternative(&job))
    }

    async fn with_pages(&self, job: &Job, template: &PageTemplate, selection: &Selection) -> Result<String, CallError> {
        let text = results::to_text(&self.api, &job.id, template, selection, MAX_RESULT).await?;
        text.ok_or_else(|| CallError::TooLarge { alternative: alternative(job) })
    }
}

fn json(result: &impl Serialize) -> Result<String, ApiError> {
    serde_json::to_string(result).map_err(|error| ApiError::Internal(error.to_string()))
}

fn limited(result: String, alternative: impl FnOnce() -> String) -> Result<String, CallError> {
    if result.len() > MAX_RESULT { Err(CallError::TooLarge { alternative: alternative() }) } else { Ok(result) }
}

/// How to get a result that is too large.
fn alternative(job: &Job) -> String {
    match job_view::has_pages(job) {
        true => format!("use job_status with offset, limit and fields for parts of {}", job.id),
        false => format!("GET /llm/job/{} returns the whole result", job.id),
    }
}

fn task_id(arguments: &Value) -> Result<&str, ApiError> {
    let id = arguments.get("task_id").and_then(Value::as_str);
    id.ok_or_else(|| ApiError::Invalid(vec![FieldError::in_body(&["task_id"], "missing", "a job's id is required")]))
}

/// Removes the arguments that select a part of the result; the others are the route's request.
fn take_query(arguments: &mut Value) -> ResultQuery {
    let mut take = |key: &str| match arguments.as_object_mut()?.shift_remove(key)? {
        Value::Null => None,
        Value::String(text) => Some(text),
        Value::Array(names) => Some(names.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(",")),
        other => Some(other.to_string()),
    };
    ResultQuery { offset: take("offset"), limit: take("limit"), fields: take("fields") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn selection_accepts_numbers_strings_and_lists() {
        let mut arguments = json!({"offset": 2, "limit": "3", "fields": ["url", "markdown"], "urls": ["x"]});
        let query = take_query(&mut arguments);
        let given = [query.offset, query.limit, query.fields];
        assert_eq!(given.map(Option::unwrap_or_default), ["2", "3", "url,markdown"]);
        assert_eq!(arguments, json!({"urls": ["x"]}));
        let none = take_query(&mut json!({"fields": null}));
        assert!(none.offset.is_none() && none.fields.is_none());
    }
}
