//! The body of a job's webhook. It is the same for every attempt and replay.

use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;

use crate::crawl_usage::crawl_usage;
use crate::domain::crawl_result;
use crate::domain::job::{Job, Status};
use crate::domain::kind::ResultForm;
use crate::domain::task::{Members, RecordView};
use crate::domain::usage::Usage;
use crate::domain::webhook_envelope::Envelope;
use crate::ports::{CHUNK, JobStore, StoreError, WebhookBody};

/// The body for a settled job; `None` if the job is not settled.
pub async fn body(
    job: &Job,
    data_in_payload: bool,
    store: &Arc<dyn JobStore>,
) -> Result<Option<WebhookBody>, StoreError> {
    let with_data = data_in_payload && job.state.status() == Status::Completed;
    let usage = crawl_usage(&**store, job).await?;
    match job.spec.kind().result_form() {
        ResultForm::Pages if with_data => pages(job, usage.as_ref(), store).await,
        ResultForm::Pages => {
            Ok(crawl_result::webhook_body(job, usage.as_ref()).map(|body| WebhookBody::from_pages(&body, &[])))
        }
        ResultForm::Single => {
            let record = store.pages(&job.id, 0, 1).await?.into_iter().next().map(|(_, record)| record);
            Ok(single(job, record.as_ref(), with_data).map(WebhookBody::from))
        }
    }
}

/// Pages that fit in one chunk are sent from memory; others are read from the store while they are sent.
async fn pages(job: &Job, usage: Option<&Usage>, store: &Arc<dyn JobStore>) -> Result<Option<WebhookBody>, StoreError> {
    let count = job.progress.total;
    let first = store.pages(&job.id, 0, CHUNK).await?;
    if u32::try_from(first.len()).is_ok_and(|read| read >= count) {
        let pages: Vec<_> = first.into_iter().map(|(_, page)| page).collect();
        let only_page = pages.first().filter(|_| pages.len() == 1);
        let template = crawl_result::webhook_body_with_data(job, only_page, usage);
        return Ok(template.map(|template| WebhookBody::from_pages(&template, &pages)));
    }
    let template = crawl_result::webhook_body_with_data(job, None, usage);
    Ok(template.map(|template| WebhookBody::from_store(template, store, &job.id, count)))
}

#[derive(Serialize)]
struct SingleBody<'a> {
    #[serde(flatten)]
    envelope: Envelope<'a>,
    #[serde(flatten)]
    members: Members<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Members<'a>>,
}

fn single(job: &Job, record: Option<&Bytes>, with_data: bool) -> Option<Bytes> {
    let envelope = Envelope::of(job)?;
    let RecordView { webhook: members, data, .. } = record.map(|record| job.spec.task.view(record)).unwrap_or_default();
    let data = (with_data && !data.is_empty()).then_some(data);
    serde_json::to_vec(&SingleBody { envelope, members, data }).ok().map(Bytes::from)
}
