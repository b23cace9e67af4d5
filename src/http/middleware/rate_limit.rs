//! How often somebody may ask: by address, by principal, and of the endpoints whose caller waits.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, DefaultKeyedRateLimiter, Quota, RateLimiter};
use opilio_actors::domain::id::Principal;

/// So many requests in so long a time: all at once, if they like, and then as they come in again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    pub requests: NonZeroU32,
    pub per: Duration,
}

impl Rate {
    fn quota(self) -> Option<Quota> {
        Some(Quota::with_period(self.per / self.requests.get())?.allow_burst(self.requests))
    }
}

/// `None`: no bound.
#[derive(Clone, Debug, Default)]
pub struct RateSettings {
    pub per_address: Option<Rate>,
    pub per_principal: Option<Rate>,
    /// Of the endpoints whose caller waits, by address, as the peer's server has it.
    pub synchronous: Option<Rate>,
}

/// Asked for too often; when there is room again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimited {
    pub retry_after: Duration,
}

pub struct RateLimits {
    addresses: Option<Keyed<IpAddr>>,
    principals: Option<Keyed<Principal>>,
    /// Principals with a rate of their own.
    own: HashMap<Principal, DefaultDirectRateLimiter>,
    synchronous: Option<Keyed<IpAddr>>,
}

impl RateLimits {
    pub fn new(settings: &RateSettings, own: impl IntoIterator<Item = (Principal, Rate)>) -> Self {
        let own = own.into_iter().filter_map(|(principal, rate)| Some((principal, RateLimiter::direct(rate.quota()?))));
        Self {
            addresses: Keyed::new(settings.per_address),
            principals: Keyed::new(settings.per_principal),
            own: own.collect(),
            synchronous: Keyed::new(settings.synchronous),
        }
    }

    /// Of everything that comes from `address`, whoever it is.
    pub fn address(&self, address: IpAddr) -> Result<(), RateLimited> {
        self.addresses.as_ref().map_or(Ok(()), |limiter| limiter.check(&network(address)))
    }

    /// Of an endpoint whose caller waits.
    pub fn synchronous(&self, address: IpAddr) -> Result<(), RateLimited> {
        self.synchronous.as_ref().map_or(Ok(()), |limiter| limiter.check(&network(address)))
    }

    pub fn principal(&self, principal: &Principal) -> Result<(), RateLimited> {
        match self.own.get(principal) {
            Some(own) => own
                .check()
                .map_err(|until| RateLimited { retry_after: until.wait_time_from(DefaultClock::default().now()) }),
            None => self.principals.as_ref().map_or(Ok(()), |limiter| limiter.check(principal)),
        }
    }
}

struct Keyed<K: Clone + Hash + Eq> {
    limiter: DefaultKeyedRateLimiter<K>,
    clock: DefaultClock,
    checks: AtomicU32,
}

impl<K: Clone + Hash + Eq> Keyed<K> {
    /// Checks after which those who have been quiet are forgotten.
    const TIDY: u32 = 4096;

    fn new(rate: Option<Rate>) -> Option<Self> {
        let limiter = RateLimiter::keyed(rate?.quota()?);
        Some(Self { limiter, clock: DefaultClock::default(), checks: AtomicU32::new(0) })
    }

    fn check(&self, key: &K) -> Result<(), RateLimited> {
        if self.checks.fetch_add(1, Ordering::Relaxed) % Self::TIDY == Self::TIDY - 1 {
            self.limiter.retain_recent();
            self.limiter.shrink_to_fit();
        }
        self.limiter.check_key(key).map_err(|until| RateLimited { retry_after: until.wait_time_from(self.clock.now()) })
    }
}

/// Who has one address of an IPv6 network has them all.
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(requests: u32) -> Option<Rate> {
        Some(Rate { requests: NonZeroU32::new(requests)?, per: Duration::from_secs(3600) })
    }

    #[test]
    fn each_address_has_its_own_rate_and_a_network_one() {
        let rates = RateLimits::new(&RateSettings { per_address: rate(2), ..RateSettings::default() }, []);
        let ask = |text: &str| rates.address(text.parse().expect("an address")).is_ok();
        assert_eq!([ask("192.0.2.1"), ask("192.0.2.1"), ask("192.0.2.1"), ask("192.0.2.2")], [true, true, false, true]);
        assert_eq!([ask("::ffff:192.0.2.2"), ask("::ffff:192.0.2.2")], [true, false]);
        assert_eq!(
            [ask("2001:db8::1"), ask("2001:db8::2"), ask("2001:db8::3"), ask("2001:db8:1::")],
            [true, true, false, true]
        );
    }

    #[test]
    fn a_principal_may_have_a_rate_of_its_own() {
        let [ann, bob] = ["ann", "bob"].map(Principal::new);
        let own = rate(1).map(|rate| (ann.clone(), rate));
        let rates = RateLimits::new(&RateSettings { per_principal: rate(2), ..RateSettings::default() }, own);
        let count = |principal| (0..5).filter(|_| rates.principal(principal).is_ok()).count();
        assert_eq!([count(&ann), count(&bob)], [1, 2]);
    }

    #[test]
    fn who_is_too_often_learns_how_long_to_wait() {
        let rates = RateLimits::new(&RateSettings { synchronous: rate(1), ..RateSettings::default() }, []);
        let address = IpAddr::from([192, 0, 2, 1]);
        assert_eq!(rates.synchronous(address), Ok(()));
        let retry_after = rates
            .synchronous(address)
            .map_err(|RateLimited { retry_after }| retry_after)
            .expect_err("it was asked just now");
        assert!(retry_after > Duration::from_secs(3000) && retry_after <= Duration::from_secs(3600), "{retry_after:?}");
    }
}
