//! How many connections each client has, for servers that bound it.
//!
//! This is the one thing that workers share under a lock, and it is touched when a connection is
//! opened or closed. Not here: the bound on all connections (`shared.rs`).

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};

use crate::peer::PeerAddr;

/// How much of an IPv6 address names a client: a network of that size is what one gets.
const IPV6_PREFIX_BITS: u32 = 64;

/// Counts of connections by client.
#[derive(Debug)]
pub(crate) struct Clients {
    max: usize,
    counts: Mutex<HashMap<Client, usize>>,
}

/// What counts as one client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Client {
    /// An IPv4 address, or an IPv6 network.
    Ip(IpAddr),
    /// A user of this machine; all of them are one where the system does not tell.
    User(Option<u32>),
}

impl Clients {
    pub(crate) fn new(max: usize) -> Self {
        Self { max, counts: Mutex::default() }
    }

    /// Counts a connection, unless its client has as many as are allowed.
    pub(super) fn enter(&self, peer: PeerAddr) -> bool {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(client(peer)).or_insert(0);
        let has_room = *count < self.max;
        if has_room {
            *count += 1;
        }
        has_room
    }

    /// Forgets a connection that was counted.
    pub(super) fn leave(&self, peer: PeerAddr) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Entry::Occupied(mut entry) = counts.entry(client(peer)) {
            *entry.get_mut() -= 1;
            if *entry.get() == 0 {
                entry.remove();
            }
        }
    }
}

/// The client that a peer belongs to.
fn client(peer: PeerAddr) -> Client {
    match peer {
        PeerAddr::Unix(credentials) => Client::User(credentials.map(|peer| peer.uid())),
        PeerAddr::Ip(addr) => match addr.ip().to_canonical() {
            IpAddr::V6(ip) => {
                let network = ip.to_bits() >> (128 - IPV6_PREFIX_BITS) << (128 - IPV6_PREFIX_BITS);
                Client::Ip(Ipv6Addr::from_bits(network).into())
            }
            ip @ IpAddr::V4(_) => Client::Ip(ip),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peer::PeerCredentials;

    fn peer(ip: &str) -> PeerAddr {
        PeerAddr::Ip((ip.parse::<IpAddr>().unwrap(), 80).into())
    }

    #[test]
    fn each_client_has_so_many_and_none_is_remembered_for_ever() {
        let clients = Clients::new(2);
        let [a, b] = ["192.0.2.1", "192.0.2.2"].map(peer);
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
            let [one, other] = [one, other].map(|addr| client(peer(addr)));
            assert_eq!(one == other, is_same, "{one:?} {other:?}");
        }
    }

    #[test]
    fn a_client_on_this_machine_is_a_user() {
        let unix = |pid, uid| client(PeerAddr::Unix(Some(PeerCredentials::new(pid, uid, 0))));
        assert_eq!(unix(1, 7), unix(2, 7));
        assert_ne!(unix(1, 7), unix(1, 8));
        assert_ne!(unix(1, 7), client(PeerAddr::Unix(None)));
    }
}
