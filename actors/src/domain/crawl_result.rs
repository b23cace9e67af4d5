//! A crawl's result, as templates for its stored pages.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::job::{Job, Status};
use super::page_template::PageTemplate;
use super::usage::Usage;
use super::webhook_envelope::Envelope;

/// The resident memory of the process while a client waited for a crawl, in MiB.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ServerMemory {
    pub delta: f64,
    pub peak: f64,
}

/// The `result` of a settled job. Its memory figures are 0, because it is the same at every request and attempt.
pub fn result(job: &Job) -> PageTemplate {
    result_with_memory(job, ServerMemory::default())
}

/// The `result` of a settled crawl.
pub fn result_with_memory(job: &Job, memory: ServerMemory) -> PageTemplate {
    let seconds = job.processing_time().unwrap_or_default().as_secs_f64();
    PageTemplate::json(&json!({"success": job.state.status() == Status::Completed}))
        .with("results", PageTemplate::list())
        .with("server_processing_time_s", PageTemplate::json(&seconds))
        .with("server_memory_delta_mb", PageTemplate::json(&memory.delta))
        .with("server_peak_memory_mb", PageTemplate::json(&memory.peak))
}

/// The webhook body of a settled crawl, without data. `None` while the job is not settled.
pub fn webhook_body(job: &Job, usage: Option<&Usage>) -> Option<PageTemplate> {
    Some(with_usage(PageTemplate::json(&Envelope::of(job)?), usage))
}

/// Adds the usage of a crawl whose pages a language model extracts from.
pub fn with_usage(template: PageTemplate, usage: Option<&Usage>) -> PageTemplate {
    match usage {
        Some(usage) => template.with("usage", PageTemplate::json(usage)),
        None => template,
    }
}

/// The webhook body of a completed crawl with data. If the crawl has only one page, `only_page`, parts of it are also
/// members of `data`.
pub fn webhook_body_with_data(job: &Job, only_page: Option<&Bytes>, usage: Option<&Usage>) -> Option<PageTemplate> {
    let data = match only_page.and_then(|page| Some((page, serde_json::from_slice::<FlatPage<'_>>(page).ok()?))) {
        Some((page, flat)) => flat.members().into_iter().fold(result(job), |data, (name, value)| {
            data.with(name, PageTemplate::raw(page.slice_ref(value.get().as_bytes())))
        }),
        None => result(job),
    };
    Some(webhook_body(job, usage)?.with("data", data))
}

/// The parts of an only page that are also members of `data`.
#[derive(Deserialize)]
struct FlatPage<'a> {
    #[serde(borrow)]
    markdown: FlatMarkdown<'a>,
    #[serde(borrow)]
    html: &'a RawValue,
    #[serde(borrow)]
    links: &'a RawValue,
    #[serde(borrow)]
    metadata: &'a RawValue,
}

#[derive(Deserialize)]
struct FlatMarkdown<'a> {
    #[serde(borrow)]
    raw_markdown: &'a RawValue,
}

impl<'a> FlatPage<'a> {
    fn members(&self) -> [(&'static str, &'a RawValue); 4] {
        [
            ("markdown", self.markdown.raw_markdown),
            ("html", self.html),
            ("links", self.links),
            ("metadata", self.metadata),
        ]
    }
}
