//! Claims whose answers did not come: Redis may have made them all the same.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use opilio_actors::domain::kind::JobKind;

/// The names of such claims, as long as what they brought may be leased.
#[derive(Debug, Default)]
pub struct LostClaims(Mutex<Vec<LostClaim>>);

#[derive(Debug)]
struct LostClaim {
    name: String,
    kind: JobKind,
    until: Instant,
}

impl LostClaims {
    pub fn note(&self, name: String, kind: JobKind, hold: Duration) {
        let mut claims = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        claims.push(LostClaim { name, kind, until: Instant::now() + hold });
    }

    /// Also those that were asked about before: a claim may be made after the one that asks about it.
    pub fn of(&self, kind: JobKind) -> Vec<String> {
        let mut claims = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        claims.retain(|claim| claim.until > now);
        claims.iter().filter(|claim| claim.kind == kind).map(|claim| claim.name.clone()).collect()
    }
}
