//! The extraction from one page's text: sends it to the model, validates the response, and caches the content.

use std::sync::Arc;

use opilio_page::PatternCompiler;
use serde_json::Value;

use super::blocking::run_blocking;
use super::checkpoint::{PAGE, WHOLE_PAGE};
use super::chunked::{extract_chunked, select_chunked};
use super::error::AttemptError;
use super::response_cache::{CacheKey, Content, ResponseCache};
use super::session::{ModelSession, SessionContext};
use crate::domain::extraction::chunk::{MIN_BUDGET, tokens};
use crate::domain::extraction::prompt;
use crate::domain::extraction::schema::{OutputSchema, SchemaScope};
use crate::domain::extraction::{ExtractionError, ExtractionSpec};
use crate::domain::page_extraction::PageFilter;
use crate::ports::ModelError;

/// What the extractions of LLM jobs and of crawls share.
pub struct ModelExtractor {
    pub session: SessionContext,
    cache: ResponseCache,
}

impl ModelExtractor {
    pub fn new(session: SessionContext) -> Self {
        let cache = ResponseCache::new(session.policy.response_cache);
        Self { session, cache }
    }

    /// The content of the page whose text is `page`. The text is a checkpoint, so the requests of a later attempt are the
    /// same even if the page changes.
    pub async fn extract(
        &self,
        session: &ModelSession<'_>,
        spec: &ExtractionSpec,
        page: impl Future<Output = Result<String, AttemptError>>,
    ) -> Result<Content, AttemptError> {
        let schema = spec.schema.clone();
        let compile = |schema: &Value| OutputSchema::new(schema, &PatternCompiler::default()).map(Arc::new);
        let schema = move || schema.as_ref().map(compile).transpose();
        // The schema was valid at submission; a later version of Opilio can be stricter.
        let schema = run_blocking(schema).await?;
        let schema = schema.map_err(|error| ExtractionError::failed("bad_schema", format!("schema: {error}")))?;
        let page = checkpointed(session, PAGE, page).await?;
        let key = CacheKey {
            page: page.to_string(),
            instruction: spec.instruction.clone(),
            schema: spec.schema.as_ref().map(ToString::to_string),
            model: session.model().name.to_string(),
            temperature: spec.temperature.map(f64::to_bits),
        };
        if let Some(content) = self.cache.get(&key) {
            session.note_cached();
            return Ok(content);
        }
        let content = extract_fitting(session, spec, schema.as_ref(), &page).await?;
        self.cache.insert(key, &content);
        Ok(content)
    }

    /// The main content, as Markdown, of the page at `url` whose text is `page`. The text is a checkpoint.
    pub async fn select_content(
        &self,
        session: &ModelSession<'_>,
        url: &str,
        filter: &PageFilter,
        page: String,
    ) -> Result<Content, AttemptError> {
        let page = checkpointed(session, WHOLE_PAGE, async { Ok(page) }).await?;
        let key = CacheKey {
            page: page.to_string(),
            instruction: format!("{}\n\n{}", prompt::SELECT, filter.instruction),
            schema: None,
            model: session.model().name.to_string(),
            temperature: filter.temperature.map(f64::to_bits),
        };
        if let Some(content) = self.cache.get(&key) {
            session.note_cached();
            return Ok(content);
        }
        let content = select_fitting(session, url, &filter.instruction, &page).await?;
        self.cache.insert(key, &content);
        Ok(content)
    }
}

/// The page's text from the checkpoint of an earlier attempt, else `page`. A page without text is an error.
async fn checkpointed(
    session: &ModelSession<'_>,
    name: &str,
    page: impl Future<Output = Result<String, AttemptError>>,
) -> Result<Arc<str>, AttemptError> {
    let text = match session.checkpoint(name) {
        Some(text) => String::from_utf8_lossy(text).into_owned(),
        None => {
            let text = page.await?;
            session.write_checkpoint(name, text.clone().into()).await?;
            text
        }
    };
    if text.trim().is_empty() {
        return Err(ExtractionError::failed("empty_page", "The page has no text to extract from").into());
    }
    Ok(text.into())
}

/// Extracts in chunks that fit the model's context, and in smaller ones if the provider finds a request too long.
async fn extract_fitting(
    session: &ModelSession<'_>,
    spec: &ExtractionSpec,
    schema: Option<&Arc<OutputSchema>>,
    page: &Arc<str>,
) -> Result<Content, AttemptError> {
    let fixed = tokens(&prompt::system(schema.map(|schema| &**schema.json(SchemaScope::Page))))
        + tokens(&spec.instruction)
        + tokens(&spec.url);
    let mut budget = page_budget(session, fixed)?;
    let page_tokens = tokens(page);
    // The estimate of the page's tokens may be too high.
    session.check_budget(page_tokens as u64 / 2)?;
    loop {
        match extract_chunked(session, spec, schema, page, budget).await {
            Err(AttemptError::ContextTooLong(_)) if budget / 2 > MIN_BUDGET && page_tokens > MIN_BUDGET => {
                budget = budget.min(page_tokens) / 2;
            }
            other => return other,
        }
    }
}

/// Selects in chunks that fit the model's context and whose content fits into a response.
async fn select_fitting(
    session: &ModelSession<'_>,
    url: &str,
    instruction: &str,
    page: &Arc<str>,
) -> Result<Content, AttemptError> {
    let fixed = tokens(prompt::SELECT) + tokens(instruction) + tokens(url);
    let mut budget = page_budget(session, fixed)?.min(session.model().max_output_tokens * 9 / 10).max(MIN_BUDGET);
    // The estimate of the page's tokens may be too high.
    session.check_budget(tokens(page) as u64 / 2)?;
    loop {
        match select_chunked(session, url, instruction, page, budget).await {
            Err(AttemptError::ContextTooLong(_)) if budget / 2 > MIN_BUDGET => budget /= 2,
            other => return other,
        }
    }
}

/// The tokens of one request that are available for the page, next to `fixed` tokens, the response and an earlier response.
fn page_budget(session: &ModelSession<'_>, fixed: usize) -> Result<usize, AttemptError> {
    let model = session.model();
    let budget = model.context_tokens.saturating_sub(fixed + 2 * model.max_output_tokens + 200) * 19 / 20;
    if budget < MIN_BUDGET {
        let model = model.name.to_string();
        return Err(AttemptError::Failed(ModelError::ContextTooLong { model }.into()));
    }
    Ok(budget)
}
