//! Extraction from a whole page, or chunk by chunk if the page does not fit into one request.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use serde_json::Value;

use super::blocking::run_blocking;
use super::checkpoint::Prompt;
use super::conforming::{conforming_response, not_conforming, validate};
use super::error::AttemptError;
use super::response_cache::Content;
use super::session::ModelSession;
use crate::domain::extraction::chunk::{MIN_BUDGET, chunks, tokens};
use crate::domain::extraction::prompt::{self, ChunkNumber};
use crate::domain::extraction::response::{parse_free_form, parse_markdown};
use crate::domain::extraction::schema::{OutputSchema, SchemaScope};
use crate::domain::extraction::{ExtractionSpec, merge};
use crate::ports::{Message, Role};

/// Extracts from `page` in chunks of at most `max_tokens`.
pub async fn extract_chunked(
    session: &ModelSession<'_>,
    spec: &ExtractionSpec,
    schema: Option<&Arc<OutputSchema>>,
    page: &Arc<str>,
    max_tokens: usize,
) -> Result<Content, AttemptError> {
    let (text, overlap) = (Arc::clone(page), session.policy().chunk_overlap_tokens);
    let chunks = run_blocking(move || chunks(&text, max_tokens, overlap)).await?;
    let Some(schema) = schema else { return without_schema(session, spec, &chunks).await };
    match &chunks[..] {
        [page] => {
            let prompt = prompt::extract(&spec.url, &spec.instruction, ChunkNumber { number: 1, of: 1 }, page);
            let value = conforming_response(session, "page", prompt, schema, SchemaScope::Page).await?;
            Ok(Content { value, notes: vec![] })
        }
        chunks => with_schema(session, spec, schema, chunks, max_tokens).await,
    }
}

/// Extracts from each chunk and merges the values. If the merged value does not conform, the model merges them.
async fn with_schema(
    session: &ModelSession<'_>,
    spec: &ExtractionSpec,
    schema: &Arc<OutputSchema>,
    chunks: &[String],
    max_tokens: usize,
) -> Result<Content, AttemptError> {
    let of = chunks.len();
    let requests = chunks.iter().zip(1..).map(|(text, number)| async move {
        let prompt = prompt::extract(&spec.url, &spec.instruction, ChunkNumber { number, of }, text);
        let label = format!("chunk {number} of {of}");
        conforming_response(session, &label, prompt, schema, SchemaScope::Chunk).await
    });
    let values: Vec<Value> = all(session, requests).await?;
    let copy = values.clone();
    let merged = run_blocking(move || merge::merge(copy)).await?;
    let (value, violations) = validate(schema, SchemaScope::Page, merged.value).await?;
    if violations.is_empty() {
        return Ok(Content { value, notes: merged.conflicts });
    }
    let prompt = prompt::merge(&spec.instruction, &values, &violations);
    if tokens(&prompt) > max_tokens + 2 * MIN_BUDGET {
        return Err(not_conforming(&violations).into());
    }
    let value = conforming_response(session, &format!("merge of {of}"), prompt, schema, SchemaScope::Page).await?;
    Ok(Content { value, notes: vec![] })
}

async fn without_schema(
    session: &ModelSession<'_>,
    spec: &ExtractionSpec,
    chunks: &[String],
) -> Result<Content, AttemptError> {
    let (system, of): (Arc<str>, _) = (prompt::system(None).into(), chunks.len());
    let requests = chunks.iter().zip(1..).map(|(text, number)| {
        let text = prompt::extract(&spec.url, &spec.instruction, ChunkNumber { number, of }, text);
        session.respond(Prompt {
            label: format!("free form {number} of {of}"),
            system: Arc::clone(&system),
            messages: vec![Message { role: Role::User, text }],
            schema: None,
            is_repair: false,
        })
    });
    let responses = all(session, requests).await?;
    let values: Vec<Value> = responses.iter().map(|response| parse_free_form(&response.text)).collect();
    if values.iter().any(Value::is_string) {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let texts: Vec<_> = values.iter().map(text).collect();
        return Ok(Content { value: merge::join_texts(&texts).into(), notes: vec![] });
    }
    let merged = run_blocking(move || merge::merge(values)).await?;
    Ok(Content { value: merged.value, notes: merged.conflicts })
}

