//! The providers that are known by themselves.

use super::settings::{FamilySettings, RateLimits, Wire};

/// One provider: where it is, how it is spoken to, and a context that its usual models have at least.
pub struct Family {
    name: &'static str,
    wire: Wire,
    base_url: &'static str,
    key_variable: Option<&'static str>,
    context_tokens: usize,
}

impl Family {
    const fn new(
        name: &'static str,
        wire: Wire,
        base_url: &'static str,
        key_variable: &'static str,
        context_tokens: usize,
    ) -> Self {
        Self { name, wire, base_url, key_variable: Some(key_variable), context_tokens }
    }

    pub fn settings(&self) -> FamilySettings {
        let base_url = self.base_url.parse().expect("the table holds addresses; a test reads it");
        let mut settings = FamilySettings::compatible(self.name, base_url);
        settings.wire = self.wire;
        settings.needs_key = self.key_variable.is_some();
        settings.context_tokens = self.context_tokens;
        settings.limits = RateLimits::default();
        if let Some(variable) = self.key_variable {
            settings.key_variable = variable.to_owned();
        }
        settings
    }
}

pub const BUILT_IN: [Family; 10] = [
    Family::new("openai", Wire::OpenAi, "https://api.openai.com/v1", "OPENAI_API_KEY", 128_000),
    Family::new("anthropic", Wire::Anthropic, "https://api.anthropic.com", "ANTHROPIC_API_KEY", 200_000),
    Family::new(
        "gemini",
        Wire::Gemini,
        "https://generativelanguage.googleapis.com/v1beta",
        "GEMINI_API_KEY",
        1_000_000,
    ),
    Family::new("groq", Wire::OpenAi, "https://api.groq.com/openai/v1", "GROQ_API_KEY", 32_000),
    Family::new("deepseek", Wire::OpenAi, "https://api.deepseek.com/v1", "DEEPSEEK_API_KEY", 64_000),
    Family::new("mistral", Wire::OpenAi, "https://api.mistral.ai/v1", "MISTRAL_API_KEY", 32_000),
    Family::new("together", Wire::OpenAi, "https://api.together.xyz/v1", "TOGETHER_API_KEY", 32_000),
    Family::new("openrouter", Wire::OpenAi, "https://openrouter.ai/api/v1", "OPENROUTER_API_KEY", 32_000),
    Family::new("xai", Wire::OpenAi, "https://api.x.ai/v1", "XAI_API_KEY", 128_000),
    Family {
        name: "ollama",
        wire: Wire::Ollama,
        base_url: "http://localhost:11434",
        key_variable: None,
        context_tokens: 8192,
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_holds_addresses_and_each_name_once() {
        let mut names: Vec<_> = BUILT_IN.iter().map(|family| family.settings().name).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), BUILT_IN.len());
    }
}
