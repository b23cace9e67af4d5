//! An extraction's outcome as receivers read it: what is stored, spliced in unparsed.

use bytes::Bytes;
use serde::Serialize;
use serde_json::value::RawValue;

use super::extraction::Extracted;
use super::job::{Job, Status};
use super::webhook::Envelope;

#[derive(Serialize)]
struct Body<'a> {
    #[serde(flatten)]
    envelope: Envelope<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Data<'a>>,
}

#[derive(Serialize)]
struct Data<'a> {
    extracted_content: &'a RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    notes: Option<&'a RawValue>,
}

/// The body of a settled extraction's webhook. `stored`: the job's record, where it came to one. The same bytes each
/// time it is written.
pub fn webhook_body(job: &Job, stored: Option<&Bytes>, with_data: bool) -> Option<Bytes> {
    let envelope = Envelope::of(job)?;
    let extracted = stored.and_then(Extracted::parse);
    let completed = job.state.status() == Status::Completed;
    let mut body = Body { envelope, error_type: None, usage: None, data: None };
    if let Some(Extracted { extracted_content, usage, error_type, notes }) = extracted {
        body.usage = usage;
        body.error_type = error_type;
        body.data = (completed && with_data).then_some(Data { extracted_content, notes });
    }
    serde_json::to_vec(&body).ok().map(Bytes::from)
}
