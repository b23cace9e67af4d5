//! The query for due deliveries.

use std::time::Duration;

use opilio_actors::domain::delivery::DueDelivery;
use opilio_actors::domain::id::{JobId, Principal};
use opilio_actors::domain::webhook::Receiver;
use opilio_actors::ports::{DueQuery, StoreError};

use super::RedisStore;
use super::row::micros;
use crate::stores::convert::invalid;

pub async fn due(store: &RedisStore, query: DueQuery) -> Result<Vec<DueDelivery>, StoreError> {
    // A due time beyond `max_wait` was written by a clock that has been set back; it counts as `max_wait` ahead.
    let unlimited = query.horizon >= query.max_wait;
    let horizon = if unlimited { String::new() } else { micros(query.horizon).to_string() };
    let found: Vec<[String; 6]> = store
        .run(&store.scripts.due, |call| {
            call.arg(horizon).arg(query.limit).arg(query.limit_per_principal).arg(query.limit_per_receiver);
            call.arg(query.excluded_principals.len());
            for principal in &query.excluded_principals {
                call.arg(principal.as_str());
            }
            for (principal, receiver) in &query.excluded_receivers {
                call.arg(format!("{}\u{1f}{}", principal.as_str(), receiver.as_str()));
            }
        })
        .await?;
    let mut due = Vec::with_capacity(found.len());
    for [job, principal, receiver, version, interruptions, wait] in found {
        let wait = Duration::from_micros(wait.parse().map_err(|_| invalid("delivery time"))?);
        due.push(DueDelivery {
            job: JobId::parse(&job).map_err(|_| invalid("job id"))?,
            principal: Principal::new(principal),
            receiver: Receiver::new(receiver),
            version: version.parse().map_err(|_| invalid("delivery version"))?,
            interruptions: interruptions.parse().map_err(|_| invalid("delivery interruptions"))?,
            wait: wait.min(query.max_wait),
        });
    }
    due.sort_by_key(|due| due.wait);
    due.truncate(query.limit);
    Ok(due)
}
