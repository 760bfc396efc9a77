//! How many connections one address may hold: whoever opens many must leave some for everybody else.

use ipnet::IpNet;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

/// Everybody who is connected, by address.
#[derive(Debug)]
pub struct Crowd {
    most: usize,
    proxies: Vec<IpNet>,
    held: Mutex<HashMap<IpAddr, usize>>,
}

/// Room for one connection; given back when it is dropped.
#[derive(Debug)]
pub struct Place {
    crowd: Arc<Crowd>,
    address: IpAddr,
}

impl Crowd {
    /// Of that many connections in all one address may hold half. Trusted proxies may hold any number: theirs are many
    /// people's.
    pub fn of(all: usize, proxies: Vec<IpNet>) -> Arc<Self> {
        Arc::new(Self {
            most: (all / 2).max(1),
            proxies,
            held: Mutex::default(),
        })
    }

    /// Room for a connection of that peer; none when it holds as many as it may.
    pub fn admit(self: &Arc<Self>, peer: IpAddr) -> Option<Place> {
        let peer = peer.to_canonical();
        let address = network(peer);
        let is_proxy = self.proxies.iter().any(|proxy| proxy.contains(&peer));
        let mut all = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let held = all.entry(address).or_default();
        if *held >= self.most && !is_proxy {
            return None;
        }
        *held += 1;
        if *held == self.most && !is_proxy {
            tracing::warn!(%address, connections = self.most, "this address holds as many connections as one may");
        }
        Some(Place {
            crowd: Arc::clone(self),
            address,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let held = &self.crowd.held;
        let mut all = held.lock().unwrap_or_else(PoisonError::into_inner);
        let left = all.get(&self.address).map_or(0, |held| held - 1);
        if left == 0 {
            all.remove(&self.address);
        } else {
            all.insert(self.address, left);
        }
    }
}

/// Of IPv6 one customer has a whole network.
fn network(peer: IpAddr) -> IpAddr {
    match peer {
        IpAddr::V4(_) => peer,
        IpAddr::V6(address) => {
            let network = address.to_bits() & !u128::from(u64::MAX);
            IpAddr::V6(Ipv6Addr::from_bits(network))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn case_53_one_address_leaves_half_of_the_connections_to_others() {
        let crowd = Crowd::of(4, vec!["10.0.0.0/8".parse().unwrap()]);
        let greedy = address("192.0.2.1");
        let first = crowd.admit(greedy).unwrap();
        let _second = crowd.admit(greedy).unwrap();
        assert!(crowd.admit(greedy).is_none());
        assert!(crowd.admit(address("::ffff:192.0.2.1")).is_none());
        let other = crowd.admit(address("192.0.2.2"));
        assert!(other.is_some());
        drop(first);
        assert!(crowd.admit(greedy).is_some(), "what is given back is free");

        let proxy = address("10.1.2.3");
        let many: Vec<_> = (0..9).map(|_| crowd.admit(proxy)).collect();
        assert!(many.iter().all(Option::is_some));
        drop((many, other));
        assert_eq!(crowd.held.lock().unwrap().len(), 1, "nobody else is left");
    }

    #[test]
    fn of_ipv6_a_network_counts_as_one() {
        let crowd = Crowd::of(2, Vec::new());
        let _held = crowd.admit(address("2001:db8::1")).unwrap();
        assert!(crowd.admit(address("2001:db8::2")).is_none());
        assert!(crowd.admit(address("2001:db8:0:1::1")).is_some());
    }
}
