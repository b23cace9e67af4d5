//! Rate limits by address, by principal, and for synchronous requests.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, DefaultKeyedRateLimiter, Quota, RateLimiter};
use opilio_actors::domain::id::Principal;

use crate::http::error::ApiError;

/// Number of requests per period. A client can use them in one burst; each is available again after its share of the period.
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

/// `None`: no limit.
#[derive(Clone, Debug, Default)]
pub struct RateSettings {
    pub per_address: Option<Rate>,
    pub per_principal: Option<Rate>,
    /// Of synchronous requests, by address, as in Crawl4AI.
    pub synchronous: Option<Rate>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimited {
    pub retry_after: Duration,
}

impl From<RateLimited> for ApiError {
    fn from(RateLimited { retry_after }: RateLimited) -> Self {
        Self::RateLimited { retry_after }
    }
}

pub struct RateLimits {
    addresses: Option<Keyed<IpAddr>>,
    principals: Option<Keyed<Principal>>,
    /// Principals with a limit of their own.
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

    /// Counts any request from `address`.
    pub fn address(&self, address: IpAddr) -> Result<(), RateLimited> {
        self.addresses.as_ref().map_or(Ok(()), |limiter| limiter.check(&network(address)))
    }

    /// Counts a synchronous request from `address`.
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
    /// Number of checks after which keys without recent requests are removed.
    const CLEANUP: u32 = 4096;

    fn new(rate: Option<Rate>) -> Option<Self> {
        let limiter = RateLimiter::keyed(rate?.quota()?);
        Some(Self { limiter, clock: DefaultClock::default(), checks: AtomicU32::new(0) })
    }

    fn check(&self, key: &K) -> Result<(), RateLimited> {
        if self.checks.fetch_add(1, Ordering::Relaxed) % Self::CLEANUP == Self::CLEANUP - 1 {
            self.limiter.retain_recent();
            self.limiter.shrink_to_fit();
        }
        self.limiter.check_key(key).map_err(|until| RateLimited { retry_after: until.wait_time_from(self.clock.now()) })
    }
}

/// The network of an address: a client with one IPv6 address has the whole /64.
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
    fn addresses_of_one_network_share_a_limit() {
        let limits = RateLimits::new(&RateSettings { per_address: rate(2), ..RateSettings::default() }, []);
        let allowed = |text: &str| limits.address(text.parse().expect("an address")).is_ok();
        assert_eq!(
            [allowed("192.0.2.1"), allowed("192.0.2.1"), allowed("192.0.2.1"), allowed("192.0.2.2")],
            [true, true, false, true]
        );
        assert_eq!([allowed("::ffff:192.0.2.2"), allowed("::ffff:192.0.2.2")], [true, false]);
        assert_eq!(
            [allowed("2001:db8::1"), allowed("2001:db8::2"), allowed("2001:db8::3"), allowed("2001:db8:1::")],
            [true, true, false, true]
        );
    }

    #[test]
    fn principal_can_have_its_own_limit() {
        let [ann, bob] = ["ann", "bob"].map(Principal::new);
        let own = rate(1).map(|rate| (ann.clone(), rate));
        let limits = RateLimits::new(&RateSettings { per_principal: rate(2), ..RateSettings::default() }, own);
        let count = |principal| (0..5).filter(|_| limits.principal(principal).is_ok()).count();
        assert_eq!([count(&ann), count(&bob)], [1, 2]);
    }

    #[test]
    fn limited_request_learns_when_to_retry() {
        let limits = RateLimits::new(&RateSettings { synchronous: rate(1), ..RateSettings::default() }, []);
        let address = IpAddr::from([192, 0, 2, 1]);
        assert_eq!(limits.synchronous(address), Ok(()));
        let retry_after = limits
            .synchronous(address)
            .map_err(|RateLimited { retry_after }| retry_after)
            .expect_err("the limit is reached");
        assert!(retry_after > Duration::from_secs(3000) && retry_after <= Duration::from_secs(3600), "{retry_after:?}");
    }
}
