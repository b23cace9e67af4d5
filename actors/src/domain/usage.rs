//! The usage of language models by one job or page.

use serde::{Deserialize, Serialize};

/// The tokens and requests of an extraction job, over all its attempts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    pub prompt_tokens: u64,
    pub completion_tokens: u64,
    pub total_tokens: u64,
    /// Responses of the model.
    pub requests: u32,
    /// Responses requested because an earlier one did not conform.
    pub repairs: u32,
    /// The family of the last response.
    pub provider: Option<String>,
    /// The model of the last response, as its provider reported it.
    pub model: Option<String>,
    /// The content came from the response cache.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cached: bool,
    /// Duration of the attempt that settled the job.
    pub duration_s: f64,
}

impl Usage {
    /// Adds one response.
    pub fn add(&mut self, prompt_tokens: u64, completion_tokens: u64) {
        self.prompt_tokens += prompt_tokens;
        self.completion_tokens += completion_tokens;
        self.total_tokens = self.prompt_tokens + self.completion_tokens;
        self.requests += 1;
    }

    /// Adds the usage of another page.
    pub fn add_page(&mut self, page: Self) {
        self.prompt_tokens += page.prompt_tokens;
        self.completion_tokens += page.completion_tokens;
        self.total_tokens += page.total_tokens;
        self.requests += page.requests;
        self.repairs += page.repairs;
        self.provider = page.provider.or(self.provider.take());
        self.model = page.model.or(self.model.take());
        self.cached |= page.cached;
        self.duration_s += page.duration_s;
    }
}
