//! Times and errors of SQLite.

use std::time::Duration;

use jiff::Timestamp;
use opilio_actors::ports::StoreError;
use rusqlite::ErrorCode;

pub fn micros(moment: Timestamp) -> i64 {
    moment.as_microsecond()
}

/// `moment + wait`, saturating.
pub fn later(moment: Timestamp, wait: Duration) -> Timestamp {
    moment.saturating_add(wait).unwrap_or(Timestamp::MAX)
}

/// `Damaged` for errors that a retry cannot fix, otherwise `Unavailable`.
pub fn store_error(error: rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::TypeMismatch) | None => {
            StoreError::Damaged(error.to_string())
        }
        Some(_) => StoreError::Unavailable(error.to_string()),
    }
}
