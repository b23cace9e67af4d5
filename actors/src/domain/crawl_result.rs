//! A crawl job's `result` for clients and webhook receivers: JSON fragments around the stored pages, which are not parsed.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::job::{Job, Status};
use super::webhook::Envelope;

/// The JSON before the first page: `{"success":…,"results":[`.
pub fn head(job: &Job) -> String {
    format!(r#"{{"success":{},"results":["#, job.state.status() == Status::Completed)
}

/// The JSON after the last page. Crawl4AI's two memory figures are `null`, because a process that runs many jobs at once
/// cannot measure them for one job.
pub fn tail(job: &Job) -> String {
    let seconds = job.processing_time().unwrap_or_default().as_secs_f64();
    let fields =
        json!({"server_processing_time_s": seconds, "server_memory_delta_mb": null, "server_peak_memory_mb": null});
    let fields = fields.to_string();
    format!("],{}", fields.trim_start_matches('{'))
}

/// The webhook body of a settled crawl job, without data.
pub fn webhook_body(job: &Job) -> Option<Bytes> {
    serde_json::to_vec(&Envelope::of(job)?).ok().map(Bytes::from)
}

/// The JSON before and after the pages in the webhook body of a completed job, with data.
pub fn webhook_around(job: &Job) -> Option<(Bytes, Bytes)> {
    let mut before = serde_json::to_string(&Envelope::of(job)?).ok()?;
    before.pop(); // the closing brace: one more member follows
    before.push_str(r#","data":"#);
    before.push_str(&head(job));
    Some((before.into(), (tail(job) + "}").into()))
}

/// The webhook body of a completed job with these pages, in pieces. Fields of a single page are also put directly in `data`.
pub fn webhook_with(job: &Job, pages: &[Bytes]) -> Option<Vec<Bytes>> {
    let (before, after) = webhook_around(job)?;
    let mut pieces = vec![before];
    for (index, page) in pages.iter().enumerate() {
        if index > 0 {
            pieces.push(Bytes::from_static(b","));
        }
        pieces.push(page.clone());
    }
    let [only] = pages else {
        pieces.push(after);
        return Some(pieces);
    };
    let Ok(flat) = serde_json::from_slice::<Flat<'_>>(only) else {
        pieces.push(after);
        return Some(pieces);
    };
    pieces.push(after.slice(..after.len() - 2)); // without the braces that close `data` and the body
    for (key, value) in flat.entries() {
        pieces.push(format!(r#","{key}":"#).into());
        pieces.push(only.slice_ref(value.get().as_bytes()));
    }
    pieces.push(Bytes::from_static(b"}}"));
    Some(pieces)
}

/// The fields of a single page that are also put directly in `data`.
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
