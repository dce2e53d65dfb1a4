//! [`ListenAddr`]: where to listen, and how, as programs say it and as people write it.
//!
//! Not here: the options (`options.rs`), resolving names and binding (`mod.rs`).

use std::convert::Infallible;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::options::ListenOptions;

/// Where to listen, and how.
///
/// Wherever one is wanted, a [`SocketAddr`], a pair of host and port, or a text does. The texts:
///
/// | text | listens on |
/// |---|---|
/// | `127.0.0.1:8080`, `[::1]:8080` | that address; `[::]:8080` takes IPv4 as well |
/// | `localhost:8080` | the first address of that name that can be bound |
/// | `:8080`, `*:8080` | every address of the machine, IPv6 and IPv4 |
/// | `unix:/run/site.sock` | a Unix socket with that path, as long as it is listened on |
/// | `unix:@name` | a Unix socket in the abstract namespace (Linux) |
/// | `fd:3` | a socket that the process inherited under that number (Unix) |
/// | `systemd:`, `systemd:name` | the sockets that systemd passed, all or so named (Unix) |
///
/// Port 0 takes a free port. Behind any of them options may follow, as in
/// `unix:/run/site.sock?mode=0660` or `:80?backlog=1000&only_v6=on`: each is a method below, whose
/// docs say what it is called in a text. A path that contains `?` is given by [`unix`](Self::unix).
///
/// ```
/// use wharf::{ListenAddr, Server};
///
/// let text: ListenAddr = "127.0.0.1:0?backlog=100".parse()?;
/// let same = ListenAddr::from(([127, 0, 0, 1], 0)).backlog(100);
/// assert_eq!(text, same);
/// let server = Server::new("hello").listen(same)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct ListenAddr {
    pub(crate) place: Place,
    pub(super) options: ListenOptions,
    /// Known of those that are listened on. It is no part of the address.
    pub(super) speaks_tls: bool,
}

impl PartialEq for ListenAddr {
    fn eq(&self, other: &Self) -> bool {
        (&self.place, &self.options) == (&other.place, &other.options)
    }
}

impl Eq for ListenAddr {}

impl Hash for ListenAddr {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.place, &self.options).hash(state);
    }
}

/// Where to listen.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Place {
    /// Every address of the machine.
    All(u16),
    Ip(SocketAddr),
    Name(String, u16),
    Unix(PathBuf),
    Abstract(Vec<u8>),
    Fd(u32),
    Systemd(Option<String>),
}

impl ListenAddr {
    /// A Unix socket with that path.
    ///
    /// What was left there by a process that is gone is replaced. A socket that something listens
    /// on, or a file of another kind, is left alone, and listening fails.
    #[must_use]
    pub fn unix(path: impl Into<PathBuf>) -> Self {
        Place::Unix(path.into()).into()
    }

    /// A Unix socket with that name in the abstract namespace, which only Linux has. It has no file
    /// and thereby no mode: every process of the machine may connect.
    #[must_use]
    pub fn abstract_unix(name: impl Into<Vec<u8>>) -> Self {
        Place::Abstract(name.into()).into()
    }

    /// The internet address, if it is one. Addresses that are listened on have their real ports.
    #[must_use]
    pub const fn socket_addr(&self) -> Option<SocketAddr> {
        match &self.place {
            Place::Ip(addr) => Some(*addr),
            _ => None,
        }
    }

    /// The path, if it is a Unix socket that has one.
    #[must_use]
    pub fn unix_path(&self) -> Option<&Path> {
        match &self.place {
            Place::Unix(path) => Some(path),
            _ => None,
        }
    }

    /// Whether TLS is spoken there, of an address on which a server listens.
    #[must_use]
    pub const fn speaks_tls(&self) -> bool {
        self.speaks_tls
    }

    /// The options that are given and do not go with the place are a mistake.
    pub(super) fn check(&self) -> Result<(), InvalidAddr> {
        let reason = match &self.place {
            Place::Unix(path) if path.as_os_str().is_empty() => Malformed::NoPath,
            Place::Abstract(name) if name.is_empty() => Malformed::NoPath,
            place => match self.options.misfit(place) {
                Some(option) => Malformed::Misfit(option),
                None => return Ok(()),
            },
        };
        Err(InvalidAddr { text: self.to_string(), reason })
    }
}

impl From<Place> for ListenAddr {
    fn from(place: Place) -> Self {
        place.with(&ListenOptions::default())
    }
}

impl From<SocketAddr> for ListenAddr {
    fn from(addr: SocketAddr) -> Self {
        Place::Ip(addr).into()
    }
}

impl From<SocketAddrV4> for ListenAddr {
    fn from(addr: SocketAddrV4) -> Self {
        SocketAddr::from(addr).into()
    }
}

impl From<SocketAddrV6> for ListenAddr {
    fn from(addr: SocketAddrV6) -> Self {
        SocketAddr::from(addr).into()
    }
}

impl<I: Into<IpAddr>> From<(I, u16)> for ListenAddr {
    fn from(pair: (I, u16)) -> Self {
        SocketAddr::from(pair).into()
    }
}

impl From<&Self> for ListenAddr {
    fn from(addr: &Self) -> Self {
        addr.clone()
    }
}

impl TryFrom<&str> for ListenAddr {
    type Error = InvalidAddr;

    fn try_from(text: &str) -> Result<Self, InvalidAddr> {
        text.parse()
    }
}

impl TryFrom<String> for ListenAddr {
    type Error = InvalidAddr;

