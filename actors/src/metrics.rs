//! The counters of the actors, for `/metrics`.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

/// An actor, and why it was started or exited.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ActorLabels {
    pub actor: &'static str,
    pub cause: &'static str,
}

/// The status of a settled job.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct StatusLabels {
    pub status: &'static str,
}

/// The outcome of a delivery attempt.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct OutcomeLabels {
    pub outcome: &'static str,
}

/// A provider of language models, and the outcome of a request.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ModelLabels {
    pub provider: String,
    pub outcome: &'static str,
}

/// A provider of language models, and `prompt` or `completion`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct TokenLabels {
    pub provider: String,
    pub r#type: &'static str,
}

/// All clones share the counters.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    pub actors_started: Family<ActorLabels, Counter>,
    pub actors_exited: Family<ActorLabels, Counter>,
    pub jobs_submitted: Counter,
    pub jobs_settled: Family<StatusLabels, Counter>,
    pub webhook_attempts: Family<OutcomeLabels, Counter>,
    pub model_requests: Family<ModelLabels, Counter>,
    pub model_tokens: Family<TokenLabels, Counter>,
}

impl Metrics {
    pub fn register(&self, registry: &mut Registry) {
        for actor in ["job_supervisor", "webhook_sender"] {
            self.register_actor(actor, &["panicked", "stopped"]);
        }
        registry.register("actors_started", "Actors started, by cause: start or replaced", self.actors_started.clone());
        registry.register("actors_exited", "Unexpected exits of actors, by cause", self.actors_exited.clone());
        registry.register("jobs_submitted", "Jobs admitted", self.jobs_submitted.clone());
        registry.register("jobs_settled", "Jobs settled, by status", self.jobs_settled.clone());
        registry.register("webhook_attempts", "Webhook delivery attempts, by outcome", self.webhook_attempts.clone());
        registry.register("model_requests", "Requests to language models, by outcome", self.model_requests.clone());
        registry.register("model_tokens", "Tokens of language models, by type", self.model_tokens.clone());
    }

    /// Creates the counters of the workers of a kind.
    pub fn register_worker(&self, name: &'static str) {
        self.register_actor(name, &["working", "idle", "stalled"]);
    }

    /// Creates an actor's counters, so that they start at 0 and the first exit is an increase.
    fn register_actor(&self, actor: &'static str, causes: &[&'static str]) {
        for cause in causes {
            drop(self.actors_exited.get_or_create(&ActorLabels { actor, cause }));
        }
        drop(self.actors_started.get_or_create(&ActorLabels { actor, cause: "replaced" }));
    }

    pub fn started(&self, actor: &'static str, generation: u64) {
        let cause = if generation == 0 { "start" } else { "replaced" };
        self.actors_started.get_or_create(&ActorLabels { actor, cause }).inc();
    }

    pub fn exited(&self, actor: &'static str, cause: &'static str) {
        self.actors_exited.get_or_create(&ActorLabels { actor, cause }).inc();
    }

    pub fn settled(&self, status: &'static str) {
        self.jobs_settled.get_or_create(&StatusLabels { status }).inc();
    }

    pub fn model_responded(&self, provider: &str, prompt_tokens: u64, completion_tokens: u64) {
        self.model_requests.get_or_create(&ModelLabels { provider: provider.to_owned(), outcome: "answered" }).inc();
        self.model_tokens_used(provider, prompt_tokens, completion_tokens);
    }

    /// Counts the tokens of a response, including one that cannot be used.
    pub fn model_tokens_used(&self, provider: &str, prompt_tokens: u64, completion_tokens: u64) {
        let labels = |r#type| TokenLabels { provider: provider.to_owned(), r#type };
        self.model_tokens.get_or_create(&labels("prompt")).inc_by(prompt_tokens);
        self.model_tokens.get_or_create(&labels("completion")).inc_by(completion_tokens);
    }

    pub fn model_failed(&self, provider: &str, outcome: &'static str) {
        self.model_requests.get_or_create(&ModelLabels { provider: provider.to_owned(), outcome }).inc();
    }

    pub fn delivery_attempted(&self, outcome: &'static str) {
        self.webhook_attempts.get_or_create(&OutcomeLabels { outcome }).inc();
    }
}
