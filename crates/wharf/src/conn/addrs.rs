//! The two ends of a connection in few bytes, as one that is idle keeps them.
//!
//! Not here: what a request is told ([`Addrs`]).

use std::net::{Ipv6Addr, SocketAddr, SocketAddrV4};

use crate::peer::{PeerAddr, PeerCredentials};
use crate::request::Addrs;

/// Two addresses, in 16 bytes where both are of IPv4 or a Unix socket's.
#[derive(Clone, Debug)]
pub(crate) enum PackedAddrs {
    V4 {
        peer: SocketAddrV4,
        local: SocketAddrV4,
    },
    /// IPv4 on a socket of IPv6 (RFC 4291 section 2.5.5.2).
    Mapped {
        peer: SocketAddrV4,
        local: SocketAddrV4,
    },
    Unix(PeerCredentials),
    /// Two of IPv6 are as large as all else that an idle connection has.
    Other(Box<Addrs>),
}

impl PackedAddrs {
    pub(crate) fn new(addrs: Addrs) -> Self {
        let (peer, local) = match addrs {
            Addrs { peer: PeerAddr::Ip(peer), local: Some(local) } => (peer, local),
            Addrs { peer: PeerAddr::Unix(Some(peer)), local: None } => return Self::Unix(peer),
            Addrs { .. } => return Self::Other(Box::new(addrs)),
        };
        if let (SocketAddr::V4(peer), SocketAddr::V4(local)) = (peer, local) {
            return Self::V4 { peer, local };
        }
        match (unmapped(peer), unmapped(local)) {
            (Some(peer), Some(local)) => Self::Mapped { peer, local },
            _ => Self::Other(Box::new(addrs)),
        }
    }

    pub(crate) fn get(&self) -> Addrs {
        match self {
            Self::V4 { peer, local } => both((*peer).into(), (*local).into()),
            Self::Mapped { peer, local } => both(mapped(*peer), mapped(*local)),
            Self::Unix(peer) => Addrs { peer: PeerAddr::Unix(Some(*peer)), local: None },
            Self::Other(addrs) => **addrs,
        }
    }
}

const fn both(peer: SocketAddr, local: SocketAddr) -> Addrs {
    Addrs { peer: PeerAddr::Ip(peer), local: Some(local) }
}

/// What [`mapped`] makes the same address of, if there is such a thing.
fn unmapped(addr: SocketAddr) -> Option<SocketAddrV4> {
    let SocketAddr::V6(v6) = addr else { return None };
    let v4 = SocketAddrV4::new(v6.ip().to_ipv4_mapped()?, v6.port());
    (mapped(v4) == addr).then_some(v4)
}

fn mapped(v4: SocketAddrV4) -> SocketAddr {
    let ip: Ipv6Addr = v4.ip().to_ipv6_mapped();
    SocketAddr::from((ip, v4.port()))
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddrV6;

    use super::*;

    #[test]
    fn what_is_packed_comes_back_as_it_was() {
        let v4 = SocketAddr::from(([192, 0, 2, 1], 80));
        let v6: SocketAddr = "[2001:db8::1]:65535".parse().unwrap();
        let scoped: SocketAddr =
            SocketAddrV6::new([0xfe80, 0, 0, 0, 0, 0, 0, 1].into(), 1, 2, 3).into();
        let mapped: SocketAddr = "[::ffff:198.51.100.7]:81".parse().unwrap();
        let mapped_with_more: SocketAddr =
            SocketAddrV6::new("::ffff:198.51.100.7".parse().unwrap(), 81, 7, 0).into();
        let addrs = [v4, v6, scoped, mapped, mapped_with_more];
        for peer in addrs {
            for local in addrs {
                let packed = PackedAddrs::new(both(peer, local));
                let is_small = !matches!(packed, PackedAddrs::Other(_));
                assert_eq!(is_small, peer == local && [v4, mapped].contains(&peer));
                let again = packed.get();
                assert_eq!((PeerAddr::Ip(peer), Some(local)), (again.peer, again.local));
            }
        }
    }

    #[test]
    fn a_unix_peer_comes_back_as_it_was() {
        for credentials in [None, Some(PeerCredentials::new(1, 2, 3))] {
            let peer = PeerAddr::Unix(credentials);
            let again = PackedAddrs::new(Addrs { peer, local: None }).get();
            assert_eq!((again.peer, again.local), (peer, None));
        }
    }

    #[test]
    fn they_are_small() {
        assert_eq!(size_of::<PackedAddrs>(), 16);
    }
}
