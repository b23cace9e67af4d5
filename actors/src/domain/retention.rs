//! How long a settled job is kept.

use std::time::Duration;

use super::delivery::DeliveryState;

/// The operator's choice; `None` keeps for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    pub settled: Option<Duration>,
    /// For a job whose webhook was given up: somebody may want to replay it.
    pub exhausted: Option<Duration>,
}

/// What to do with a settled job's expiry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// Its webhook is still to be delivered, or it is kept for ever.
    Unbounded,
    /// From now on.
    For(Duration),
}

impl Retention {
    /// For a job that is settled and whose webhook, if it has one, stands at `delivery`.
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
    fn a_job_still_to_be_delivered_does_not_expire() {
        let retention = Retention { settled: Some(Duration::from_secs(1)), exhausted: Some(Duration::from_secs(9)) };
        assert_eq!(retention.keep(Some(&DeliveryState::Pending { due: Timestamp::UNIX_EPOCH })), Keep::Unbounded);
        assert_eq!(retention.keep(Some(&DeliveryState::Exhausted)), Keep::For(Duration::from_secs(9)));
        assert_eq!(retention.keep(None), Keep::For(Duration::from_secs(1)));
    }
}
