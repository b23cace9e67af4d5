//! Limits the open connections, in total and per client address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use crate::http::middleware::rate_limit::network;
use crate::http::trusted_proxies::TrustedProxies;

/// Counts the connections of all server threads.
#[derive(Clone)]
pub struct ConnectionLimiter {
    max: usize,
    max_per_address: usize,
    proxies: TrustedProxies,
    open: Arc<Mutex<OpenConnections>>,
}

#[derive(Default)]
struct OpenConnections {
    total: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// An open connection, counted until it is dropped.
pub struct ConnectionPermit {
    address: IpAddr,
    open: Arc<Mutex<OpenConnections>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyConnections;

impl ConnectionLimiter {
    pub fn new(max: usize, max_per_address: usize, proxies: TrustedProxies) -> Self {
        Self { max, max_per_address, proxies, open: Arc::default() }
    }

    /// Trusted proxies are not limited by address, because their connections carry the requests of many clients.
    pub fn acquire(&self, address: IpAddr) -> Result<ConnectionPermit, TooManyConnections> {
        let max_of_address = if self.proxies.contains(address) { self.max } else { self.max_per_address };
        let address = network(address);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let of_address = open.by_address.get(&address).copied().unwrap_or_default();
        if open.total >= self.max || of_address >= max_of_address {
            return Err(TooManyConnections);
        }
        open.total += 1;
        open.by_address.insert(address, of_address + 1);
        Ok(ConnectionPermit { address, open: Arc::clone(&self.open) })
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.total -= 1;
        if let Some(of_address) = open.by_address.get_mut(&self.address) {
            *of_address -= 1;
            if *of_address == 0 {
                open.by_address.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_limited_per_address_and_in_total() {
        let limiter = ConnectionLimiter::new(3, 2, TrustedProxies::default());
        let acquire = |last: u8| limiter.acquire(IpAddr::from([192, 0, 2, last]));
        let (first, second) = (acquire(1), acquire(1));
        assert!(first.is_ok() && second.is_ok() && acquire(1).is_err());
        let third = acquire(2);
        assert!(third.is_ok() && acquire(3).is_err());
        drop(second);
        assert!(acquire(3).is_ok() && acquire(1).is_ok());
        drop((first, third));
        assert!(limiter.open.lock().is_ok_and(|open| open.total == 0 && open.by_address.is_empty()));
    }

    #[test]
    fn trusted_proxies_are_not_limited_by_address() {
        let limiter = ConnectionLimiter::new(3, 1, TrustedProxies::parse(["192.0.2.1"]).expect("an address"));
        let acquire = |last: u8| limiter.acquire(IpAddr::from([192, 0, 2, last]));
        let open = [acquire(1), acquire(1), acquire(2)];
        assert!(open.iter().all(Result::is_ok) && acquire(1).is_err());
    }
}
