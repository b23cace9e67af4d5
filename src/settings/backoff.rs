//! Exponential back-off, as several sections configure it.

use std::time::Duration;

use serde::Deserialize;

/// Delays that double from `initial_delay` up to `max_delay`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Backoff {
    #[serde(with = "humantime_serde")]
    pub initial_delay: Duration,
    #[serde(with = "humantime_serde")]
    pub max_delay: Duration,
    pub jitter: f64,
}

impl Backoff {
    /// `section`: the path of the section, such as `jobs.retry`.
    pub fn check(&self, section: &str) -> Result<(), String> {
        check_delays(section, self.initial_delay, self.max_delay)?;
        check_jitter(section, self.jitter)
    }
}

pub fn check_delays(section: &str, initial: Duration, max: Duration) -> Result<(), String> {
    if initial > max {
        return Err(format!(
            "{section}.initial_delay ({initial:?}) must not be longer than {section}.max_delay ({max:?})"
        ));
    }
    Ok(())
}

pub fn check_jitter(section: &str, jitter: f64) -> Result<(), String> {
    if !(0.0..=1.0).contains(&jitter) {
        return Err(format!("{section}.jitter ({jitter}) must be between 0.0 and 1.0"));
    }
    Ok(())
}
