//! LLM extraction jobs: one record with the content that a language model extracted from one page.

use std::sync::Arc;

use bytes::Bytes;

use super::registration::{HandlerContext, Registration};
use crate::domain::crawl::PageRecord;
use crate::domain::engine::Engine;
use crate::domain::extraction::{Extracted, ExtractionError, ExtractionSpec, record};
use crate::domain::kind::{JobKind, KindDescriptor, ResultForm};
use crate::domain::task::{Members, RecordView, TaskSpec};
use crate::llm_worker::{Extractor, usage_of};
use crate::worker::JobHandler;

pub const LLM_EXTRACTION: JobKind = JobKind::new(&KindDescriptor {
    name: "llm_extraction",
    prefix: "llm",
    timestamped_ids: true,
    result: ResultForm::Single,
    worker: "llm_worker",
});

pub const REGISTRATION: Registration = Registration::of::<ExtractionSpec>(handler, 8);

impl TaskSpec for ExtractionSpec {
    const KIND: JobKind = LLM_EXTRACTION;

    fn urls(&self) -> &[String] {
        std::slice::from_ref(&self.url)
    }

    fn fix_engine(&mut self, default: Engine) {
        self.engine.get_or_insert(default);
    }

    fn requests_engine(&self, engine: Engine) -> bool {
        self.engine == Some(engine)
    }

    /// One record with the tokens that the recorded model responses used.
    fn failed_records(&self, _: &[u32], checkpoints: &[(String, Bytes)], reason: &str) -> Vec<PageRecord> {
        let error = ExtractionError::failed("unexpected", reason);
        vec![record(Err(&error), &usage_of(checkpoints), &[])]
    }

    /// An interrupted request to a model costs money and is repeated.
    fn is_abortable(&self) -> bool {
        false
    }

    fn view<'a>(&self, record: &'a [u8]) -> RecordView<'a> {
        let Some(Extracted { extracted_content, usage, error_type, notes }) = Extracted::parse(record) else {
            return RecordView::default();
        };
        RecordView {
            result: Some(extracted_content),
            status: Members::new([("usage", usage), ("error_type", error_type), ("notes", notes)]),
            webhook: Members::new([("error_type", error_type), ("usage", usage)]),
            data: Members::new([("extracted_content", Some(extracted_content)), ("notes", notes)]),
        }
    }
}

fn handler(context: &HandlerContext) -> Arc<dyn JobHandler> {
    Arc::new(Extractor { pages: context.page_source(), extractor: Arc::clone(&context.extractor) })
}
