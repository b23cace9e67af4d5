//! Slots that are shared by principal, and within a principal by receiver. A used slot is not taken back, so some always
//! remain free.

use std::collections::HashMap;
use std::hash::Hash;

use crate::domain::id::Principal;

/// `K` is the part of a principal's work that a slot is used for.
pub struct Slots<K> {
    capacity: usize,
    used: usize,
    by_principal: HashMap<Principal, usize>,
    by_part: HashMap<(Principal, K), usize>,
}

impl<K: Clone + Eq + Hash> Slots<K> {
    pub fn new(capacity: usize) -> Self {
        Self { capacity, used: 0, by_principal: HashMap::new(), by_part: HashMap::new() }
    }

    pub fn capacity(&self) -> usize {
        self.capacity
    }

    pub fn is_unused(&self) -> bool {
        self.used == 0
    }

    pub fn used_by(&self, principal: &Principal) -> usize {
        self.by_principal.get(principal).copied().unwrap_or(0)
    }

    fn free(&self) -> usize {
        self.capacity.saturating_sub(self.used)
    }

    /// Whether the principal may use one more slot: only while it uses fewer than are free. So one principal uses at most
    /// half, two use at most three quarters, and another one finds a free slot.
    pub fn allows_principal(&self, principal: &Principal) -> bool {
        self.used_by(principal) < self.free()
    }

    /// Whether this part of the principal may use one more slot: only while it uses fewer than its principal may still
    /// take. So one part uses at most half of the principal's share, and another part finds a free slot.
    pub fn allows(&self, principal: &Principal, part: &K) -> bool {
        let available = self.free().saturating_sub(self.used_by(principal)).div_ceil(2);
        let used = self.by_part.get(&(principal.clone(), part.clone())).copied().unwrap_or(0);
        used < available
    }

    pub fn take(&mut self, principal: &Principal, part: K) {
        self.used += 1;
        *self.by_principal.entry(principal.clone()).or_default() += 1;
        *self.by_part.entry((principal.clone(), part)).or_default() += 1;
    }

    pub fn release(&mut self, principal: &Principal, part: K) {
        self.used = self.used.saturating_sub(1);
        decrement(&mut self.by_principal, principal.clone());
        decrement(&mut self.by_part, (principal.clone(), part));
    }
}

/// Decrements a count, and removes it at zero.
pub fn decrement<K: Eq + Hash>(counts: &mut HashMap<K, usize>, key: K) {
    if let Some(count) = counts.get_mut(&key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes slots for this part until none is allowed. Returns their number.
    fn fill(slots: &mut Slots<&'static str>, principal: &str, part: &'static str) -> usize {
        let principal = Principal::new(principal);
        let mut taken = 0;
        while slots.allows_principal(&principal) && slots.allows(&principal, &part) {
            slots.take(&principal, part);
            taken += 1;
        }
        taken
    }

    #[test]
    fn principal_uses_half_and_each_part_half_of_that() {
        let mut slots = Slots::new(64);
        let parts = ["a", "b", "c", "d", "e", "f"].map(|part| fill(&mut slots, "one", part));
        assert_eq!(parts, [16, 8, 4, 2, 1, 1]);
        assert_eq!(slots.used_by(&Principal::new("one")), 32);
        let others = ["two", "three", "four"].map(|name| fill(&mut slots, name, "a"));
        assert_eq!(others, [8, 6, 5]);
    }

    #[test]
    fn only_slot_is_available() {
        let mut slots = Slots::new(1);
        assert_eq!([fill(&mut slots, "one", "a"), fill(&mut slots, "two", "a")], [1, 0]);
        slots.release(&Principal::new("one"), "a");
        assert_eq!((slots.is_unused(), fill(&mut slots, "two", "a")), (true, 1));
    }
}
