//! Responses with the stored pages of a job. Pages are read in chunks and spliced in without being parsed, so that a large
//! result is never in memory as a whole.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use actix_web::{HttpResponse, web};
use bytes::{BufMut, Bytes, BytesMut};
use futures_util::stream::{self, Stream, StreamExt};
use opilio_actors::domain::id::JobId;
use opilio_actors::domain::page_template::{PageTemplate, TemplatePart};
use opilio_actors::ports::{CHUNK, PageChunk, read_chunk};
use tokio::time::Instant;

use super::Api;
use super::error::ApiError;
use super::memory_budget::BudgetExhausted;
use super::page_fields;
use super::response::{self, slices};

/// How long a response that has begun waits for memory before it is cut off.
const MAX_WAIT: Duration = Duration::from_secs(30);

/// Which pages of a job a response contains.
#[derive(Clone)]
pub struct Selection {
    pub range: Range<u32>,
    /// Members of each page; `None`: all.
    pub fields: Option<Arc<[String]>>,
    /// Between two pages.
    pub separator: u8,
}

impl Selection {
    /// The first `count` pages with all members, as elements of a JSON list.
    pub fn first(count: u32) -> Self {
        Self { range: 0..count, fields: None, separator: b',' }
    }
}

/// A response with `template` around the selected pages. A response up to one chunk has a `Content-Length`.
///
/// # Errors
/// `NotFound` if the job expires meanwhile; a longer response is then cut off, so that no client takes it for complete.
/// `Unavailable` if the response memory is exhausted.
pub async fn respond(
    api: &web::Data<Api>,
    job: &JobId,
    content_type: &'static str,
    template: PageTemplate,
    selection: Selection,
) -> Result<HttpResponse, ApiError> {
    if let [TemplatePart::Text(body)] = template.parts() {
        return response::bytes(&api.response_memory, content_type, body.clone());
    }
    let first = held_chunk(api, job, &selection, selection.range.start, Duration::ZERO).await?;
    if first.next >= selection.range.end
        && let Some(body) = short_body(&template, &first.pages)
    {
        drop(first);
        return response::bytes(&api.response_memory, content_type, body);
    }
    drop(first);
    let parts = held_parts(api, template)?.into_iter().map({
        let (api, job) = (api.clone(), job.clone());
        move |part| match part {
            TemplatePart::Text(text) => slices(text).map(Ok).left_stream(),
            TemplatePart::Pages => pages(api.clone(), job.clone(), selection.clone()).right_stream(),
        }
    });
    Ok(HttpResponse::Ok().content_type(content_type).streaming(stream::iter(parts).flatten()))
}

/// The whole body, if it is at most one chunk.
fn short_body(template: &PageTemplate, pages: &[Bytes]) -> Option<Bytes> {
    let pieces = |part: &TemplatePart| match part {
        TemplatePart::Text(text) => vec![text.clone()],
        TemplatePart::Pages => pages.to_vec(),
    };
    let pieces: Vec<_> = template.parts().iter().flat_map(pieces).collect();
    (pieces.iter().map(Bytes::len).sum::<usize>() <= CHUNK).then(|| pieces.concat().into())
}

/// The parts, whose texts are counted against the response memory.
fn held_parts(api: &Api, template: PageTemplate) -> Result<Vec<TemplatePart>, BudgetExhausted> {
    let mut parts = template.into_parts();
    let texts = parts.iter().filter_map(|part| match part {
        TemplatePart::Text(text) => Some(text.clone()),
        TemplatePart::Pages => None,
    });
    let mut held = api.response_memory.hold(texts.collect())?.into_iter();
    for part in &mut parts {
        if let TemplatePart::Text(text) = part {
            *text = held.next().unwrap_or_default();
        }
    }
    Ok(parts)
}

/// What [`respond`] sends, if it is at most `limit` bytes.
pub async fn to_text(
    api: &Api,
    job: &JobId,
    template: &PageTemplate,
    selection: &Selection,
    limit: usize,
) -> Result<Option<String>, ApiError> {
    let mut body = BytesMut::new();
    for part in template.parts() {
        match part {
            TemplatePart::Text(text) => body.put_slice(text),
            TemplatePart::Pages => {
                let mut from = selection.range.start;
                while from < selection.range.end && body.len() <= limit {
                    let chunk = held_chunk(api, job, selection, from, Duration::ZERO).await?;
                    chunk.pages.iter().for_each(|json| body.put_slice(json));
                    from = chunk.next;
                }
            }
        }
        if body.len() > limit {
            return Ok(None);
        }
    }
    let text =
        String::from_utf8(body.into()).map_err(|_| ApiError::Internal("a stored page is not UTF-8".to_owned()))?;
    Ok(Some(text))
}

fn pages(api: web::Data<Api>, job: JobId, selection: Selection) -> impl Stream<Item = Result<Bytes, ApiError>> {
    let chunks = stream::try_unfold(selection.range.start, move |from| {
        let (api, job, selection) = (api.clone(), job.clone(), selection.clone());
        async move {
            if from >= selection.range.end {
                return Ok(None);
            }
            let PageChunk { pages, next } = held_chunk(&api, &job, &selection, from, MAX_WAIT).await?;
            Ok(Some((pages, next)))
        }
    });
    chunks.flat_map(|chunk| match chunk {
        Ok(json) => stream::iter(json).flat_map(slices).map(Ok).left_stream(),
        Err(error) => stream::iter([Err(error)]).right_stream(),
    })
}

/// Pages and separators, counted against the response memory.
///
/// # Errors
/// `Unavailable` if the memory is still exhausted after `max_wait`.
async fn held_chunk(
    api: &Api,
    job: &JobId,
    selection: &Selection,
    from: u32,
    max_wait: Duration,
) -> Result<PageChunk, ApiError> {
    let begun = Instant::now();
    loop {
        let chunk = selected_chunk(api, job, selection, from).await?;
        match (api.response_memory.hold(chunk.pages), max_wait.checked_sub(begun.elapsed())) {
            (Ok(pages), _) => return Ok(PageChunk { pages, next: chunk.next }),
            // The chunk is dropped during the wait and read again.
            (Err(BudgetExhausted), Some(left)) if !left.is_zero() => api.response_memory.wait_freed(left).await,
            (Err(exhausted), _) => return Err(exhausted.into()),
        }
    }
}

async fn selected_chunk(api: &Api, job: &JobId, selection: &Selection, from: u32) -> Result<PageChunk, ApiError> {
    let chunk = read_chunk(&*api.store, job, from, selection.range.end).await?;
    let mut pages = Vec::with_capacity(2 * chunk.pages.len());
    for page in chunk.pages {
        if from > selection.range.start || !pages.is_empty() {
            pages.push(Bytes::copy_from_slice(&[selection.separator]));
        }
        pages.push(match &selection.fields {
            Some(fields) => page_fields::select(&page, fields)?.into(),
            None => page,
        });
    }
    Ok(PageChunk { pages, next: chunk.next })
}
