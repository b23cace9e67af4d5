//! Numbers of requests by principal and endpoint.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use opilio_actors::domain::id::Principal;
use serde::Serialize;

/// Principals whose requests are counted. Beyond it, the numbers of the principal without recent requests are dropped.
const MAX_PRINCIPALS: usize = 1000;

/// Clones share the numbers.
#[derive(Clone, Default)]
pub struct EndpointStats(Arc<Mutex<Counts>>);

#[derive(Default)]
struct Counts {
    principals: HashMap<Principal, OfPrincipal>,
    requests: u64,
}

#[derive(Default)]
struct OfPrincipal {
    /// The number of the latest request.
    last: u64,
    endpoints: BTreeMap<String, Count>,
}

#[derive(Clone, Copy, Default)]
struct Count {
    requests: u64,
    errors: u64,
    total: Duration,
}

/// The requests for one endpoint, in Crawl4AI's form.
#[derive(Debug, PartialEq, Serialize)]
pub struct Summary {
    count: u64,
    avg_latency_ms: f64,
    success_rate_percent: f64,
    /// Of requests that found an open browser.
    pool_hit_rate_percent: f64,
    errors: u64,
}

impl EndpointStats {
    pub fn record(&self, principal: &Principal, endpoint: &str, duration: Duration, succeeded: bool) {
        let counts = &mut *self.lock();
        counts.requests += 1;
        if !counts.principals.contains_key(principal) {
            counts.make_room();
        }
        let own = counts.principals.entry(principal.clone()).or_default();
        own.last = counts.requests;
        let count = own.endpoints.entry(endpoint.to_owned()).or_default();
        count.requests += 1;
        count.errors += u64::from(!succeeded);
        count.total += duration;
    }

    /// By endpoint, of one principal or of all.
    pub fn seen_by(&self, principal: Option<&Principal>) -> BTreeMap<String, Summary> {
        let counts = self.lock();
        let mut sums = BTreeMap::<String, Count>::new();
        let is_seen = |(other, _): &(&Principal, &OfPrincipal)| principal.is_none_or(|own| own == *other);
        for (endpoint, count) in counts.principals.iter().filter(is_seen).flat_map(|(_, own)| &own.endpoints) {
            let sum = sums.entry(endpoint.clone()).or_default();
            sum.requests += count.requests;
            sum.errors += count.errors;
            sum.total += count.total;
        }
        sums.into_iter().map(|(endpoint, count)| (endpoint, count.summary())).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    fn make_room(&mut self) {
        if self.principals.len() >= MAX_PRINCIPALS
            && let Some(oldest) = self.principals.iter().min_by_key(|(_, own)| own.last).map(|(name, _)| name.clone())
        {
            self.principals.remove(&oldest);
        }
    }
}

impl Count {
    #[allow(clippy::cast_precision_loss, reason = "far fewer requests than a float can count")]
    fn summary(self) -> Summary {
        let (requests, succeeded) = (self.requests.max(1) as f64, (self.requests - self.errors) as f64);
        let tenths = |number: f64| (number * 10.0).round() / 10.0;
        Summary {
            count: self.requests,
            avg_latency_ms: tenths(self.total.as_secs_f64() * 1000.0 / requests),
            success_rate_percent: tenths(100.0 * succeeded / requests),
            pool_hit_rate_percent: 0.0,
            errors: self.errors,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn principal_sees_its_own_requests() {
        let (stats, [ann, bob]) = (EndpointStats::default(), ["ann", "bob"].map(Principal::new));
        let ms = Duration::from_millis;
        stats.record(&ann, "/crawl", ms(100), true);
        stats.record(&ann, "/crawl", ms(200), false);
        stats.record(&ann, "/md", ms(10), true);
        stats.record(&bob, "/crawl", ms(600), true);
        let crawl = |principal| stats.seen_by(principal).remove("/crawl").expect("it was requested");
        let own = crawl(Some(&ann));
        assert_eq!((own.count, own.avg_latency_ms, own.success_rate_percent, own.errors), (2, 150.0, 50.0, 1));
        let all = crawl(None);
        assert_eq!((all.count, all.avg_latency_ms, all.success_rate_percent, all.errors), (3, 300.0, 66.7, 1));
        assert_eq!(stats.seen_by(Some(&bob)).len(), 1);
    }

    #[test]
    fn number_of_principals_is_bounded() {
        let (stats, first) = (EndpointStats::default(), Principal::new("first"));
        for number in 0..MAX_PRINCIPALS {
            stats.record(&Principal::new(format!("p{number}")), "/md", Duration::ZERO, true);
            stats.record(&first, "/md", Duration::ZERO, true);
        }
        assert_eq!(stats.lock().principals.len(), MAX_PRINCIPALS);
        assert_eq!(stats.seen_by(Some(&first))["/md"].count, MAX_PRINCIPALS as u64);
        assert!(stats.seen_by(Some(&Principal::new("p0"))).is_empty());
    }
}
