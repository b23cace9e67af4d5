//! What happened to jobs since somebody last looked.

use opilio_actors::domain::id::Principal;
use opilio_actors::ports::{Changes, StoreError};
use rusqlite::{Connection, params};

use super::access::store_error;
use super::row::{self, JOB};

pub fn since(
    connection: &Connection,
    principal: Option<&Principal>,
    after: Option<u64>,
    most: usize,
) -> Result<Changes, StoreError> {
    // One moment for both questions.
    let moment = connection.unchecked_transaction().map_err(store_error)?;
    let last: u64 = moment.query_row("SELECT last FROM change", [], |row| row.get(0)).map_err(store_error)?;
    let Some(after) = after.filter(|after| *after <= last) else { return Ok(Changes { jobs: vec![], upto: last }) };
    let sql = format!("{JOB} WHERE j.changed > ?1 ORDER BY j.changed LIMIT ?2");
    let mut select = moment.prepare_cached(&sql).map_err(store_error)?;
    let mut rows = select.query(params![after, most]).map_err(store_error)?;
    let (mut jobs, mut seen, mut upto) = (Vec::new(), 0, last);
    while let Some(row) = rows.next().map_err(store_error)? {
        let number: u64 = row.get("changed").map_err(store_error)?;
        seen += 1;
        if seen == most {
            upto = number;
        }
        let owner: String = row.get("principal").map_err(store_error)?;
        if principal.is_none_or(|principal| principal.as_str() == owner) {
            match row::stored_job(row) {
                Ok(stored) => jobs.push((number, stored.job)),
                // One that cannot be read hides no other.
                Err(StoreError::Damaged(_)) => {}
                Err(other) => return Err(other),
            }
        }
    }
    Ok(Changes { jobs, upto })
}
