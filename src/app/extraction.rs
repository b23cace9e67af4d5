//! Section `llm` of the settings, as the models and the LLM workers take it.

use std::num::NonZeroUsize;

use opilio_actors::domain::retry::Backoff;
use opilio_actors::{AnswerCache, ExtractionPolicy};

use crate::models::{FamilySettings, ModelSettings, RateLimits, Wire};
use crate::settings::{Family, Jobs, Llm, Protocol, variable_prefix};

pub fn models(llm: &Llm) -> ModelSettings {
    ModelSettings {
        provider: llm.provider.clone(),
        allowed_providers: Some(llm.allowed_providers.clone()).filter(|allowed| !allowed.is_empty()),
        fallback: llm.fallback.clone(),
        timeout: llm.timeout,
        max_answer_bytes: llm.max_response_bytes.get(),
        answer_tokens: llm.max_output_tokens.get(),
        patience: llm.retry.max_inline_wait,
        failures_before_pause: llm.retry.failures_before_cooldown.get(),
        pause: llm.retry.cooldown,
        families: llm.families.iter().map(|(name, family)| settings(name, family)).collect(),
    }
}

fn settings(name: &str, family: &Family) -> FamilySettings {
    let bound = |bound: u32| (bound > 0).then_some(bound);
    let own = || format!("{}_API_KEY", variable_prefix(name));
    FamilySettings {
        wire: match family.protocol {
            Protocol::OpenAi => Wire::OpenAi,
            Protocol::Anthropic => Wire::Anthropic,
            Protocol::Gemini => Wire::Gemini,
            Protocol::Ollama => Wire::Ollama,
        },
        key: family.api_key.clone(),
        key_variable: family.api_key_env.clone().unwrap_or_else(own),
        needs_key: family.needs_key,
        models: Some(family.models.clone()).filter(|models| !models.is_empty()),
        context_tokens: family.context_tokens.get(),
        temperature: family.temperature,
        limits: RateLimits {
            requests_per_minute: bound(family.requests_per_minute),
            tokens_per_minute: bound(family.tokens_per_minute),
            concurrency: NonZeroUsize::new(family.concurrency),
        },
        ..FamilySettings::compatible(name, family.base_url.clone())
    }
}

pub fn policy(llm: &Llm, jobs: &Jobs) -> ExtractionPolicy {
    ExtractionPolicy {
        repair_attempts: llm.repair_attempts,
        tries: llm.retry.tries.get(),
        backoff: Backoff { initial: llm.retry.initial_delay, max: llm.retry.max_delay, jitter: 0.5 },
        patience: llm.retry.max_inline_wait,
        rest: llm.retry.requeue_delay,
        max_wait: jobs.max_wait,
        max_tokens_per_job: (llm.max_tokens_per_job > 0).then_some(llm.max_tokens_per_job),
        overlap_tokens: llm.chunk_overlap_tokens,
        parts_side_by_side: llm.concurrent_chunks,
        answers: (llm.cache.max_bytes > 0)
            .then_some(AnswerCache { max_bytes: llm.cache.max_bytes, keep: llm.cache.ttl }),
    }
}
