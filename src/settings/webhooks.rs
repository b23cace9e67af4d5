//! Section `webhooks`.

use std::collections::BTreeMap;
use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

use opilio_actors::domain::secret::Secret;
use serde::Deserialize;
use url::Url;

use super::backoff::{check_delays, check_jitter};

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhooks {
    pub enabled: bool,
    pub default_url: Option<Url>,
    pub data_in_payload: bool,
    pub headers: BTreeMap<String, Secret>,
    pub secrets: Vec<Secret>,
    pub max_in_flight: NonZeroUsize,
    pub max_in_flight_per_receiver: NonZeroUsize,
    #[serde(with = "humantime_serde::option")]
    pub lease: Option<Duration>,
    #[serde(with = "humantime_serde")]
    pub keep_exhausted: Duration,
    pub retry: DeliveryRetry,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeliveryRetry {
    pub max_attempts: NonZeroU32,
    #[serde(with = "humantime_serde")]
    pub initial_delay: Duration,
    #[serde(with = "humantime_serde")]
    pub max_delay: Duration,
    #[serde(with = "humantime_serde")]
    pub timeout: Duration,
    pub jitter: f64,
    pub max_interruptions: u32,
    pub retry_statuses: Vec<u16>,
}

impl Webhooks {
    pub fn check(&self) -> Result<(), String> {
        let DeliveryRetry { initial_delay, max_delay, timeout, jitter, .. } = self.retry;
        check_delays("webhooks.retry", initial_delay, max_delay)?;
        check_jitter("webhooks.retry", jitter)?;
        if timeout.is_zero() {
            return Err("webhooks.retry.timeout must be longer than 0s".to_owned());
        }
        if let Some(lease) = self.lease.filter(|lease| *lease <= timeout) {
            return Err(format!(
                "webhooks.lease ({lease:?}) must be longer than webhooks.retry.timeout ({timeout:?}): otherwise an \
                 attempt is repeated while it is in flight"
            ));
        }
        Ok(())
    }
}
