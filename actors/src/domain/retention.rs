//! The retention of settled jobs.

use std::time::Duration;

use super::delivery::DeliveryState;

/// The operator's settings; `None`: jobs do not expire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    pub settled: Option<Duration>,
    /// For a job whose delivery is exhausted, so that it can be replayed.
    pub exhausted: Option<Duration>,
}

/// The expiry of a settled job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// Its delivery is pending, or jobs do not expire.
    Unbounded,
    /// It expires this long from now.
    For(Duration),
}

impl Retention {
    /// The expiry of a settled job with this delivery state; `None`: it has no webhook.
    pub fn keep(&self, delivery: Option<&DeliveryState>) -> Keep {
        let time = match delivery {
            Some(DeliveryState::Pending { .. }) => return Keep::Unbounded,
            Some(DeliveryState::Exhausted) => self.exhausted,
            None | Some(DeliveryState::Delivered | DeliveryState::Refused) => self.settled,
        };
        time.map_or(Keep::Unbounded, Keep::For)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    #[test]
    fn job_with_pending_delivery_does_not_expire() {
        let retention = Retention { settled: Some(Duration::from_secs(1)), exhausted: Some(Duration::from_secs(9)) };
        assert_eq!(retention.keep(Some(&DeliveryState::Pending { due: Timestamp::UNIX_EPOCH })), Keep::Unbounded);
        assert_eq!(retention.keep(Some(&DeliveryState::Exhausted)), Keep::For(Duration::from_secs(9)));
        assert_eq!(retention.keep(None), Keep::For(Duration::from_secs(1)));
    }
}
