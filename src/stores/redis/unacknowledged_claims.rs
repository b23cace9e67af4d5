//! Claims whose response was lost. Redis may have executed them, so the jobs may be leased to this node.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use opilio_actors::domain::kind::JobKind;

/// The names of such claims. Each is kept until its leases have expired: Redis may execute it after a later claim.
#[derive(Debug, Default)]
pub struct UnacknowledgedClaims(Mutex<Vec<UnacknowledgedClaim>>);

#[derive(Debug)]
struct UnacknowledgedClaim {
    name: String,
    kind: JobKind,
    until: Instant,
}

impl UnacknowledgedClaims {
    pub fn add(&self, name: String, kind: JobKind, lease_duration: Duration) {
        let mut claims = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        claims.push(UnacknowledgedClaim { name, kind, until: Instant::now() + lease_duration });
    }

    /// The names of this kind's claims.
    pub fn names(&self, kind: JobKind) -> Vec<String> {
        let mut claims = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        claims.retain(|claim| claim.until > now);
        claims.iter().filter(|claim| claim.kind == kind).map(|claim| claim.name.clone()).collect()
    }
}
