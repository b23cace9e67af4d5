//! The response of a streamed crawl: one page per line (NDJSON) as it is recorded, and a last line with the status of the
//! job and the warnings.

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_ENCODING};
use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use opilio_actors::domain::job::{Status, Warning};
use serde_json::json;

use crate::http::error::ApiError;
use crate::http::page_ranges::PageRanges;
use crate::http::sync_job::SyncJob;
use crate::http::{memory_budget, response};

pub fn respond(job: SyncJob, warnings: Vec<Warning>) -> HttpResponse {
    let lines = PageLines { job, warnings, sent: PageRanges::default(), done: false };
    let lines = stream::unfold(lines, |mut lines| async {
        let line = lines.next().await?;
        Some((line, lines))
    });
    let lines = lines.flat_map(|line| match line {
        Ok(line) => stream::iter(line).flat_map(response::slices).map(Ok).left_stream(),
        Err(error) => stream::iter([Err(error)]).right_stream(),
    });
    HttpResponse::Ok()
        .content_type("application/x-ndjson")
        .insert_header((CACHE_CONTROL, "no-cache"))
        // Compression would delay lines.
        .insert_header((CONTENT_ENCODING, "identity"))
        .insert_header(("x-stream-status", "active"))
        .streaming(lines)
}

struct PageLines {
    job: SyncJob,
    warnings: Vec<Warning>,
    sent: PageRanges,
    done: bool,
}

impl PageLines {
    /// The next line, in pieces. Waits for it.
    async fn next(&mut self) -> Option<Result<Vec<Bytes>, ApiError>> {
        if self.done {
            return None;
        }
        loop {
            match self.poll().await {
                Ok(Some(line)) => return Some(Ok(line)),
                Ok(None) => self.job.changed().await,
                Err(error) => {
                    self.done = true;
                    return Some(Err(error));
                }
            }
        }
    }

    /// The next line, if there is one now.
    async fn poll(&mut self) -> Result<Option<Vec<Bytes>>, ApiError> {
        // Read the status before the pages: once the job is settled, all of its pages are recorded.
        let status = self.job.summary().await?.status;
        let page = self.sent.next_missing(&*self.job.api.store, &self.job.id, 0).await;
        let Some(page) = self.job.tolerate(page).await? else { return Ok(None) };
        if let Some((index, page)) = page {
            // If the memory budget is exhausted, the page is read again later.
            let Ok(line) = self.job.api.response_memory.hold(page_line(page)) else { return Ok(None) };
            self.sent.insert(index);
            return Ok(Some(line));
        }
        self.done = status != Status::Processing;
        Ok(self.done.then(|| vec![last_line(status, &self.warnings)]))
    }
}

/// A short line is one piece, because some clients take each chunk for a line.
fn page_line(page: Bytes) -> Vec<Bytes> {
    match page.len() < memory_budget::UNCOUNTED {
        true => vec![[&page[..], b"\n"].concat().into()],
        false => vec![page, Bytes::from_static(b"\n")],
    }
}

fn last_line(status: Status, warnings: &[Warning]) -> Bytes {
    let mut line = match status {
        Status::Cancelled => json!({"status": "cancelled", "error": "the job was cancelled"}),
        _ => json!({"status": "completed"}),
    };
    if !warnings.is_empty() {
        line["warnings"] = json!(warnings);
    }
    format!("{line}\n").into()
}
