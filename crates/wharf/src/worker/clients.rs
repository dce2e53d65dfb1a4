//! How many connections each client has, for servers that bound it.
//!
//! This is the one thing that workers share under a lock, and it is touched when a connection is
//! opened or closed. Not here: the bound on all connections (`shared.rs`).

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};

/// How much of an IPv6 address names a client: a network of that size is what one gets.
const IPV6_PREFIX_BITS: u32 = 64;

/// Counts of connections by client.
#[derive(Debug)]
pub(crate) struct Clients {
    max: usize,
    counts: Mutex<HashMap<IpAddr, usize>>,
}

impl Clients {
    pub(crate) fn new(max: usize) -> Self {
        Self { max: max.max(1), counts: Mutex::default() }
    }

    /// Counts a connection, unless its client has as many as are allowed.
    pub(super) fn enter(&self, peer: IpAddr) -> bool {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(client(peer)).or_insert(0);
        let has_room = *count < self.max;
        if has_room {
            *count += 1;
        }
        has_room
    }

    /// Forgets a connection that was counted.
    pub(super) fn leave(&self, peer: IpAddr) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Entry::Occupied(mut entry) = counts.entry(client(peer)) {
            *entry.get_mut() -= 1;
            if *entry.get() == 0 {
                entry.remove();
            }
        }
    }
}

/// The client that an address belongs to.
fn client(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(addr) => {
            let network = addr.to_bits() >> (128 - IPV6_PREFIX_BITS) << (128 - IPV6_PREFIX_BITS);
            IpAddr::V6(Ipv6Addr::from_bits(network))
        }
        addr @ IpAddr::V4(_) => addr,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_client_has_so_many_and_none_is_remembered_for_ever() {
        let clients = Clients::new(2);
        let [a, b]: [IpAddr; 2] = ["192.0.2.1", "192.0.2.2"].map(|addr| addr.parse().unwrap());
        assert!(clients.enter(a) && clients.enter(a) && !clients.enter(a));
        assert!(clients.enter(b));
        clients.leave(a);
        assert!(clients.enter(a) && !clients.enter(a));
        for peer in [a, a, b] {
            clients.leave(peer);
        }
        assert!(clients.counts.lock().unwrap().is_empty());
    }

    #[test]
    fn a_client_is_an_address_or_a_network() {
        let rows = [
            ("192.0.2.1", "::ffff:192.0.2.1", true),
            ("192.0.2.1", "192.0.2.2", false),
            ("2001:db8::1", "2001:db8::ffff:1", true),
            ("2001:db8::1", "2001:db8:0:1::1", false),
        ];
        for (one, other, is_same) in rows {
            let [one, other] = [one, other].map(|addr| client(addr.parse().unwrap()));
            assert_eq!(one == other, is_same, "{one} {other}");
        }
    }
}
