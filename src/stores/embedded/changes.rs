//! Jobs that changed after a given change number.

use opilio_actors::domain::id::Principal;
use opilio_actors::ports::{Changes, PageLimit, StoreError};
use rusqlite::{Connection, params};

use super::convert::store_error;
use super::row::{self, Column, JOB};

pub fn since(
    connection: &Connection,
    principal: Option<&Principal>,
    after: Option<u64>,
    limit: PageLimit,
) -> Result<Changes, StoreError> {
    // Both queries read the same snapshot.
    let snapshot = connection.unchecked_transaction().map_err(store_error)?;
    let last: u64 = snapshot.query_row("SELECT number FROM last_change", [], |row| row.get(0)).map_err(store_error)?;
    let Some(after) = after.filter(|after| *after <= last) else { return Ok(Changes { jobs: vec![], up_to: last }) };
    let sql = format!("{JOB} WHERE j.change_number > ?1 ORDER BY j.change_number LIMIT ?2");
    let mut select = snapshot.prepare_cached(&sql).map_err(store_error)?;
    let mut rows = select.query(params![after, limit.jobs.saturating_add(1)]).map_err(store_error)?;
    let mut changes = Changes { jobs: Vec::new(), up_to: last };
    let (mut examined, mut bytes, mut previous) = (0, 0, after);
    while let Some(row) = rows.next().map_err(store_error)? {
        let owner: String = row::get(row, Column::Principal)?;
        let visible = principal.is_none_or(|principal| principal.as_str() == owner);
        let size = if visible { row::request_size(row)? } else { 0 };
        if !limit.allows(examined, bytes, size) {
            changes.up_to = previous;
            break;
        }
        let number = row::get(row, Column::ChangeNumber)?;
        if visible {
            match row::stored_job(row) {
                Ok(stored) => changes.jobs.push((number, stored.job)),
                // An unreadable job does not hide the others.
                Err(StoreError::Damaged(_)) => {}
                Err(other) => return Err(other),
            }
        }
        (examined, bytes, previous) = (examined + 1, bytes + size, number);
    }
    Ok(changes)
}
