//! [`DeliveryStore`] on Redis.

use async_trait::async_trait;
use opilio_actors::domain::delivery::{Attempt, AttemptOutcome, DeliveryState, DueDelivery, RetryDecision};
use opilio_actors::domain::id::{JobId, NodeId, Principal};
use opilio_actors::domain::job::Job;
use opilio_actors::ports::{
    AttemptStart, AttemptTerms, DeliveryLog, DeliveryStore, DueQuery, ReplayFilter, StoreError,
};

use super::{RedisStore, attempts, due, queries, replay};

#[async_trait]
impl DeliveryStore for RedisStore {
    async fn due(&self, query: DueQuery) -> Result<Vec<DueDelivery>, StoreError> {
        due::due(self, query).await
    }

    async fn start_attempt(
        &self,
        job: &JobId,
        version: u64,
        _: &NodeId,
        terms: AttemptTerms,
    ) -> Result<AttemptStart, StoreError> {
        attempts::start(self, job, version, terms).await
    }

    async fn finish_attempt(
        &self,
        attempt: &Attempt,
        outcome: &AttemptOutcome,
        decision: RetryDecision,
    ) -> Result<(DeliveryState, u64), StoreError> {
        attempts::finish(self, attempt, outcome, decision).await
    }

    async fn deliveries(&self, job: &JobId, principal: Option<&Principal>) -> Result<Option<DeliveryLog>, StoreError> {
        queries::delivery_log(self, job, principal).await
    }

    async fn replay(&self, job: &JobId, principal: Option<&Principal>) -> Result<Job, StoreError> {
        replay::one(self, job, principal).await
    }

    async fn replay_all(&self, filter: ReplayFilter) -> Result<u64, StoreError> {
        replay::many(self, &filter).await
    }
}
