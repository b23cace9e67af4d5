//! The questions about a page: one, or one a part; each asked until its answer conforms.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use serde_json::Value;

use super::extract::Extractor;
use super::response_cache::Content;
use super::session::{Asked, Asking, Stop};
use crate::domain::extraction::chunk::{MIN_BUDGET, chunks, tokens};
use crate::domain::extraction::prompt::{self, Part};
use crate::domain::extraction::shape::{Scope, Shape};
use crate::domain::extraction::{ExtractionError, ExtractionSpec, answer, merge};
use crate::ports::{Role, Turn};

/// An answer that takes longer to check is not waited for.
const CHECKED_WITHIN: Duration = Duration::from_secs(10);

impl Extractor {
    /// Asks about the whole page, or part by part where it does not fit into `room` tokens.
    pub async fn extract_within(
        &self,
        asking: &Asking<'_>,
        spec: &ExtractionSpec,
        shape: Option<&Arc<Shape>>,
        page: &Arc<str>,
        room: usize,
    ) -> Result<Content, Stop> {
        let (text, overlap) = (Arc::clone(page), self.policy.overlap_tokens);
        let parts = aside(move || chunks(&text, room, overlap)).await?;
        match (shape, &parts[..]) {
            (Some(shape), [whole]) => {
                let question = prompt::question(&spec.url, &spec.instruction, Part { number: 1, of: 1 }, whole);
                let value = self.conforming(asking, "whole", question, shape, Scope::Whole).await?;
                Ok(Content { value, notes: vec![] })
            }
            (Some(shape), parts) => self.in_parts(asking, spec, shape, parts, room).await,
            (None, parts) => self.without_schema(asking, spec, parts).await,
        }
    }

    async fn in_parts(
        &self,
        asking: &Asking<'_>,
        spec: &ExtractionSpec,
        shape: &Arc<Shape>,
        parts: &[String],
        room: usize,
    ) -> Result<Content, Stop> {
        let questions = parts.iter().zip(1..).map(|(text, number)| {
            let part = Part { number, of: parts.len() };
            let question = prompt::question(&spec.url, &spec.instruction, part, text);
            (format!("part {number} of {}", parts.len()), question)
        });
        let questions: Vec<_> = questions.collect();
        let asked = questions
            .into_iter()
            .map(|(step, question)| async move { self.conforming(asking, &step, question, shape, Scope::Part).await });
        let answers: Vec<Value> = self.side_by_side(asked).await?;
        let all = answers.clone();
        let merged = aside(move || merge::merge(all)).await?;
        let (value, violations) = held_to(shape, Scope::Whole, merged.value).await?;
        if violations.is_empty() {
            return Ok(Content { value, notes: merged.conflicts });
        }
        let question = prompt::union(&spec.instruction, &answers, &violations);
        if tokens(&question) > room + 2 * MIN_BUDGET {
            return Err(not_conforming(&violations).into());
        }
        let step = format!("union of {}", parts.len());
        let value = self.conforming(asking, &step, question, shape, Scope::Whole).await?;
        Ok(Content { value, notes: vec![] })
    }

    async fn without_schema(
        &self,
        asking: &Asking<'_>,
        spec: &ExtractionSpec,
        parts: &[String],
    ) -> Result<Content, Stop> {
        let system: Arc<str> = prompt::system(None).into();
        let questions = parts.iter().zip(1..).map(|(text, number)| {
            let part = Part { number, of: parts.len() };
            let question = prompt::question(&spec.url, &spec.instruction, part, text);
            let step = format!("free {number} of {}", parts.len());
            let turns = vec![Turn { role: Role::User, text: question }];
            Asked { name: step, system: Arc::clone(&system), turns, schema: None, is_repair: false }
        });
        let questions: Vec<_> = questions.collect();
        let asked = questions.into_iter().map(|question| asking.ask(question));
        let answers = self.side_by_side(asked).await?;
        let values: Vec<Value> = answers.iter().map(|said| answer::free(&said.text)).collect();
        if values.iter().any(Value::is_string) {
            let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let texts: Vec<_> = values.iter().map(text).collect();
            return Ok(Content { value: merge::join_texts(&texts).into(), notes: vec![] });
        }
        let merged = aside(move || merge::merge(values)).await?;
        Ok(Content { value: merged.value, notes: merged.conflicts })
    }

