//! Converts section `llm` of the settings for the models and the LLM workers.

use std::num::NonZeroUsize;

use opilio_actors::domain::retry::Backoff;
use opilio_actors::{ExtractionPolicy, ResponseCacheSettings};

use crate::models::{self, FamilySettings, ModelLimits, ModelSettings};
use crate::settings::{Family, Jobs, Llm, Protocol, variable_prefix};

pub fn models(llm: &Llm) -> ModelSettings {
    ModelSettings {
        provider: llm.provider.clone(),
        allowed_providers: Some(llm.allowed_providers.clone()).filter(|allowed| !allowed.is_empty()),
        fallback: llm.fallback.clone(),
        timeout: llm.timeout,
        max_response_bytes: llm.max_response_bytes.get(),
        max_output_tokens: llm.max_output_tokens.get(),
        max_inline_wait: llm.retry.max_inline_wait,
        failures_before_cooldown: llm.retry.failures_before_cooldown.get(),
        cooldown: llm.retry.cooldown,
        families: llm.families.iter().map(|(name, family)| family_settings(name, family)).collect(),
    }
}

fn family_settings(name: &str, family: &Family) -> FamilySettings {
    let limit = |limit: u32| (limit > 0).then_some(limit);
    let default_variable = || format!("{}_API_KEY", variable_prefix(name));
    FamilySettings {
        protocol: match family.protocol {
            Protocol::OpenAi => models::Protocol::OpenAi,
            Protocol::Anthropic => models::Protocol::Anthropic,
            Protocol::Gemini => models::Protocol::Gemini,
            Protocol::Ollama => models::Protocol::Ollama,
        },
        key: family.api_key.clone(),
        key_variable: family.api_key_env.clone().unwrap_or_else(default_variable),
        needs_key: family.needs_key,
        models: Some(family.models.clone()).filter(|models| !models.is_empty()),
        context_tokens: family.context_tokens.get(),
        temperature: family.temperature,
        limits: ModelLimits {
            requests_per_minute: limit(family.requests_per_minute),
            tokens_per_minute: limit(family.tokens_per_minute),
            concurrency: NonZeroUsize::new(family.concurrency),
        },
        ..FamilySettings::compatible(name, family.base_url.clone())
    }
}

pub fn policy(llm: &Llm, jobs: &Jobs) -> ExtractionPolicy {
    let cache = ResponseCacheSettings { max_bytes: llm.cache.max_bytes, ttl: llm.cache.ttl };
    ExtractionPolicy {
        repair_attempts: llm.repair_attempts,
        tries: llm.retry.tries.get(),
        backoff: Backoff { initial: llm.retry.initial_delay, max: llm.retry.max_delay, jitter: 0.5 },
        max_inline_wait: llm.retry.max_inline_wait,
        requeue_delay: llm.retry.requeue_delay,
        max_wait: jobs.max_wait,
        max_tokens_per_job: (llm.max_tokens_per_job > 0).then_some(llm.max_tokens_per_job),
        chunk_overlap_tokens: llm.chunk_overlap_tokens,
        concurrent_chunks: llm.concurrent_chunks,
        response_cache: (cache.max_bytes > 0).then_some(cache),
    }
}
