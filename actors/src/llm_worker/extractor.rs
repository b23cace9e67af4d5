//! The extraction from one page's text: sends it to the model, validates the response, and caches the content.

use std::sync::Arc;

use opilio_page::PatternCompiler;
use serde_json::Value;

use super::blocking::run_blocking;
use super::checkpoint::PAGE;
use super::chunked::extract_chunked;
use super::error::AttemptError;
use super::response_cache::{CacheKey, Content, ResponseCache};
use super::session::{ModelSession, SessionContext};
use crate::domain::extraction::chunk::{MIN_BUDGET, tokens};
use crate::domain::extraction::prompt;
use crate::domain::extraction::schema::{OutputSchema, SchemaScope};
use crate::domain::extraction::{ExtractionError, ExtractionSpec};
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
        let page: Arc<str> = checkpointed(session, page).await?.into();
        if page.trim().is_empty() {
            return Err(ExtractionError::failed("empty_page", "The page has no text to extract from").into());
        }
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
}

/// The page's text from the checkpoint of an earlier attempt, else `page`.
async fn checkpointed(
    session: &ModelSession<'_>,
    page: impl Future<Output = Result<String, AttemptError>>,
) -> Result<String, AttemptError> {
    if let Some(text) = session.checkpoint(PAGE) {
        return Ok(String::from_utf8_lossy(text).into_owned());
    }
    let text = page.await?;
    session.write_checkpoint(PAGE, text.clone().into()).await?;
    Ok(text)
}

/// Extracts in chunks that fit the model's context, and in smaller ones if the provider finds a request too long.
async fn extract_fitting(
    session: &ModelSession<'_>,
    spec: &ExtractionSpec,
    schema: Option<&Arc<OutputSchema>>,
    page: &Arc<str>,
) -> Result<Content, AttemptError> {
    let mut budget = page_budget(session, spec, schema)?;
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

/// The tokens of one request that are available for the page, next to instruction, schema, response and an earlier response.
fn page_budget(
    session: &ModelSession<'_>,
    spec: &ExtractionSpec,
    schema: Option<&Arc<OutputSchema>>,
) -> Result<usize, AttemptError> {
    let model = session.model();
    let fixed = tokens(&prompt::system(schema.map(|schema| &**schema.json(SchemaScope::Page))))
        + tokens(&spec.instruction)
        + tokens(&spec.url);
    let budget = model.context_tokens.saturating_sub(fixed + 2 * model.max_output_tokens + 200) * 19 / 20;
    if budget < MIN_BUDGET {
        let model = model.name.to_string();
        return Err(AttemptError::Failed(ModelError::ContextTooLong { model }.into()));
    }
    Ok(budget)
}
