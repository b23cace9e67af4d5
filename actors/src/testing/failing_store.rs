//! A store whose operations fail where a test says so.

use std::sync::Arc;

use async_trait::async_trait;

use super::store_decorator::StoreDecorator;
use crate::ports::{Store, StoreError};

/// Calls `fails` before and after every operation with the point's name, such as `settle.before`. An error before an
/// operation replaces it; an error after it replaces its result.
pub struct FailingStore<F> {
    pub store: Arc<dyn Store>,
    pub fails: F,
}

#[async_trait]
impl<F, R> StoreDecorator for FailingStore<F>
where
    F: Fn(&'static str) -> R + Send + Sync + 'static,
    R: Future<Output = Result<(), StoreError>> + Send + 'static,
{
    fn inner(&self) -> &dyn Store {
        &*self.store
    }

    async fn reached(&self, point: &'static str) -> Result<(), StoreError> {
        (self.fails)(point).await
    }
}
