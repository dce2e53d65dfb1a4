//! [`ListenAddr`]: an address to listen on, as people write it.
//!
//! Not here: binding, which is the library's, and where names are resolved.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::str::FromStr;
use std::vec;

/// What is listened on unless the user says otherwise: this machine alone can connect.
pub(crate) const DEFAULT: &str = "127.0.0.1:8080";

/// An address to listen on: `127.0.0.1:8080`, `[::1]:8080`, `localhost:8080`, `:8080`, or `8080`.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct ListenAddr {
    /// As the user wrote it, for messages.
    text: String,
    host: Host,
    port: u16,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Host {
    /// Every address of the machine.
    All,
    Ip(IpAddr),
    Name(String),
}

/// What is wrong with the text of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Malformed {
    BareIpv6,
    Ipv6,
    NoPort,
    Port,
    Url,
}

impl FromStr for ListenAddr {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        if text.contains('/') {
            return Err(Malformed::Url);
        }
        if text.parse::<Ipv6Addr>().is_ok() {
            return Err(Malformed::BareIpv6);
        }
        let (host, port) = match text.rsplit_once(':') {
            _ if text.ends_with(']') => return Err(Malformed::NoPort),
            Some((host, port)) => (host_of(host)?, port),
            None if is_number(text) => (Host::Ip(Ipv4Addr::LOCALHOST.into()), text),
            None => return Err(Malformed::NoPort),
        };
        // A sign would be taken for a part of the number.
        let port = Some(port).filter(|port| is_number(port)).ok_or(Malformed::Port)?;
        let port = port.parse().map_err(|_| Malformed::Port)?;
        Ok(Self { text: text.to_owned(), host, port })
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn host_of(text: &str) -> Result<Host, Malformed> {
    if text.is_empty() {
        return Ok(Host::All);
    }
    if let Some(text) = text.strip_prefix('[') {
        let inner = text.strip_suffix(']').ok_or(Malformed::Ipv6)?;
        let ip: Ipv6Addr = inner.parse().map_err(|_| Malformed::Ipv6)?;
        return Ok(Host::Ip(ip.into()));
    }
    if text.contains(':') {
        return Err(Malformed::BareIpv6);
    }
    Ok(text
        .parse()
        .map_or_else(|_| Host::Name(text.to_owned()), |ip: Ipv4Addr| Host::Ip(ip.into())))
}

/// The server listens on the first of the addresses that it can bind.
impl ToSocketAddrs for ListenAddr {
    type Iter = vec::IntoIter<SocketAddr>;

    fn to_socket_addrs(&self) -> io::Result<Self::Iter> {
        let addrs = match &self.host {
            // The first takes IPv4 as well, but needs a system that has IPv6.
            Host::All => vec![
                SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), self.port),
                SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), self.port),
            ],
            Host::Ip(ip) => vec![SocketAddr::new(*ip, self.port)],
            Host::Name(name) => return (name.as_str(), self.port).to_socket_addrs(),
        };
        Ok(addrs.into_iter())
    }
}

/// As the user wrote it: this is how the library names an address that it can't listen on.
impl fmt::Debug for ListenAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BareIpv6 => "an IPv6 address goes in brackets, as in `[::1]:8080`",
            Self::Ipv6 => "no IPv6 address in the brackets",
            Self::NoPort => "no port, as in `localhost:8080`",
            Self::Port => "the port is not a number up to 65535",
            Self::Url => "a host and a port are wanted, as in `localhost:8080`, not a URL",
        })
    }
}

impl std::error::Error for Malformed {}

#[cfg(test)]
mod tests {
    use super::*;

    #[rustfmt::skip]
    const CASES: &[(&str, Result<&[&str], Malformed>)] = &[
        ("127.0.0.1:8080",      Ok(&["127.0.0.1:8080"])),
        ("0.0.0.0:80",          Ok(&["0.0.0.0:80"])),
        ("[::]:8080",           Ok(&["[::]:8080"])),
        ("[::1]:0",             Ok(&["[::1]:0"])),
        (":8080",               Ok(&["[::]:8080", "0.0.0.0:8080"])),
        ("8080",                Ok(&["127.0.0.1:8080"])),
        ("0",                   Ok(&["127.0.0.1:0"])),
        ("localhost",           Err(Malformed::NoPort)),
        ("127.0.0.1",           Err(Malformed::NoPort)),
        ("",                    Err(Malformed::NoPort)),
        ("[::1]",               Err(Malformed::NoPort)),
        ("::1",                 Err(Malformed::BareIpv6)),
        ("::1:8080",            Err(Malformed::BareIpv6)),
        ("1:2:3:4:5:6:7:8:80",  Err(Malformed::BareIpv6)),
        ("[127.0.0.1]:80",      Err(Malformed::Ipv6)),
        ("[::1:80",             Err(Malformed::Ipv6)),
        (":",                   Err(Malformed::Port)),
        ("65536",               Err(Malformed::Port)),
        ("localhost:",          Err(Malformed::Port)),
        ("localhost:+80",       Err(Malformed::Port)),
        ("localhost:http",      Err(Malformed::Port)),
        ("http://localhost:80", Err(Malformed::Url)),
    ];

    #[test]
    fn addresses_are_read_as_people_write_them() {
        for (text, expected) in CASES {
            let found = text.parse::<ListenAddr>().map(|addr| {
                let addrs = addr.to_socket_addrs().expect(text);
                addrs.map(|addr| addr.to_string()).collect::<Vec<_>>()
            });
            let found = found.as_ref().map(Vec::as_slice).map_err(|error| *error);
            let expected =
                expected.map(|addrs| addrs.iter().map(|&addr| addr.to_owned()).collect());
            let expected = expected.as_ref().map(Vec::as_slice).map_err(|error| *error);
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn a_name_is_kept_until_it_is_resolved() {
        let addr: ListenAddr = "localhost:8080".parse().unwrap();
        assert_eq!(addr.host, Host::Name("localhost".to_owned()));
        assert_eq!(format!("{addr:?}"), "localhost:8080");
    }

    #[test]
    fn the_default_is_an_address() {
        assert!(DEFAULT.parse::<ListenAddr>().is_ok());
    }
}
