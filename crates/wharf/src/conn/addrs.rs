//! The two ends of a connection in few bytes, as one that is idle keeps them.
//!
//! Not here: what a request is told ([`Addrs`]).

use std::net::{Ipv6Addr, SocketAddr, SocketAddrV4};

use crate::request::Addrs;

/// Two addresses, in 16 bytes where both are of IPv4.
#[derive(Clone, Debug)]
pub(super) enum PackedAddrs {
    V4 {
        peer: SocketAddrV4,
        local: SocketAddrV4,
    },
    /// IPv4 on a socket of IPv6 (RFC 4291 section 2.5.5.2).
    Mapped {
        peer: SocketAddrV4,
        local: SocketAddrV4,
    },
    /// Two of IPv6 are as large as all else that an idle connection has.
    Other(Box<Addrs>),
}

impl PackedAddrs {
    pub(super) fn new(addrs: Addrs) -> Self {
        if let (SocketAddr::V4(peer), SocketAddr::V4(local)) = (addrs.peer, addrs.local) {
            return Self::V4 { peer, local };
        }
        match (unmapped(addrs.peer), unmapped(addrs.local)) {
            (Some(peer), Some(local)) => Self::Mapped { peer, local },
            _ => Self::Other(Box::new(addrs)),
        }
    }

    pub(super) fn get(&self) -> Addrs {
        match self {
            Self::V4 { peer, local } => Addrs { peer: (*peer).into(), local: (*local).into() },
            Self::Mapped { peer, local } => Addrs { peer: mapped(*peer), local: mapped(*local) },
            Self::Other(addrs) => **addrs,
        }
    }
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
                let packed = PackedAddrs::new(Addrs { peer, local });
                let is_small = !matches!(packed, PackedAddrs::Other(_));
                assert_eq!(is_small, peer == local && [v4, mapped].contains(&peer));
                let Addrs { peer: peer_again, local: local_again } = packed.get();
                assert_eq!((peer, local), (peer_again, local_again));
            }
        }
    }

    #[test]
    fn they_are_small() {
        assert_eq!(size_of::<PackedAddrs>(), 16);
    }
}