/// Selects the main content of `page` in chunks of at most `max_tokens`, which do not overlap.
pub async fn select_chunked(
    session: &ModelSession<'_>,
    url: &str,
    instruction: &str,
    page: &Arc<str>,
    max_tokens: usize,
) -> Result<Content, AttemptError> {
    let text = Arc::clone(page);
    let chunks = run_blocking(move || chunks(&text, max_tokens, 0)).await?;
    let (system, of): (Arc<str>, _) = (prompt::SELECT.into(), chunks.len());
    let requests = chunks.iter().zip(1..).map(|(text, number)| {
        session.respond(Prompt {
            label: format!("content {number} of {of}"),
            system: Arc::clone(&system),
            messages: vec![Message {
                role: Role::User,
                text: prompt::select(url, instruction, ChunkNumber { number, of }, text),
            }],
            schema: None,
            is_repair: false,
        })
    });
    let responses = all(session, requests).await?;
    let parts = responses.iter().map(|response| parse_markdown(&response.text));
    let text = parts.fold(String::new(), |text, part| with_part(text, &part));
    Ok(Content { value: text.into(), notes: vec![] })
}

/// Appends a part without the headings at its beginning that the text has: each chunk begins with the headings above it.
fn with_part(mut text: String, part: &str) -> String {
    let is_repeated = |line: &str| line.starts_with('#') && text.lines().any(|known| known == line);
    let mut rest = part;
    while let Some((line, after)) = rest.split_once('\n')
        && (line.trim().is_empty() || is_repeated(line))
    {
        rest = after;
    }
    if !text.is_empty() && !rest.is_empty() {
        text.push_str("\n\n");
    }
    text + rest
}

/// The results of all requests, in order. If one has to wait for its provider, no more are started, but those in progress
/// are completed: if they were dropped, they would be sent again in every attempt.
async fn all<T, F: Future<Output = Result<T, AttemptError>>>(
    session: &ModelSession<'_>,
    requests: impl Iterator<Item = F>,
) -> Result<Vec<T>, AttemptError> {
    let deferred = &AtomicBool::new(false);
    let requests = requests.map(|request| async move {
        if deferred.load(Ordering::Relaxed) {
            return Err(AttemptError::Deferred { delay: Duration::ZERO, reason: String::new() });
        }
        let result = request.await;
        if let Err(AttemptError::Deferred { .. }) = result {
            deferred.store(true, Ordering::Relaxed);
        }
        result
    });
    let requests: Vec<_> = requests.collect();
    let mut results = stream::iter(requests).buffered(session.policy().concurrent_chunks.get());
    let (mut values, mut first_deferred) = (Vec::new(), None);
    while let Some(result) = results.next().await {
        match result {
            Ok(value) => values.push(value),
            Err(deferred @ AttemptError::Deferred { .. }) => first_deferred = first_deferred.or(Some(deferred)),
            Err(other) => return Err(other),
        }
    }
    first_deferred.map_or(Ok(values), Err)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_headings_are_left_out_of_later_parts() {
        let text = with_part(with_part(String::new(), "# A\n\n## B\n\none"), "# A\n\n## B\n\ntwo\n\n## C\n\nthree");
        assert_eq!(text, "# A\n\n## B\n\none\n\ntwo\n\n## C\n\nthree");
        assert_eq!(with_part(with_part(String::new(), ""), "# A\n\nx"), "# A\n\nx");
        assert_eq!(with_part("x".to_owned(), ""), "x");
    }
}
