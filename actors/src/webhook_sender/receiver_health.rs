//! How receivers responded last time, by principal: one principal's deliveries do not affect another's.

use std::collections::HashMap;
use std::time::Duration;

use crate::domain::id::Principal;
use crate::domain::webhook::Receiver;

/// A receiver that takes longer counts as hanging.
pub const SLOW: Duration = Duration::from_secs(5);

/// A first attempt that takes longer gives its slot to another new receiver, so that this one also starts within [`SLOW`].
const FIRST_ATTEMPT: Duration = Duration::from_secs(2);

/// The receivers of one principal that are remembered.
const MAX_RECEIVERS: usize = 10_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Health {
    /// It responded in time.
    Healthy,
    /// There is no history.
    New,
    /// It responded late, or not at all.
    Hanging,
}

impl Health {
    /// The time after which an attempt gives its slot to another receiver and counts as one that hangs.
    pub fn patience(self) -> Duration {
        match self {
            Self::New => FIRST_ATTEMPT,
            Self::Healthy | Self::Hanging => SLOW,
        }
    }

    /// In the order in which deliveries are started.
    pub const ALL: [Self; 3] = [Self::Healthy, Self::New, Self::Hanging];
}

#[derive(Default)]
pub struct ReceiverHealth {
    principals: HashMap<Principal, Receivers>,
}

#[derive(Default)]
struct Receivers {
    /// Each with the number of its last response.
    known: HashMap<Receiver, (Health, u64)>,
    responses: u64,
}

impl ReceiverHealth {
    pub fn of(&self, principal: &Principal, receiver: &Receiver) -> Health {
        let known = self.principals.get(principal).and_then(|receivers| receivers.known.get(receiver));
        known.map_or(Health::New, |(health, _)| *health)
    }

    pub fn set(&mut self, principal: &Principal, receiver: &Receiver, health: Health) {
        let receivers = self.principals.entry(principal.clone()).or_default();
        receivers.responses += 1;
        receivers.known.insert(receiver.clone(), (health, receivers.responses));
        if receivers.known.len() > MAX_RECEIVERS {
            receivers.forget_oldest_half();
        }
    }
}

impl Receivers {
    fn forget_oldest_half(&mut self) {
        let mut ages: Vec<u64> = self.known.values().map(|(_, age)| *age).collect();
        let middle = ages.len() / 2;
        let (_, median, _) = ages.select_nth_unstable(middle);
        let median = *median;
        self.known.retain(|_, (_, age)| *age >= median);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn number_of_remembered_receivers_is_bounded() {
        let (mut health, principal) = (ReceiverHealth::default(), Principal::new("a"));
        let receiver = |n: usize| Receiver::new(format!("http://{n}.example"));
        for n in 0..=MAX_RECEIVERS {
            health.set(&principal, &receiver(n), Health::Hanging);
        }
        assert_eq!(health.of(&principal, &receiver(0)), Health::New, "the oldest is forgotten");
        assert_eq!(health.of(&principal, &receiver(MAX_RECEIVERS)), Health::Hanging);
        assert_eq!(health.of(&Principal::new("b"), &receiver(MAX_RECEIVERS)), Health::New, "another principal");
    }
}