    fn try_from(text: String) -> Result<Self, InvalidAddr> {
        text.parse()
    }
}

impl TryFrom<&String> for ListenAddr {
    type Error = InvalidAddr;

    fn try_from(text: &String) -> Result<Self, InvalidAddr> {
        text.parse()
    }
}

impl FromStr for ListenAddr {
    type Err = InvalidAddr;

    fn from_str(text: &str) -> Result<Self, InvalidAddr> {
        let (place, options) = text.split_once('?').unwrap_or((text, ""));
        let parsed =
            Place::parse(place).and_then(|place| Ok(place.with(&ListenOptions::parse(options)?)));
        let addr = parsed.map_err(|reason| InvalidAddr { text: text.to_owned(), reason })?;
        addr.check()?;
        Ok(addr)
    }
}

impl Place {
    /// The same with options.
    pub(super) fn with(self, options: &ListenOptions) -> ListenAddr {
        ListenAddr { place: self, options: options.clone(), speaks_tls: false }
    }

    fn parse(text: &str) -> Result<Self, Malformed> {
        if let Some(name) = text.strip_prefix("unix:@") {
            return Ok(Self::Abstract(name.into()));
        }
        if let Some(path) = text.strip_prefix("unix:") {
            return Ok(Self::Unix(path.into()));
        }
        if let Some(number) = text.strip_prefix("fd:") {
            return number_of(number).map(Self::Fd).ok_or(Malformed::Descriptor);
        }
        if let Some(name) = text.strip_prefix("systemd:") {
            return Ok(Self::Systemd((!name.is_empty()).then(|| name.to_owned())));
        }
        Self::parse_internet(text)
    }

    fn parse_internet(text: &str) -> Result<Self, Malformed> {
        if text.contains('/') {
            return Err(Malformed::Url);
        }
        if let Ok(addr) = text.parse() {
            return Ok(Self::Ip(addr));
        }
        if text.parse::<Ipv6Addr>().is_ok() {
            return Err(Malformed::BareIpv6);
        }
        let (host, port) = match text.rsplit_once(':') {
            _ if text.ends_with(']') => return Err(Malformed::NoPort),
            Some(parts) => parts,
            None => return Err(Malformed::NoPort),
        };
        let port = number_of(port).ok_or(Malformed::Port);
        match host {
            "" | "*" => port.map(Self::All),
            _ if host.starts_with('[') => Err(port.err().unwrap_or(Malformed::Ipv6)),
            _ if host.contains(':') => Err(Malformed::BareIpv6),
            _ => match host.parse::<Ipv4Addr>() {
                Ok(ip) => port.map(|port| Self::Ip((ip, port).into())),
                Err(_) => port.map(|port| Self::Name(host.to_owned(), port)),
            },
        }
    }
}

/// A number in digits alone: a sign would be taken for a part of it.
pub(super) fn number_of<N: FromStr>(text: &str) -> Option<N> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}

/// As it is written; a path that is no text, or contains `?`, can't be read back.
impl fmt::Display for ListenAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::All(port) => write!(f, ":{port}"),
            Place::Ip(addr) => addr.fmt(f),
            Place::Name(name, port) => write!(f, "{name}:{port}"),
            Place::Unix(path) => write!(f, "unix:{}", path.display()),
            Place::Abstract(name) => write!(f, "unix:@{}", String::from_utf8_lossy(name)),
            Place::Fd(number) => write!(f, "fd:{number}"),
            Place::Systemd(name) => write!(f, "systemd:{}", name.as_deref().unwrap_or_default()),
        }?;
        self.options.fmt(f)
    }
}

/// The text of an address that can't be read, or options that do not go with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidAddr {
    text: String,
    reason: Malformed,
}

impl InvalidAddr {
    /// The address as it was given.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What is wrong with it.
    #[must_use]
    pub const fn reason(&self) -> Malformed {
        self.reason
    }
}

/// What is wrong with the text of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Malformed {
    /// An IPv6 address without brackets.
    BareIpv6,
    /// What follows `fd:` is no number.
    Descriptor,
    /// What is in the brackets is no IPv6 address.
    Ipv6,
    /// An option that does not go with such an address.
    Misfit(&'static str),
    /// Nothing follows `unix:`.
    NoPath,
    /// There is no port.
    NoPort,
    /// The port is not a number up to 65535.
    Port,
    /// There is no such option.
    UnknownOption,
    /// A URL.
    Url,
    /// The value of that option can't be read.
    Value(&'static str),
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BareIpv6 => "an IPv6 address goes in brackets, as in `[::1]:8080`",
            Self::Descriptor => "a descriptor is a number, as in `fd:3`",
            Self::Ipv6 => "no IPv6 address in the brackets",
            Self::Misfit(option) => {
                return write!(f, "the option `{option}` does not go with such an address");
            }
            Self::NoPath => "no path, as in `unix:/run/site.sock`",
            Self::NoPort => "no port, as in `localhost:8080`",
            Self::Port => "the port is not a number up to 65535",
            Self::UnknownOption => "there is no such option",
            Self::Url => "a host and a port are wanted, as in `localhost:8080`, not a URL",
            Self::Value(option) => return write!(f, "the value of `{option}` can't be read"),
        })
    }
}

/// The reason alone, as the address stands beside it in most messages.
impl fmt::Display for InvalidAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reason.fmt(f)
    }
}

impl std::error::Error for InvalidAddr {}

/// What can't fail is accepted where a text is.
impl From<Infallible> for InvalidAddr {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}
