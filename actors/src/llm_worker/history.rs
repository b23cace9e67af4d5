//! The model responses of all attempts at one job.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;

use super::checkpoint::usage_of;
use crate::domain::id::JobId;
use crate::ports::{JobStore, StoreError};
use crate::retry_store::retry_transient;

/// The checkpoints of earlier attempts, and the tokens that all attempts used. Clones share both.
#[derive(Clone)]
pub struct JobHistory {
    checkpoints: Arc<HashMap<String, Bytes>>,
    tokens: Arc<AtomicU64>,
}

impl JobHistory {
    pub async fn load(store: &dyn JobStore, job: &JobId) -> Result<Self, StoreError> {
        Self::load_matching(store, job, |_| true).await
    }

    /// Keeps only the checkpoints whose name meets the condition. The others count towards the tokens.
    pub async fn load_matching(
        store: &dyn JobStore,
        job: &JobId,
        condition: impl Fn(&str) -> bool,
    ) -> Result<Self, StoreError> {
        let mut checkpoints = retry_transient(|| store.checkpoints(job)).await?;
        let tokens = Arc::new(usage_of(&checkpoints).total_tokens.into());
        checkpoints.retain(|(name, _)| condition(name));
        Ok(Self { checkpoints: Arc::new(checkpoints.into_iter().collect()), tokens })
    }

    pub fn checkpoint(&self, name: &str) -> Option<&Bytes> {
        self.checkpoints.get(name)
    }

    pub fn count(&self, tokens: u64) {
        self.tokens.fetch_add(tokens, Ordering::Relaxed);
    }

    pub fn tokens(&self) -> u64 {
        self.tokens.load(Ordering::Relaxed)
    }
}
