//! How many connections one address may hold: whoever opens many must leave some for everybody else.

use ipnet::IpNet;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// How often the log tells of one address that it is turned away.
const REMIND: Duration = Duration::from_mins(1);

/// Everybody who is connected, by address.
#[derive(Debug)]
pub struct Crowd {
    most: usize,
    proxies: Vec<IpNet>,
    people: Mutex<People>,
}

#[derive(Debug, Default)]
struct People {
    held: HashMap<IpAddr, usize>,
    turned_away: HashMap<IpAddr, TurnedAway>,
}

/// Somebody who asked for more than they may have.
#[derive(Debug)]
struct TurnedAway {
    told_at: Instant,
    /// How often since the log told of it.
    untold: usize,
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
            people: Mutex::default(),
        })
    }

    /// Room for a connection of that peer; none when it holds as many as it may.
    pub fn admit(self: &Arc<Self>, peer: IpAddr, now: Instant) -> Option<Place> {
        let peer = peer.to_canonical();
        let address = network(peer);
        let is_proxy = self.proxies.iter().any(|proxy| proxy.contains(&peer));
        let mut people = self.people();
        let held = people.held.entry(address).or_default();
        if *held >= self.most && !is_proxy {
            if let Some(turned_away) = people.turn_away(address, now) {
                tracing::warn!(%address, connections = self.most, turned_away, "this address holds as many connections as one may; more are turned away");
            }
            return None;
        }
        *held += 1;
        Some(Place {
            crowd: Arc::clone(self),
            address,
        })
    }

    fn people(&self) -> MutexGuard<'_, People> {
        self.people.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl People {
    /// How often that address was turned away since the log told of it, where it is to tell again.
    fn turn_away(&mut self, address: IpAddr, now: Instant) -> Option<usize> {
        self.turned_away.retain(|_, one| !one.is_over(now));
        let one = self.turned_away.entry(address);
        let is_news = matches!(one, Entry::Vacant(_));
        let one = one.or_insert(TurnedAway {
            told_at: now,
            untold: 0,
        });
        one.untold += 1;
        if !is_news && now.duration_since(one.told_at) < REMIND {
            return None;
        }
        one.told_at = now;
        Some(std::mem::take(&mut one.untold))
    }
}

impl TurnedAway {
    /// Whether there is nothing left to tell.
    fn is_over(&self, now: Instant) -> bool {
        self.untold == 0 && now.duration_since(self.told_at) >= REMIND
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut people = self.crowd.people();
        let left = people.held.get(&self.address).map_or(0, |held| held - 1);
        if left == 0 {
            people.held.remove(&self.address);
        } else {
            people.held.insert(self.address, left);
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
        let (greedy, now) = (address("192.0.2.1"), Instant::now());
        let first = crowd.admit(greedy, now).unwrap();
        let _second = crowd.admit(greedy, now).unwrap();
        assert!(crowd.admit(greedy, now).is_none());
        assert!(crowd.admit(address("::ffff:192.0.2.1"), now).is_none());
        let other = crowd.admit(address("192.0.2.2"), now);
        assert!(other.is_some());
        drop(first);
        assert!(
            crowd.admit(greedy, now).is_some(),
            "what is given back is free"
        );

        let proxy = address("10.1.2.3");
        let many: Vec<_> = (0..9).map(|_| crowd.admit(proxy, now)).collect();
        assert!(many.iter().all(Option::is_some));
        drop((many, other));
        assert_eq!(crowd.people().held.len(), 1, "nobody else is left");
    }

    #[test]
    fn of_ipv6_a_network_counts_as_one() {
        let (crowd, now) = (Crowd::of(2, Vec::new()), Instant::now());
        let _held = crowd.admit(address("2001:db8::1"), now).unwrap();
        assert!(crowd.admit(address("2001:db8::2"), now).is_none());
        assert!(crowd.admit(address("2001:db8:0:1::1"), now).is_some());
    }

    #[test]
    fn case_53_the_log_tells_of_one_address_once_a_minute_and_how_often_it_was_turned_away() {
        let mut people = People::default();
        let [greedy, other] = ["192.0.2.1", "192.0.2.2"].map(address);
        let begin = Instant::now();
        let after = |seconds| begin + Duration::from_secs(seconds);
        assert_eq!(people.turn_away(greedy, begin), Some(1));
        for _ in 0..300 {
            assert_eq!(people.turn_away(greedy, after(59)), None);
        }
        assert_eq!(people.turn_away(other, after(59)), Some(1));
        assert_eq!(people.turn_away(greedy, after(61)), Some(301));
        assert_eq!(people.turn_away(greedy, after(62)), None);
        // What is left to tell waits for as long as it takes; who has nothing left is forgotten.
        assert_eq!(people.turn_away(other, after(600)), Some(1));
        assert_eq!(people.turned_away.len(), 2);
        assert_eq!(people.turn_away(greedy, after(601)), Some(2));
        assert_eq!(people.turn_away(greedy, after(700)), Some(1));
        assert_eq!(people.turned_away.len(), 1);
    }
}
