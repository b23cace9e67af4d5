//! [`DeliveryStore`] on SQLite.

use async_trait::async_trait;
use opilio_actors::domain::delivery::{Attempt, AttemptOutcome, DeliveryState, DueDelivery, RetryDecision};
use opilio_actors::domain::id::{JobId, NodeId, Principal};
use opilio_actors::domain::job::Job;
use opilio_actors::ports::{
    AttemptStart, AttemptTerms, DeliveryLog, DeliveryStore, DueQuery, ReplayFilter, StoreError,
};

use super::{EmbeddedStore, attempts, due, queries, replay};

#[async_trait]
impl DeliveryStore for EmbeddedStore {
    async fn due(&self, query: DueQuery) -> Result<Vec<DueDelivery>, StoreError> {
        let now = self.clock.steady();
        self.reader.run(move |db| due::due(db, now, &query)).await
    }

    async fn start_attempt(
        &self,
        job: &JobId,
        version: u64,
        _: &NodeId,
        terms: AttemptTerms,
    ) -> Result<AttemptStart, StoreError> {
        let job = job.clone();
        self.writer.run(move |db, context| attempts::start(db, context, &job, version, terms)).await
    }

    async fn finish_attempt(
        &self,
        attempt: &Attempt,
        outcome: &AttemptOutcome,
        decision: RetryDecision,
    ) -> Result<(DeliveryState, u64), StoreError> {
        let (attempt, outcome) = (attempt.clone(), outcome.clone());
        self.writer.run(move |db, context| attempts::finish(db, context, &attempt, &outcome, decision)).await
    }

    async fn deliveries(&self, job: &JobId, principal: Option<&Principal>) -> Result<Option<DeliveryLog>, StoreError> {
        let (job, principal) = (job.clone(), principal.cloned());
        self.reader.run(move |db| queries::delivery_log(db, &job, principal.as_ref())).await
    }

    async fn replay(&self, job: &JobId, principal: Option<&Principal>) -> Result<Job, StoreError> {
        let (job, principal) = (job.clone(), principal.cloned());
        self.writer.run(move |db, context| replay::one(db, context, &job, principal.as_ref())).await
    }

    async fn replay_all(&self, filter: ReplayFilter) -> Result<u64, StoreError> {
        self.writer.run(move |db, context| replay::many(db, context, &filter)).await
    }
}
