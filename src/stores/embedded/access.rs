//! Between SQLite's words and the port's.

use std::time::Duration;

use jiff::Timestamp;
use opilio_actors::ports::StoreError;
use rusqlite::ErrorCode;

pub fn micros(moment: Timestamp) -> i64 {
    moment.as_microsecond()
}

/// `moment + wait`, at most the end of time.
pub fn later(moment: Timestamp, wait: Duration) -> Timestamp {
    moment.saturating_add(wait).unwrap_or(Timestamp::MAX)
}

/// What a caller can do about an error of SQLite: try again later, or nothing.
pub fn store_error(error: rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::TypeMismatch) | None => {
            StoreError::Damaged(error.to_string())
        }
        Some(_) => StoreError::Unavailable(error.to_string()),
    }
}
