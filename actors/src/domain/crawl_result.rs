//! A crawl's `result` as clients and receivers read it: written around its pages, whose JSON is spliced in unparsed.

use bytes::{BufMut, Bytes, BytesMut};
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::job::{Job, Status};
use super::webhook::Envelope;

/// What stands before the first page: `{"success":…,"results":[`.
pub fn head(job: &Job) -> String {
    format!(r#"{{"success":{},"results":["#, job.state.status() == Status::Completed)
}

/// What stands after the last page. The two memory figures of the peer are there and empty: a process that runs many
/// jobs at once cannot truly say them of one.
pub fn tail(job: &Job) -> String {
    let seconds = job.processing_time().unwrap_or_default().as_secs_f64();
    let rest =
        json!({"server_processing_time_s": seconds, "server_memory_delta_mb": null, "server_peak_memory_mb": null});
    let rest = rest.to_string();
    format!("],{}", rest.trim_start_matches('{'))
}

/// The body of a settled crawl job's webhook. `pages`: all its pages in order, where data is to be sent; else `None`.
pub fn webhook_body(job: &Job, pages: Option<&[Bytes]>) -> Option<Bytes> {
    let envelope = serde_json::to_vec(&Envelope::of(job)?).ok()?;
    let size = envelope.len() + 256 + 2 * pages.map_or(0, |pages| pages.iter().map(|page| page.len() + 1).sum());
    let mut body = BytesMut::with_capacity(size);
    body.put_slice(&envelope);
    if let Some(pages) = pages.filter(|_| job.state.status() == Status::Completed) {
        body.truncate(body.len() - 1);
        body.put_slice(br#","data":"#);
        put_data(job, pages, &mut body);
        body.put_u8(b'}');
    }
    Some(body.freeze())
}

fn put_data(job: &Job, pages: &[Bytes], body: &mut BytesMut) {
    body.put_slice(head(job).as_bytes());
    for (index, page) in pages.iter().enumerate() {
        if index > 0 {
            body.put_u8(b',');
        }
        body.put_slice(page);
    }
    body.put_slice(tail(job).as_bytes());
    if let [only] = pages
        && let Ok(flat) = serde_json::from_slice::<Flat<'_>>(only)
    {
        body.truncate(body.len() - 1);
        for (key, value) in flat.entries() {
            body.put_slice(format!(r#","{key}":"#).as_bytes());
            body.put_slice(value.get().as_bytes());
        }
        body.put_u8(b'}');
    }
}

/// The parts of a single page that stand directly in `data` as well.
#[derive(Deserialize)]
struct Flat<'a> {
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

impl<'a> Flat<'a> {
    fn entries(&self) -> [(&'static str, &'a RawValue); 4] {
        [
            ("markdown", self.markdown.raw_markdown),
            ("html", self.html),
            ("links", self.links),
            ("metadata", self.metadata),
        ]
    }
}
