//! How many connections there may be: in all, and of one address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use crate::http::middleware::rate_limit::network;
use crate::http::trusted_proxies::TrustedProxies;

/// Counts the connections of all workers.
#[derive(Clone)]
pub struct ConnectionLimiter {
    most: usize,
    most_per_address: usize,
    proxies: TrustedProxies,
    inside: Arc<Mutex<Inside>>,
}

#[derive(Default)]
struct Inside {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// The right to a connection, given back when it is dropped.
pub struct ConnectionPermit {
    address: IpAddr,
    inside: Arc<Mutex<Inside>>,
}

/// The connections of everybody, or of this address, are too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyConnections;

impl ConnectionLimiter {
    pub fn new(most: usize, most_per_address: usize, proxies: TrustedProxies) -> Self {
        Self { most, most_per_address, proxies, inside: Arc::default() }
    }

    pub fn acquire(&self, address: IpAddr) -> Result<ConnectionPermit, TooManyConnections> {
        let most_of_address = if self.proxies.contains(address) { self.most } else { self.most_per_address };
        let address = network(address);
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        let of_address = inside.by_address.get(&address).copied().unwrap_or_default();
        if inside.all >= self.most || of_address >= most_of_address {
            return Err(TooManyConnections);
        }
        inside.all += 1;
        inside.by_address.insert(address, of_address + 1);
        Ok(ConnectionPermit { address, inside: Arc::clone(&self.inside) })
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        inside.all -= 1;
        if let Some(of_address) = inside.by_address.get_mut(&self.address) {
            *of_address -= 1;
            if *of_address == 0 {
                inside.by_address.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_by_address_and_in_all_and_given_back() {
        let connection_limiter = ConnectionLimiter::new(3, 2, TrustedProxies::default());
        let acquire = |last: u8| connection_limiter.acquire(IpAddr::from([192, 0, 2, last]));
        let (first, second) = (acquire(1), acquire(1));
        assert!(first.is_ok() && second.is_ok() && acquire(1).is_err());
        let third = acquire(2);
        assert!(third.is_ok() && acquire(3).is_err());
        drop(second);
        assert!(acquire(3).is_ok() && acquire(1).is_ok());
        drop((first, third));
        assert!(connection_limiter.inside.lock().is_ok_and(|inside| inside.all == 0 && inside.by_address.is_empty()));
    }

    #[test]
    fn the_connections_of_a_proxy_are_other_peoples() {
        let connection_limiter =
            ConnectionLimiter::new(3, 1, TrustedProxies::parse(["192.0.2.1"]).expect("an address"));
        let acquire = |last: u8| connection_limiter.acquire(IpAddr::from([192, 0, 2, last]));
        let inside = [acquire(1), acquire(1), acquire(2)];
        assert!(inside.iter().all(Result::is_ok) && acquire(1).is_err());
    }
}
