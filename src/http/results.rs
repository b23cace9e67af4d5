//! Stored pages as parts of an answer: spliced in unparsed, a piece at a time, so that a large result never sits in
//! memory whole.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use actix_web::body::SizedStream;
use actix_web::{HttpResponse, web};
use bytes::{BufMut, Bytes, BytesMut};
use futures_util::stream::{self, Stream, StreamExt};
use opilio_actors::domain::id::JobId;
use opilio_actors::ports::JobStore;
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::time::Instant;

use super::Api;
use super::error::ApiError;
use super::memory_budget::{BudgetExhausted, MemoryBudget};

/// Bytes read from the store at once. The length of an answer no longer than this is told beforehand.
const CHUNK: usize = 1 << 20;

/// Bytes handed to the connection at once: it makes a copy of them.
const SLICE: usize = 1 << 16;

/// How long an answer that has begun waits for room in memory before it is cut off.
const PATIENCE: Duration = Duration::from_secs(30);

/// Which pages of a job, and what of them.
#[derive(Clone)]
pub struct Selection {
    pub range: Range<u32>,
    /// Keys of each page; `None`: all.
    pub fields: Option<Arc<[String]>>,
    /// Between two pages.
    pub separator: u8,
}

/// A part of an answer.
pub enum Piece {
    Text(String),
    /// The selected pages.
    Pages,
}

impl Piece {
    /// Bytes of it, where these are all the pages.
    fn length(&self, all: &Chunk) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Pages => all.json.iter().map(Bytes::len).sum(),
        }
    }
}

/// An answer made of `pieces`.
///
/// # Errors
/// `NotFound` when the job expires meanwhile; a longer answer is then cut off, so that nobody takes it for whole. `Away`
/// when other answers take all the room there is.
pub async fn answer(
    api: &web::Data<Api>,
    job: &JobId,
    content_type: &'static str,
    pieces: Vec<Piece>,
    selection: Selection,
) -> Result<HttpResponse, ApiError> {
    let first = chunk(api, job, &selection, selection.range.start, Duration::ZERO).await?;
    let length: usize = pieces.iter().map(|piece| piece.length(&first)).sum();
    if first.next >= selection.range.end && length <= CHUNK {
        let mut body = BytesMut::with_capacity(length);
        for piece in &pieces {
            match piece {
                Piece::Text(text) => body.put_slice(text.as_bytes()),
                Piece::Pages => first.json.iter().for_each(|json| body.put_slice(json)),
            }
        }
        drop(first);
        return whole_answer(api, content_type, body.freeze());
    }
    drop(first);
    let parts = held(&api.response_memory, pieces)?.into_iter().map({
        let (api, job) = (api.clone(), job.clone());
        move |part| match part {
            Some(text) => slices(text).map(Ok).left_stream(),
            None => pages(api.clone(), job.clone(), selection.clone()).right_stream(),
        }
    });
    Ok(HttpResponse::Ok().content_type(content_type).streaming(stream::iter(parts).flatten()))
}

/// The texts among the pieces, with room for them all; `None` stands for the pages.
fn held(answers: &MemoryBudget, pieces: Vec<Piece>) -> Result<Vec<Option<Bytes>>, BudgetExhausted> {
    let (texts, is_text): (Vec<_>, Vec<_>) = pieces
        .into_iter()
        .map(|piece| match piece {
            Piece::Text(text) => (Bytes::from(text), true),
            Piece::Pages => (Bytes::new(), false),
        })
        .unzip();
    let held = answers.hold(texts)?;
    Ok(held.into_iter().zip(is_text).map(|(text, is_text)| is_text.then_some(text)).collect())
}

/// An answer that is there already.
///
/// # Errors
/// `Away` when other answers take all the room there is.
pub fn whole_answer(api: &Api, content_type: &'static str, body: Bytes) -> Result<HttpResponse, ApiError> {
    let length = body.len() as u64;
    let body = stream::iter(api.response_memory.hold(vec![body])?).flat_map(slices).map(Ok::<_, ApiError>);
    Ok(HttpResponse::Ok().content_type(content_type).body(SizedStream::new(length, body)))
}

/// `answer` as JSON.
///
/// # Errors
/// `Away` when other answers take all the room there is.
pub fn json(api: &Api, answer: &impl Serialize) -> Result<HttpResponse, ApiError> {
    let body = serde_json::to_vec(answer).map_err(|error| ApiError::Internal(error.to_string()))?;
    whole_answer(api, "application/json", body.into())
}

/// The whole of what [`answer`] sends, if it is no longer than `most` bytes.
pub async fn whole(
    api: &Api,
    job: &JobId,
    pieces: &[Piece],
    selection: &Selection,
    most: usize,
) -> Result<Option<String>, ApiError> {
    let mut body = BytesMut::new();
    for piece in pieces {
        match piece {
            Piece::Text(text) => body.put_slice(text.as_bytes()),
            Piece::Pages => {
                let mut from = selection.range.start;
                while from < selection.range.end && body.len() <= most {
                    let chunk = chunk(api, job, selection, from, Duration::ZERO).await?;
                    chunk.json.iter().for_each(|json| body.put_slice(json));
                    from = chunk.next;
                }
            }
        }
        if body.len() > most {
            return Ok(None);
        }
    }
    let text = String::from_utf8(body.into()).map_err(|_| ApiError::Internal("a stored page is no text".to_owned()))?;
    Ok(Some(text))
}

