//! The requests of a session that are not answered yet, limited whether or not the client reads its responses.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rmcp::model::RequestId;

use crate::http::error::ApiError;

/// Limit of requests that are in progress or whose responses are not sent yet.
const MAX_PENDING: usize = 16;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    InProgress,
    Responded,
}

/// By id. Clones share the requests.
#[derive(Clone, Default)]
pub struct PendingRequests(Arc<Mutex<HashMap<RequestId, Stage>>>);

impl PendingRequests {
    /// # Errors
    /// `RateLimited` if too many requests are pending, `BadRequest` if the id is in use.
    pub fn begin(&self, id: &RequestId) -> Result<(), ApiError> {
        let mut pending = self.lock();
        if pending.len() >= MAX_PENDING {
            return Err(ApiError::RateLimited { retry_after: Duration::from_secs(1) });
        }
        match pending.entry(id.clone()) {
            Entry::Occupied(_) => Err(ApiError::BadRequest(format!("a request with the id {id} is in progress"))),
            Entry::Vacant(entry) => {
                entry.insert(Stage::InProgress);
                Ok(())
            }
        }
    }

    /// Drops a request that has no response yet.
    pub fn cancel(&self, id: &RequestId) {
        let mut pending = self.lock();
        if pending.get(id) == Some(&Stage::InProgress) {
            pending.remove(id);
        }
    }

    /// Records that there is a response. Returns whether to send it.
    pub fn respond(&self, id: &RequestId) -> bool {
        let before = self.lock().get_mut(id).map(|stage| std::mem::replace(stage, Stage::Responded));
        before == Some(Stage::InProgress)
    }

    /// Removes a request whose response was sent.
    pub fn finish(&self, id: &RequestId) {
        self.lock().remove(id);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<RequestId, Stage>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: usize) -> RequestId {
        RequestId::Number(i64::try_from(number).expect("small"))
    }

    #[test]
    fn unsent_responses_count_against_the_limit() {
        let pending = PendingRequests::default();
        for number in 0..MAX_PENDING {
            pending.begin(&id(number)).expect("below the limit");
            assert!(pending.respond(&id(number)));
            pending.cancel(&id(number));
        }
        assert!(matches!(pending.begin(&id(MAX_PENDING)), Err(ApiError::RateLimited { .. })));
        pending.finish(&id(0));
        assert!(pending.begin(&id(MAX_PENDING)).is_ok());
    }

    #[test]
    fn ids_are_unique_and_cancelled_requests_get_no_response() {
        let pending = PendingRequests::default();
        pending.begin(&id(1)).expect("below the limit");
        assert!(matches!(pending.begin(&id(1)), Err(ApiError::BadRequest(_))));
        pending.cancel(&id(1));
        assert!(!pending.respond(&id(1)));
        pending.begin(&id(1)).expect("the id is free again");
        assert_eq!([pending.respond(&id(1)), pending.respond(&id(1))], [true, false]);
    }
}
