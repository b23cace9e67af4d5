//! Settings whose zero means unlimited.

use std::time::Duration;

/// `None`: unlimited.
pub fn duration(setting: Duration) -> Option<Duration> {
    (!setting.is_zero()).then_some(setting)
}
