//! A crawl's `result` as clients and receivers read it: written around its pages, whose JSON is spliced in unparsed.

use bytes::Bytes;
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

/// The body of a settled crawl job's webhook without data.
pub fn webhook_body(job: &Job) -> Option<Bytes> {
    serde_json::to_vec(&Envelope::of(job)?).ok().map(Bytes::from)
}

/// What stands before and after the pages in the body of a completed job's webhook with data.
pub fn webhook_around(job: &Job) -> Option<(Bytes, Bytes)> {
    let mut before = serde_json::to_string(&Envelope::of(job)?).ok()?;
    before.pop(); // the closing brace: one more member follows
    before.push_str(r#","data":"#);
    before.push_str(&head(job));
    Some((before.into(), (tail(job) + "}").into()))
}

/// The body of the same where there are these pages, in pieces. Of a single page, parts stand directly in `data`, too.
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
