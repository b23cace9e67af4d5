//! What happened to jobs since somebody last looked.

use opilio_actors::domain::id::Principal;
use opilio_actors::ports::{Changes, PageLimit, StoreError};
use rusqlite::{Connection, params};

use super::access::store_error;
use super::row::{self, Column, JOB};

pub fn since(
    connection: &Connection,
    principal: Option<&Principal>,
    after: Option<u64>,
    most: PageLimit,
) -> Result<Changes, StoreError> {
    // One moment for both questions.
    let moment = connection.unchecked_transaction().map_err(store_error)?;
    let last: u64 = moment.query_row("SELECT last FROM change", [], |row| row.get(0)).map_err(store_error)?;
    let Some(after) = after.filter(|after| *after <= last) else { return Ok(Changes { jobs: vec![], up_to: last }) };
    let sql = format!("{JOB} WHERE j.changed > ?1 ORDER BY j.changed LIMIT ?2");
    let mut select = moment.prepare_cached(&sql).map_err(store_error)?;
    let mut rows = select.query(params![after, most.jobs.saturating_add(1)]).map_err(store_error)?;
    let mut changes = Changes { jobs: Vec::new(), up_to: last };
    let (mut looked_at, mut bytes, mut before) = (0, 0, after);
    while let Some(row) = rows.next().map_err(store_error)? {
        let owner: String = row::get(row, Column::Principal)?;
        let own = principal.is_none_or(|principal| principal.as_str() == owner);
        let weight = if own { row::weight(row)? } else { 0 };
        if !most.allows(looked_at, bytes, weight) {
            changes.up_to = before;
            break;
        }
        let number = row::get(row, Column::Changed)?;
        if own {
            match row::stored_job(row) {
                Ok(stored) => changes.jobs.push((number, stored.job)),
                // One that cannot be read hides no other.
                Err(StoreError::Damaged(_)) => {}
                Err(other) => return Err(other),
            }
        }
        (looked_at, bytes, before) = (looked_at + 1, bytes + weight, number);
    }
    Ok(changes)
}
