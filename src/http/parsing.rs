//! Parses request bodies. What contains selectors, patterns or schemas is parsed on a thread for this purpose, because
//! compiling them takes time that neither the HTTP workers nor the actors have.

use std::time::Duration;

use actix_web::web;
use opilio_actors::domain::queue_key::QueueKey;
use serde_json::Value;

use super::api::Api;
use super::caller::Caller;
use super::error::ApiError;
use crate::cpu_pool::PoolError;

/// Time for one request. The budget for compiling ends earlier.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Fields that can contain selectors, patterns or schemas.
const COMPILED_FIELDS: [&str; 5] = ["crawler_config", "crawler_configs", "schema", "hooks", "params"];

/// Calls `parse` with the body. Also returns the body.
///
/// # Errors
/// `Unavailable`; `Internal` if `parse` panics.
pub async fn parse<T: Send + 'static>(
    api: &web::Data<Api>,
    caller: &Caller,
    body: Value,
    parse: impl FnOnce(&Api, &Value) -> T + Send + 'static,
) -> Result<(T, Value), ApiError> {
    if !COMPILED_FIELDS.iter().any(|field| body.get(field).is_some_and(|value| !value.is_null())) {
        return Ok((parse(api, &body), body));
    }
    let queue = QueueKey { principal: caller.principal().clone(), interactive: true };
    let shared = api.clone();
    let work = move || (parse(&shared, &body), body);
    api.parsers.run(&queue, TIMEOUT, work).await.map_err(|error| match error {
        PoolError::TimedOut => ApiError::Unavailable,
        PoolError::Panicked => ApiError::Internal("a request panicked while it was parsed".to_owned()),
    })
}