    /// The answers to all questions, in order. Where one has to wait for its provider, no more are begun, and those that
    /// are under way are waited for: thrown away, they would have to be asked for again, perhaps for ever.
    async fn side_by_side<T, F: Future<Output = Result<T, Stop>>>(
        &self,
        questions: impl Iterator<Item = F>,
    ) -> Result<Vec<T>, Stop> {
        let rests = &AtomicBool::new(false);
        let begun = questions.map(|question| async move {
            if rests.load(Ordering::Relaxed) {
                return Err(Stop::Deferred { wait: Duration::ZERO, reason: String::new() });
            }
            let answer = question.await;
            if let Err(Stop::Deferred { .. }) = answer {
                rests.store(true, Ordering::Relaxed);
            }
            answer
        });
        let begun: Vec<_> = begun.collect();
        let mut answers = stream::iter(begun).buffered(self.policy.parts_side_by_side.get());
        let (mut all, mut first) = (Vec::new(), None);
        while let Some(answer) = answers.next().await {
            match answer {
                Ok(answer) => all.push(answer),
                Err(rest @ Stop::Deferred { .. }) => first = first.or(Some(rest)),
                Err(other) => return Err(other),
            }
        }
        first.map_or(Ok(all), Err)
    }

    /// Asks until the answer conforms, or the repairs are used up.
    async fn conforming(
        &self,
        asking: &Asking<'_>,
        step: &str,
        question: String,
        shape: &Arc<Shape>,
        scope: Scope,
    ) -> Result<Value, Stop> {
        let schema = shape.schema(scope);
        let system: Arc<str> = prompt::system(Some(schema)).into();
        let first = Turn { role: Role::User, text: question };
        let mut turns = vec![first.clone()];
        let mut round = 0;
        loop {
            let asked = Asked {
                name: format!("{step}, {round}"),
                system: Arc::clone(&system),
                turns: turns.clone(),
                schema: Some(Arc::clone(schema)),
                is_repair: round > 0,
            };
            let said = asking.ask(asked).await?;
            let violations = match answer::json(&said.text) {
                Some(value) => match held_to(shape, scope, value).await? {
                    (value, none) if none.is_empty() => return Ok(value),
                    (_, violations) => violations,
                },
                None => vec!["the answer: not a JSON value".to_owned()],
            };
            if round >= self.policy.repair_attempts {
                return Err(not_conforming(&violations).into());
            }
            round += 1;
            let again = Turn { role: Role::User, text: prompt::again(&violations) };
            turns = vec![first.clone(), Turn { role: Role::Assistant, text: said.text }, again];
        }
    }
}

fn not_conforming(violations: &[String]) -> ExtractionError {
    let reason = format!("The model's answer does not conform to the schema: {}", violations.join("; "));
    ExtractionError::failed("not_conforming", reason)
}

/// The answer, and what is wrong with it.
async fn held_to(shape: &Arc<Shape>, scope: Scope, value: Value) -> Result<(Value, Vec<String>), Stop> {
    let shape = Arc::clone(shape);
    let check = aside(move || {
        let violations = shape.violations(scope, &value);
        (value, violations)
    });
    tokio::time::timeout(CHECKED_WITHIN, check).await.unwrap_or_else(|_| {
        let reason = "The answer cannot be checked against the schema in useful time";
        Err(ExtractionError::failed("schema_too_costly", reason).into())
    })
}

/// Work that may take a while, away from the threads that serve messages.
pub async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Stop> {
    tokio::task::spawn_blocking(work).await.map_err(|error| Stop::Crashed(error.to_string()))
}
