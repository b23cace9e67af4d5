//! The `Retry-After` header.

use std::time::{Duration, SystemTime};

use http::HeaderMap;
use http::header::{DATE, RETRY_AFTER};
use jiff::Timestamp;

/// The delay that the server requests, in seconds or as a date (RFC 9110, 10.2.3). A date is relative to the server's own
/// `Date` header if there is one, so clock skew has no effect. A past date is zero.
pub fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let raw = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = raw.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let then = httpdate::parse_http_date(raw).ok()?;
    let sent = headers.get(DATE).and_then(|date| httpdate::parse_http_date(date.to_str().ok()?).ok());
    let local = || SystemTime::UNIX_EPOCH + Duration::from_secs(now.as_second().try_into().unwrap_or_default());
    Some(then.duration_since(sent.unwrap_or_else(local)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(pairs: &[(&'static str, &'static str)]) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.insert(*name, value.parse().unwrap());
        }
        retry_after(&headers, "2025-10-21T10:30:00Z".parse().unwrap())
    }

    #[test]
    fn seconds_and_dates_are_parsed() {
        assert_eq!(parsed(&[("retry-after", " 120 ")]), Some(Duration::from_secs(120)));
        assert_eq!(parsed(&[("retry-after", "Tue, 21 Oct 2025 10:30:07 GMT")]), Some(Duration::from_secs(7)));
        assert_eq!(parsed(&[("retry-after", "Tue, 21 Oct 2025 09:00:00 GMT")]), Some(Duration::ZERO));
    }

    #[test]
    fn date_is_relative_to_the_servers_clock() {
        let skewed = [("retry-after", "Tue, 21 Oct 2025 12:00:05 GMT"), ("date", "Tue, 21 Oct 2025 12:00:00 GMT")];
        assert_eq!(parsed(&skewed), Some(Duration::from_secs(5)));
    }

    #[test]
    fn invalid_value_is_ignored() {
        for raw in ["", "soon", "-1", "1.5", "99999999999999999999999", "Tue, 99 Oct 2025 10:30:07 GMT"] {
            assert_eq!(parsed(&[("retry-after", raw)]), None, "{raw}");
        }
        assert_eq!(parsed(&[]), None);
    }
}