fn pages(api: web::Data<Api>, job: JobId, selection: Selection) -> impl Stream<Item = Result<Bytes, ApiError>> {
    let chunks = stream::try_unfold(selection.range.start, move |from| {
        let (api, job, selection) = (api.clone(), job.clone(), selection.clone());
        async move {
            if from >= selection.range.end {
                return Ok(None);
            }
            let Chunk { json, next } = chunk(&api, &job, &selection, from, PATIENCE).await?;
            Ok(Some((json, next)))
        }
    });
    chunks.flat_map(|chunk| match chunk {
        Ok(json) => stream::iter(json).flat_map(slices).map(Ok).left_stream(),
        Err(error) => stream::iter([Err(error)]).right_stream(),
    })
}

/// The bytes in slices: whoever sends them copies one of them at a time.
pub fn slices(mut bytes: Bytes) -> impl Stream<Item = Bytes> {
    stream::iter(std::iter::from_fn(move || {
        let slice = bytes.split_to(bytes.len().min(SLICE));
        (!slice.is_empty()).then_some(slice)
    }))
}

struct Chunk {
    /// Pages, and what stands between them.
    json: Vec<Bytes>,
    /// The index of the first page that is not in it.
    next: u32,
}

/// What there is room for only after `patience` is `Away`.
async fn chunk(
    api: &Api,
    job: &JobId,
    selection: &Selection,
    from: u32,
    patience: Duration,
) -> Result<Chunk, ApiError> {
    let begun = Instant::now();
    loop {
        let Chunk { json, next } = read(&*api.store, job, selection, from).await?;
        match (api.response_memory.hold(json), patience.checked_sub(begun.elapsed())) {
            (Ok(json), _) => return Ok(Chunk { json, next }),
            // Nothing is kept meanwhile: it is read again.
            (Err(BudgetExhausted), Some(left)) if !left.is_zero() => api.response_memory.freed(left).await,
            (Err(full), _) => return Err(full.into()),
        }
    }
}

async fn read(store: &dyn JobStore, job: &JobId, selection: &Selection, from: u32) -> Result<Chunk, ApiError> {
    let Range { start, end } = selection.range;
    let mut chunk = Chunk { json: Vec::new(), next: from };
    if from >= end {
        return Ok(chunk);
    }
    for (index, page) in store.pages(job, from, CHUNK).await? {
        if index >= end || index != chunk.next {
            break;
        }
        if index > start {
            chunk.json.push(Bytes::copy_from_slice(&[selection.separator]));
        }
        chunk.json.push(match &selection.fields {
            Some(fields) => picked(&page, fields)?.into(),
            None => page,
        });
        chunk.next = index + 1;
    }
    // Every page of a settled job has its record, unless the job expired since.
    if chunk.next == from { Err(ApiError::NotFound) } else { Ok(chunk) }
}

/// The page with these keys only, in the order that the page has them.
pub fn picked(page: &[u8], fields: &[String]) -> Result<Vec<u8>, ApiError> {
    let damaged = |error: serde_json::Error| ApiError::Internal(format!("a stored page is no JSON: {error}"));
    let page: indexed::Members<'_> = serde_json::from_slice(page).map_err(damaged)?;
    let kept: Vec<(&str, &RawValue)> =
        page.0.into_iter().filter(|(key, _)| fields.iter().any(|field| field == key)).collect();
    serde_json::to_vec(&indexed::Members(kept)).map_err(damaged)
}

/// An object whose values stay as they are written.
mod indexed {
    use std::fmt;

    use serde::de::{MapAccess, Visitor};
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use serde_json::value::RawValue;

    pub struct Members<'a>(pub Vec<(&'a str, &'a RawValue)>);

    impl<'de> Deserialize<'de> for Members<'de> {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct InOrder;
            impl<'de> Visitor<'de> for InOrder {
                type Value = Members<'de>;

                fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str("an object")
                }

                fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                    let mut members = Vec::new();
                    while let Some(member) = map.next_entry()? {
                        members.push(member);
                    }
                    Ok(Members(members))
                }
            }
            deserializer.deserialize_map(InOrder)
        }
    }

    impl Serialize for Members<'_> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_map(self.0.iter().copied())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn picked_fields_stay_as_they_are_written() {
        let page = br#"{"url":"a","html":"\u00e9","links":{"b": [1]},"success":true}"#;
        let fields = ["links".to_owned(), "url".to_owned(), "nothing".to_owned()];
        let kept = picked(page, &fields).expect("it is an object");
        assert_eq!(String::from_utf8_lossy(&kept), r#"{"url":"a","links":{"b": [1]}}"#);
    }
}
