//! How many connections there may be: in all, and of one address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use super::super::access::network;
use super::super::proxies::Proxies;

/// Counts the connections of all workers.
#[derive(Clone)]
pub struct Doors {
    most: usize,
    most_per_address: usize,
    proxies: Proxies,
    inside: Arc<Mutex<Inside>>,
}

#[derive(Default)]
struct Inside {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// The right to a connection, given back when it is dropped.
pub struct Pass {
    address: IpAddr,
    inside: Arc<Mutex<Inside>>,
}

/// The connections of everybody, or of this address, are too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crowded;

impl Doors {
    pub fn new(most: usize, most_per_address: usize, proxies: Proxies) -> Self {
        Self { most, most_per_address, proxies, inside: Arc::default() }
    }

    pub fn enter(&self, address: IpAddr) -> Result<Pass, Crowded> {
        let most_of_address = if self.proxies.has(address) { self.most } else { self.most_per_address };
        let address = network(address);
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        let of_address = inside.by_address.get(&address).copied().unwrap_or_default();
        if inside.all >= self.most || of_address >= most_of_address {
            return Err(Crowded);
        }
        inside.all += 1;
        inside.by_address.insert(address, of_address + 1);
        Ok(Pass { address, inside: Arc::clone(&self.inside) })
    }
}

impl Drop for Pass {
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
        let doors = Doors::new(3, 2, Proxies::default());
        let enter = |last: u8| doors.enter(IpAddr::from([192, 0, 2, last]));
        let (first, second) = (enter(1), enter(1));
        assert!(first.is_ok() && second.is_ok() && enter(1).is_err());
        let third = enter(2);
        assert!(third.is_ok() && enter(3).is_err());
        drop(second);
        assert!(enter(3).is_ok() && enter(1).is_ok());
        drop((first, third));
        assert!(doors.inside.lock().is_ok_and(|inside| inside.all == 0 && inside.by_address.is_empty()));
    }

    #[test]
    fn the_connections_of_a_proxy_are_other_peoples() {
        let doors = Doors::new(3, 1, Proxies::parse(["192.0.2.1"]).expect("an address"));
        let enter = |last: u8| doors.enter(IpAddr::from([192, 0, 2, last]));
        let inside = [enter(1), enter(1), enter(2)];
        assert!(inside.iter().all(Result::is_ok) && enter(1).is_err());
    }
}
