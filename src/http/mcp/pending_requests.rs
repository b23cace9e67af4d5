//! What a client asked within one session and was not told yet: so much and no more, whether it listens or not.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rmcp::model::RequestId;

use crate::http::error::ApiError;

/// Requests of a session that wait for their answers, or whose answers wait for the client.
const MOST: usize = 16;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    UnderWay,
    Answered,
}

/// By id. Cheap to clone: every clone is the same.
#[derive(Clone, Default)]
pub struct PendingRequests(Arc<Mutex<HashMap<RequestId, Stage>>>);

impl PendingRequests {
    /// # Errors
    /// There are too many, or one with this id.
    pub fn begin(&self, id: &RequestId) -> Result<(), ApiError> {
        let mut asked = self.lock();
        if asked.len() >= MOST {
            return Err(ApiError::RateLimited { retry_after: Duration::from_secs(1) });
        }
        match asked.entry(id.clone()) {
            Entry::Occupied(_) => Err(ApiError::BadRequest(format!("a request with the id {id} is under way"))),
            Entry::Vacant(place) => {
                place.insert(Stage::UnderWay);
                Ok(())
            }
        }
    }

    /// It is not to be answered any more, if it is not yet.
    pub fn take_back(&self, id: &RequestId) {
        let mut asked = self.lock();
        if asked.get(id) == Some(&Stage::UnderWay) {
            asked.remove(id);
        }
    }

    /// There is an answer; whether it is to be told.
    pub fn answer(&self, id: &RequestId) -> bool {
        let before = self.lock().get_mut(id).map(|stage| std::mem::replace(stage, Stage::Answered));
        before == Some(Stage::UnderWay)
    }

    /// The client has its answer.
    pub fn told(&self, id: &RequestId) {
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
    fn answers_that_nobody_hears_leave_no_room_for_further_requests() {
        let asked = PendingRequests::default();
        for number in 0..MOST {
            asked.begin(&id(number)).expect("there is room");
            assert!(asked.answer(&id(number)));
            asked.take_back(&id(number));
        }
        assert!(matches!(asked.begin(&id(MOST)), Err(ApiError::RateLimited { .. })));
        asked.told(&id(0));
        assert!(asked.begin(&id(MOST)).is_ok());
    }

    #[test]
    fn an_id_is_one_request_and_what_is_taken_back_is_not_answered() {
        let asked = PendingRequests::default();
        asked.begin(&id(1)).expect("there is room");
        assert!(matches!(asked.begin(&id(1)), Err(ApiError::BadRequest(_))));
        asked.take_back(&id(1));
        assert!(!asked.answer(&id(1)));
        asked.begin(&id(1)).expect("it is free again");
        assert_eq!([asked.answer(&id(1)), asked.answer(&id(1))], [true, false]);
    }
}
