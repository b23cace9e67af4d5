//! What the actors count. Registered once, read by whoever serves `/metrics`.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

/// An actor, and where it ended, why.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ActorLabels {
    pub actor: &'static str,
    pub cause: &'static str,
}

/// How a job or an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct EndLabels {
    pub end: &'static str,
}

/// A provider family, and the outcome of a request to it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ModelLabels {
    pub provider: String,
    pub end: &'static str,
}

/// Cheap to clone: every clone counts into the same numbers.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    pub actors_started: Family<ActorLabels, Counter>,
    pub actors_died: Family<ActorLabels, Counter>,
    pub jobs_submitted: Counter,
    pub jobs_settled: Family<EndLabels, Counter>,
    pub webhook_attempts: Family<EndLabels, Counter>,
    pub model_requests: Family<ModelLabels, Counter>,
    pub model_tokens: Family<ModelLabels, Counter>,
}

impl Metrics {
    pub fn register(&self, registry: &mut Registry) {
        for actor in ["job_supervisor", "webhook_sender"] {
            self.register_actor(actor, &["panicked", "stopped"]);
        }
        registry.register("actors_started", "Actors started, by cause: start or replaced", self.actors_started.clone());
        registry.register("actors_died", "Actors that ended without being asked to", self.actors_died.clone());
        registry.register("jobs_submitted", "Jobs admitted", self.jobs_submitted.clone());
        registry.register("jobs_settled", "Jobs settled, by status", self.jobs_settled.clone());
        registry.register("webhook_attempts", "Webhook attempts, by what came of them", self.webhook_attempts.clone());
        registry.register("model_requests", "Requests to language models, by outcome", self.model_requests.clone());
        registry.register("model_tokens", "Tokens of language models, prompt or completion", self.model_tokens.clone());
    }

    /// Creates the counters of the workers of a kind.
    pub fn register_worker(&self, name: &'static str) {
        self.register_actor(name, &["in a job", "between jobs", "hung"]);
    }

    /// Creates an actor's counters, so that they start at 0 and the first exit is an increase.
    fn register_actor(&self, actor: &'static str, causes: &[&'static str]) {
        for cause in causes {
            drop(self.actors_died.get_or_create(&ActorLabels { actor, cause }));
        }
        drop(self.actors_started.get_or_create(&ActorLabels { actor, cause: "replaced" }));
    }

    pub fn started(&self, actor: &'static str, generation: u64) {
        let cause = if generation == 0 { "start" } else { "replaced" };
        self.actors_started.get_or_create(&ActorLabels { actor, cause }).inc();
    }

    pub fn died(&self, actor: &'static str, cause: &'static str) {
        self.actors_died.get_or_create(&ActorLabels { actor, cause }).inc();
    }

    pub fn settled(&self, end: &'static str) {
        self.jobs_settled.get_or_create(&EndLabels { end }).inc();
    }

    pub fn model_responded(&self, provider: &str, prompt_tokens: u64, completion_tokens: u64) {
        self.model_requests.get_or_create(&ModelLabels { provider: provider.to_owned(), end: "answered" }).inc();
        self.model_tokens_used(provider, prompt_tokens, completion_tokens);
    }

    /// Counts the tokens of a response, including one that cannot be used.
    pub fn model_tokens_used(&self, provider: &str, prompt_tokens: u64, completion_tokens: u64) {
        let labels = |end| ModelLabels { provider: provider.to_owned(), end };
        self.model_tokens.get_or_create(&labels("prompt")).inc_by(prompt_tokens);
        self.model_tokens.get_or_create(&labels("completion")).inc_by(completion_tokens);
    }

    pub fn model_failed(&self, provider: &str, end: &'static str) {
        self.model_requests.get_or_create(&ModelLabels { provider: provider.to_owned(), end }).inc();
    }

    pub fn attempted(&self, end: &'static str) {
        self.webhook_attempts.get_or_create(&EndLabels { end }).inc();
    }
}
