//! The tools and their descriptions.

use std::sync::{Arc, LazyLock};

use rmcp::model::{JsonObject, Tool as ToolDescription, ToolAnnotations};

use super::tool_input;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    Crawl,
    Md,
    Html,
    LlmExtract,
    SubmitCrawlJob,
    JobStatus,
    CancelJob,
}

/// All tools, as `tools/list` lists them.
pub static LIST: LazyLock<Vec<ToolDescription>> = LazyLock::new(|| Tool::ALL.map(Tool::describe).to_vec());

impl Tool {
    pub const ALL: [Self; 7] =
        [Self::Crawl, Self::Md, Self::Html, Self::LlmExtract, Self::SubmitCrawlJob, Self::JobStatus, Self::CancelJob];

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tool| tool.name() == name)
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Crawl => "crawl",
            Self::Md => "md",
            Self::Html => "html",
            Self::LlmExtract => "llm_extract",
            Self::SubmitCrawlJob => "submit_crawl_job",
            Self::JobStatus => "job_status",
            Self::CancelJob => "cancel_job",
        }
    }

    /// Whether a call waits for a job and counts against the limit of synchronous requests.
    pub fn is_synchronous(self) -> bool {
        matches!(self, Self::Crawl | Self::Md | Self::Html | Self::LlmExtract)
    }

    fn description(self) -> &'static str {
        match self {
            Self::Crawl => {
                "Crawl up to 100 pages and return the Markdown, links, media, metadata and tables of each. Use `fields` to \
                 select what you need of a page."
            }
            Self::Md => {
                "Convert a page to Markdown: its main content, the whole page, or the parts that match a query."
            }
            Self::Html => "Return a page's reduced HTML, for writing an extraction schema.",
            Self::LlmExtract => {
                "Extract data from a page with a language model, optionally by a JSON Schema, and return the result."
            }
            Self::SubmitCrawlJob => {
                "Submit a crawl of up to 10,000 pages and return the job's id immediately. Use `job_status` to query the \
                 job."
            }
            Self::JobStatus => "Return the status of a job and, if it has one, its result or a part of it.",
            Self::CancelJob => "Cancel a job that is not settled.",
        }
    }

    fn input(self) -> JsonObject {
        match self {
            Self::Crawl => tool_input::crawl(),
            Self::Md => tool_input::markdown(),
            Self::Html => tool_input::html(),
            Self::LlmExtract => tool_input::extraction(),
            Self::SubmitCrawlJob => tool_input::crawl_job(),
            Self::JobStatus => tool_input::job_status(),
            Self::CancelJob => tool_input::job(),
        }
    }

    /// Whether the tool changes nothing, here or on the crawled site.
    fn is_read_only(self) -> bool {
        !matches!(self, Self::SubmitCrawlJob | Self::CancelJob)
    }

    fn describe(self) -> ToolDescription {
        let hints = ToolAnnotations::new().read_only(self.is_read_only()).destructive(self == Self::CancelJob);
        let hints = hints.open_world(!matches!(self, Self::JobStatus | Self::CancelJob));
        ToolDescription::new(self.name(), self.description(), Arc::new(self.input())).with_annotations(hints)
    }
}
