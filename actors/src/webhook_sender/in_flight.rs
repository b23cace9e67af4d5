//! The limits on deliveries in flight: in total and per origin, by the health of their receivers.

use std::collections::HashMap;

use tokio::time::Instant;

use super::receiver_health::Health;
use super::slots::Slots;
use crate::domain::id::Principal;
use crate::domain::webhook::Receiver;

/// A delivery in flight and the slots that it uses.
pub struct InFlight {
    pub principal: Principal,
    pub receiver: Receiver,
    /// Of its receiver, when it was started or since it is slow.
    pub health: Health,
    /// It was started as another attempt than that of a hanging receiver, and turned out to hang.
    pub is_overdue: bool,
    pub since: Instant,
}

/// What a slot is used for: all new receivers together count as one part.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Part {
    New,
    /// An origin, or a receiver of the origin.
    Known(String),
}

/// Slots for receivers that hang, a quarter of all, and for the others.
struct Lanes {
    main: Slots<Part>,
    hanging: Slots<Part>,
    /// Attempts that turned out to hang. They use none of the slots above, so that they delay no retry to a receiver that
    /// hung before.
    overdue: Slots<Part>,
}

impl Lanes {
    fn new(slots: usize) -> Self {
        let hanging = (slots / 4).max(1);
        Self {
            main: Slots::new(slots.saturating_sub(hanging).max(1)),
            hanging: Slots::new(hanging),
            overdue: Slots::new(usize::MAX),
        }
    }

    fn of(&self, health: Health) -> &Slots<Part> {
        if health == Health::Hanging { &self.hanging } else { &self.main }
    }

    fn used_by(&mut self, in_flight: &InFlight) -> &mut Slots<Part> {
        match in_flight.health {
            _ if in_flight.is_overdue => &mut self.overdue,
            Health::Hanging => &mut self.hanging,
            Health::Healthy | Health::New => &mut self.main,
        }
    }

    /// Attempts of the principal that hang.
    fn hanging_of(&self, principal: &Principal) -> usize {
        self.hanging.used_by(principal) + self.overdue.used_by(principal)
    }

    fn is_unused(&self) -> bool {
        self.main.is_unused() && self.hanging.is_unused() && self.overdue.is_unused()
    }

    fn allow_principal(&self, principal: &Principal, health: Health) -> bool {
        let slots = self.of(health);
        match health {
            Health::New => slots.allows(principal, &Part::New),
            _ => slots.allows_principal(principal),
        }
    }
}

pub struct InFlightLimits {
    total: Lanes,
    /// Attempts of one principal that hang, with the first attempts that turned out to.
    max_hanging: usize,
    max_per_origin: usize,
    /// Origins with deliveries in flight.
    origins: HashMap<String, Lanes>,
}

impl InFlightLimits {
    pub fn new(max_total: usize, max_per_origin: usize) -> Self {
        let max_hanging = max_total.saturating_mul(2);
        Self { total: Lanes::new(max_total), max_hanging, max_per_origin, origins: HashMap::new() }
    }

    /// Whether the principal may start a delivery to any receiver of this health.
    pub fn allow_principal(&self, principal: &Principal, health: Health) -> bool {
        // First attempts that turned out to hang no longer use a slot for new receivers: they are limited here.
        let is_flooding = health == Health::New && self.total.hanging_of(principal) >= self.max_hanging;
        !is_flooding && self.total.allow_principal(principal, health)
    }

    /// Whether the principal may start a delivery to any receiver of this origin and health.
    pub fn allow_origin(&self, principal: &Principal, health: Health, origin: &str) -> bool {
        let lanes = self.origins.get(origin);
        // The connections of an origin are limited, also for first attempts that turned out to hang.
        let is_flooded = |lanes: &Lanes| lanes.hanging_of(principal) >= lanes.hanging.capacity();
        self.total.of(health).allows(principal, &part(health, origin))
            && lanes.is_none_or(|lanes| lanes.allow_principal(principal, health))
            && !(health == Health::New && lanes.is_some_and(is_flooded))
    }

    /// Whether the principal may start a delivery to this receiver, if its origin is allowed.
    pub fn allow_receiver(&self, principal: &Principal, health: Health, receiver: &Receiver) -> bool {
        let lanes = self.origins.get(receiver.origin());
        lanes.is_none_or(|lanes| lanes.of(health).allows(principal, &part(health, receiver.as_str())))
    }

    pub fn take(&mut self, in_flight: &InFlight) {
        let InFlight { principal, receiver, health, .. } = in_flight;
        let origin = receiver.origin();
        self.total.used_by(in_flight).take(principal, part(*health, origin));
        let lanes = self.origins.entry(origin.to_owned()).or_insert_with(|| Lanes::new(self.max_per_origin));
        lanes.used_by(in_flight).take(principal, part(*health, receiver.as_str()));
    }

    pub fn release(&mut self, in_flight: &InFlight) {
        let InFlight { principal, receiver, health, .. } = in_flight;
        let origin = receiver.origin();
        self.total.used_by(in_flight).release(principal, part(*health, origin));
        let Some(lanes) = self.origins.get_mut(origin) else { return };
        lanes.used_by(in_flight).release(principal, part(*health, receiver.as_str()));
        if lanes.is_unused() {
            self.origins.remove(origin);
        }
    }
}

fn part(health: Health, name: &str) -> Part {
    if health == Health::New { Part::New } else { Part::Known(name.to_owned()) }
}
