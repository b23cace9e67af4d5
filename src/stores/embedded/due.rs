//! The query for due deliveries.

use std::collections::HashSet;
use std::time::Duration;

use jiff::Timestamp;
use opilio_actors::domain::delivery::DueDelivery;
use opilio_actors::domain::id::{JobId, Principal};
use opilio_actors::domain::webhook::Receiver;
use opilio_actors::ports::{DueQuery, StoreError};
use rusqlite::{Connection, OptionalExtension, params};

use super::convert::{later, micros, store_error};
use super::row;
use crate::stores::convert::invalid;

/// Seeks from receiver to receiver in the index, so that the cost does not grow with one receiver's backlog.
pub fn due(connection: &Connection, now: Timestamp, query: &DueQuery) -> Result<Vec<DueDelivery>, StoreError> {
    let mut next_principal = connection
        .prepare_cached(
            "SELECT principal FROM deliveries WHERE state = 'pending' AND lease_until IS NULL AND principal > ?1 \
             ORDER BY principal LIMIT 1",
        )
        .map_err(store_error)?;
    let (mut found, mut last) = (Vec::new(), String::new());
    while let Some(principal) =
        next_principal.query_row([&last], |row| row.get::<_, String>(0)).optional().map_err(store_error)?
    {
        last.clone_from(&principal);
        let principal = Principal::new(principal);
        if !query.excluded_principals.contains(&principal) {
            let mut own = due_of(connection, now, query, &principal)?;
            own.sort_by_key(|due| due.wait);
            own.truncate(query.limit_per_principal);
            found.append(&mut own);
        }
    }
    found.sort_by_key(|due| due.wait);
    found.truncate(query.limit);
    Ok(found)
}

fn due_of(
    connection: &Connection,
    now: Timestamp,
    query: &DueQuery,
    principal: &Principal,
) -> Result<Vec<DueDelivery>, StoreError> {
    let excluded = query.excluded_receivers.iter().filter(|(excluded, _)| excluded == principal);
    let excluded: HashSet<&Receiver> = excluded.map(|(_, receiver)| receiver).collect();
    let mut next_receiver = connection
        .prepare_cached(
            "SELECT receiver FROM deliveries WHERE state = 'pending' AND lease_until IS NULL AND principal = ?1 \
             AND receiver > ?2 ORDER BY receiver LIMIT 1",
        )
        .map_err(store_error)?;
    let (mut found, mut last) = (Vec::new(), String::new());
    while let Some(receiver) = next_receiver
        .query_row([principal.as_str(), &last], |row| row.get::<_, String>(0))
        .optional()
        .map_err(store_error)?
    {
        last.clone_from(&receiver);
        let receiver = Receiver::new(receiver);
        if !excluded.contains(&receiver) {
            add_earliest(connection, now, query, (principal, &receiver), &mut found)?;
        }
    }
    Ok(found)
}

fn add_earliest(
    connection: &Connection,
    now: Timestamp,
    query: &DueQuery,
    (principal, receiver): (&Principal, &Receiver),
    found: &mut Vec<DueDelivery>,
) -> Result<(), StoreError> {
    let mut select = connection
        .prepare_cached(
            "SELECT j.id, d.version, d.due, d.interruptions FROM deliveries d JOIN jobs j ON j.seq = d.job \
             WHERE d.state = 'pending' AND d.lease_until IS NULL AND d.principal = ?1 AND d.receiver = ?2 AND d.due <= ?3 \
             ORDER BY d.due LIMIT ?4",
        )
        .map_err(store_error)?;
    // A due time beyond `max_wait` was written by a clock that has been set back; it counts as `max_wait` ahead.
    let until = if query.horizon >= query.max_wait { Timestamp::MAX } else { later(now, query.horizon) };
    let limit = query.limit_per_receiver;
    let mut rows =
        select.query(params![principal.as_str(), receiver.as_str(), micros(until), limit]).map_err(store_error)?;
    while let Some(row) = rows.next().map_err(store_error)? {
        let id: String = row.get(0).map_err(store_error)?;
        let due = row::moment(row, "due")?.ok_or_else(|| invalid("delivery time"))?;
        let wait = Duration::try_from(due.duration_since(now)).unwrap_or_default();
        found.push(DueDelivery {
            job: JobId::parse(&id).map_err(|_| invalid("job id"))?,
            principal: principal.clone(),
            receiver: receiver.clone(),
            version: row.get(1).map_err(store_error)?,
            interruptions: row.get(3).map_err(store_error)?,
            wait: wait.min(query.max_wait),
        });
    }
    Ok(())
}
