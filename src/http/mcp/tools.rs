//! The tools, as clients are told of them.

use std::sync::{Arc, LazyLock};

use rmcp::model::{JsonObject, Tool as Described, ToolAnnotations};

use crate::http::openapi::tools as input;

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

/// Every one, as it is listed.
pub static LIST: LazyLock<Vec<Described>> = LazyLock::new(|| Tool::ALL.map(Tool::described).to_vec());

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

    /// The caller waits for pages, and what holds for `POST /crawl` holds for the call.
    pub fn is_waited_for(self) -> bool {
        matches!(self, Self::Crawl | Self::Md | Self::Html | Self::LlmExtract)
    }

    fn about(self) -> &'static str {
        match self {
            Self::Crawl => {
                "Crawl up to 100 pages, wait for them, and get Markdown, links, media, metadata and tables of each. \
                 Name what you need of a page in `fields`."
            }
            Self::Md => "Read one page as Markdown: its main content, all of it, or what answers to a query.",
            Self::Html => "Read one page as HTML made small, for writing an extraction schema by.",
            Self::LlmExtract => {
                "Have a language model extract from one page, perhaps by a JSON Schema, and wait for it."
            }
            Self::SubmitCrawlJob => {
                "Submit a crawl of up to 10,000 pages and get the job's id at once. `job_status` tells how it goes."
            }
            Self::JobStatus => {
                "How a job stands, with its result, or the part of it that is asked for, once it has one."
            }
            Self::CancelJob => "Cancel a job that has not ended.",
        }
    }

    fn input(self) -> JsonObject {
        match self {
            Self::Crawl => input::crawl(),
            Self::Md => input::markdown(),
            Self::Html => input::html(),
            Self::LlmExtract => input::extraction(),
            Self::SubmitCrawlJob => input::crawl_job(),
            Self::JobStatus => input::job_status(),
            Self::CancelJob => input::job(),
        }
    }

    /// It changes nothing here or elsewhere; a page that is read is as it was.
    fn only_reads(self) -> bool {
        !matches!(self, Self::SubmitCrawlJob | Self::CancelJob)
    }

    fn described(self) -> Described {
        let hints = ToolAnnotations::new().read_only(self.only_reads()).destructive(self == Self::CancelJob);
        let hints = hints.open_world(!matches!(self, Self::JobStatus | Self::CancelJob));
        Described::new(self.name(), self.about(), Arc::new(self.input())).with_annotations(hints)
    }
}
