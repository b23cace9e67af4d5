//! The format of times for clients.

use jiff::Timestamp;
use jiff::fmt::temporal::DateTimePrinter;
use jiff::tz::Offset;

const PRINTER: DateTimePrinter = DateTimePrinter::new().precision(Some(6));

/// RFC 3339 in UTC with microseconds: `2025-10-21T10:30:00.000000+00:00`.
pub fn rfc3339(time: Timestamp) -> String {
    PRINTER.timestamp_with_offset_to_string(&time, Offset::UTC)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_has_six_decimals_and_an_offset() {
        let time = Timestamp::from_microsecond(1_761_042_600_000_042).expect("in range");
        assert_eq!(rfc3339(time), "2025-10-21T10:30:00.000042+00:00");
    }
}
