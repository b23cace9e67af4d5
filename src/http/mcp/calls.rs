//! What each tool does: the same as the route that is named like it, by the same functions.

use actix_web::web;
use opilio_actors::domain::job::Job;
use opilio_actors::domain::page_template::PageTemplate;
use serde_json::Value;

use super::Asker;
use super::progress::Progress;
use super::tools::Tool;
use crate::http::crawl4ai::{crawl_sync, llm_answer, markdown, page_html};
use crate::http::error::ApiError;
use crate::http::field_error::FieldError;
use crate::http::job_status::{self, Part};
use crate::http::results::{self, Selection};
use crate::http::sync_job::SyncJob;
use crate::http::{Api, job_view, jobs};

/// Bytes of an answer: clients take a message of 1 MiB, and a model much less. In the message, each quotation mark
/// counts twice.
const LONGEST: usize = 1 << 19;

/// One call of a tool.
pub struct Call {
    pub api: web::Data<Api>,
    pub asker: Asker,
    pub progress: Progress,
}

/// Why a call came to nothing.
pub enum Refusal {
    Api(ApiError),
    /// There is an answer, but it is too long: how else it is to be had.
    TooLong(String),
}

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        Self::Api(error)
    }
}

impl Call {
    /// What `tool` answers, as JSON.
    pub async fn perform(self, tool: Tool, arguments: Value) -> Result<String, Refusal> {
        let Asker { caller, base, .. } = self.asker.clone();
        let answer = match tool {
            Tool::Crawl => return self.crawl(arguments).await,
            Tool::JobStatus => return self.status(arguments).await,
            Tool::LlmExtract => return self.extract(arguments).await,
            Tool::Md => markdown::respond(self.api, &caller, arguments).await?,
            Tool::Html => page_html::respond(self.api, &caller, arguments).await?,
            Tool::SubmitCrawlJob => jobs::begin_crawl(&self.api, &caller, &base, &arguments).await?,
            Tool::CancelJob => {
                let job = jobs::end(&self.api, &caller, task_id(&arguments)?).await?;
                return Ok(job_view::short(&job, &base).to_json());
            }
        };
        short(answer.to_string(), || "submit_crawl_job does the same, and job_status gives parts of it".to_owned())
    }

    async fn crawl(mut self, mut arguments: Value) -> Result<String, Refusal> {
        let part = take_part(&mut arguments);
        part.of(0)?;
        let crawl = crawl_sync::parse(&arguments, &self.api.guard)?;
        drop(arguments);
        let warnings = crawl.warnings.clone();
        let mut interactive = SyncJob::submit(self.api.clone(), &self.asker.caller, crawl.into_spec()).await?;
        self.progress.follow(&mut interactive).await?;
        let job = crawl_sync::finished(&mut interactive).await?;
        let template = crawl_sync::response_template(&job, &warnings);
        self.spliced(&job, &template, &part.of(job.progress.total)?).await
    }

    async fn status(self, mut arguments: Value) -> Result<String, Refusal> {
        let (part, base) = (take_part(&mut arguments), &self.asker.base);
        let job = jobs::find(&self.api, &self.asker.caller, task_id(&arguments)?).await?;
        let selection = part.of(job.progress.total)?;
        if !job_view::has_result(&job) {
            return Ok(job_view::short(&job, base).to_json());
        }
        let template = match job_status::has_pages(&job) {
            true => job_view::with_pages_once(&job, base),
            false => job_status::without_pages(&self.api, &job, base).await?,
        };
        self.spliced(&job, &template, &selection).await
    }

    async fn extract(mut self, arguments: Value) -> Result<String, Refusal> {
        let mut interactive = llm_answer::submit(self.api.clone(), &self.asker.caller, &arguments).await?;
        self.progress.follow(&mut interactive).await?;
        let (job, record) = interactive.only_record().await?;
        llm_answer::check_outcome(&job, &record)?;
        short(job_view::with_record(&job, &self.asker.base, &record), || elsewhere(&job))
    }

    async fn spliced(&self, job: &Job, template: &PageTemplate, selection: &Selection) -> Result<String, Refusal> {
        let whole = results::to_text(&self.api, &job.id, template, selection, LONGEST).await?;
        whole.ok_or_else(|| Refusal::TooLong(elsewhere(job)))
    }
}

fn short(answer: String, elsewhere: impl FnOnce() -> String) -> Result<String, Refusal> {
    if answer.len() > LONGEST { Err(Refusal::TooLong(elsewhere())) } else { Ok(answer) }
}

/// How a job's result is to be had that is too long for an answer.
fn elsewhere(job: &Job) -> String {
    match job_status::has_pages(job) {
        true => format!("job_status gives parts of {}, by offset, limit and fields", job.id),
        false => format!("GET /llm/job/{} gives it whole", job.id),
    }
}

fn task_id(arguments: &Value) -> Result<&str, ApiError> {
    let id = arguments.get("task_id").and_then(Value::as_str);
    id.ok_or_else(|| ApiError::Invalid(vec![FieldError::in_body(&["task_id"], "missing", "a job's id is needed")]))
}

/// The part that is asked for, taken out: it is no option of a crawl.
fn take_part(arguments: &mut Value) -> Part {
    let mut take = |key: &str| match arguments.as_object_mut()?.shift_remove(key)? {
        Value::Null => None,
        Value::String(text) => Some(text),
        Value::Array(names) => Some(names.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(",")),
        other => Some(other.to_string()),
    };
    Part { offset: take("offset"), limit: take("limit"), fields: take("fields") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_part_may_be_given_in_numbers_texts_and_lists() {
        let mut arguments = json!({"offset": 2, "limit": "3", "fields": ["url", "markdown"], "urls": ["x"]});
        let part = take_part(&mut arguments);
        let given = [part.offset, part.limit, part.fields];
        assert_eq!(given.map(Option::unwrap_or_default), ["2", "3", "url,markdown"]);
        assert_eq!(arguments, json!({"urls": ["x"]}));
        let none = take_part(&mut json!({"fields": null}));
        assert!(none.offset.is_none() && none.fields.is_none());
    }
}
