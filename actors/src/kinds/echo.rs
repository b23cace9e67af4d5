//! Echo jobs, for tests: the result is the submitted text. The file shows what a kind consists of.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::json;
use serde_json::value::RawValue;

use super::registration::{HandlerContext, Registration};
use crate::domain::crawl::PageRecord;
use crate::domain::kind::{JobKind, KindDescriptor, ResultForm};
use crate::domain::task::{Members, RecordView, TaskSpec};
use crate::ports::{Claim, JobStore};
use crate::worker::{JobHandler, Outcome};

pub const ECHO: JobKind = JobKind::new(&KindDescriptor {
    name: "echo",
    prefix: "echo",
    timestamped_ids: false,
    result: ResultForm::Single,
    worker: "echo_worker",
});

pub const REGISTRATION: Registration = Registration::of::<EchoSpec>(handler, 1);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EchoSpec {
    pub url: String,
    /// `None`: the work panics.
    pub text: Option<String>,
}

impl TaskSpec for EchoSpec {
    const KIND: JobKind = ECHO;

    fn urls(&self) -> &[String] {
        std::slice::from_ref(&self.url)
    }

    fn failed_records(&self, _: &[u32], _: &[(String, Bytes)], reason: &str) -> Vec<PageRecord> {
        let json = json!({"cause": reason}).to_string().into();
        vec![PageRecord { index: 0, success: false, error: reason.to_owned(), json }]
    }

    fn view<'a>(&self, record: &'a [u8]) -> RecordView<'a> {
        let EchoRecord { text, cause } = serde_json::from_slice(record).unwrap_or_default();
        RecordView {
            result: text,
            status: Members::new([("cause", cause)]),
            webhook: Members::new([("cause", cause)]),
            data: Members::new([("text", text)]),
        }
    }
}

#[derive(Default, Deserialize)]
struct EchoRecord<'a> {
    #[serde(borrow)]
    text: Option<&'a RawValue>,
    #[serde(borrow)]
    cause: Option<&'a RawValue>,
}

struct EchoHandler {
    store: Arc<dyn JobStore>,
}

fn handler(context: &HandlerContext) -> Arc<dyn JobHandler> {
    Arc::new(EchoHandler { store: context.dependencies.store.clone() })
}

#[async_trait]
impl JobHandler for EchoHandler {
    async fn run(&self, Claim { lease, job, .. }: Claim) -> Outcome {
        let Some(EchoSpec { text, .. }) = job.spec.task.get() else {
            return Outcome::Crashed { reason: "not an echo job".to_owned() };
        };
        let text = text.as_ref().expect("a text");
        let json = json!({"text": text}).to_string().into();
        let record = PageRecord { index: 0, success: true, error: String::new(), json };
        match self.store.record_pages(&lease, vec![record]).await {
            Ok(_) => Outcome::Done,
            Err(error) => Outcome::Crashed { reason: error.to_string() },
        }
    }
}
