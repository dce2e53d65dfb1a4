//! Sockets that were opened elsewhere: by the program, by a parent process, by systemd.
//!
//! Not here: what another server hands over (`hand_over.rs`).

use std::fmt;
use std::io::{self, ErrorKind};
use std::net::TcpListener;
#[cfg(unix)]
use std::os::fd::OwnedFd;

use socket2::{SockRef, Socket, Type};

use super::options::ListenOptions;
use super::{Listener, Place, Siblings, place_of, tcp};
use crate::error::{Error, Result};
use crate::service::ServiceId;

/// A socket that the program has opened itself.
///
/// [`Server::listen_on`](crate::Server::listen_on) takes it.
/// It is made from a [`TcpListener`], and on Unix from a `UnixListener` or an `OwnedFd`.
#[derive(Debug)]
pub struct OpenSocket(Socket);

impl From<TcpListener> for OpenSocket {
    fn from(listener: TcpListener) -> Self {
        Self(listener.into())
    }
}

#[cfg(unix)]
impl From<std::os::unix::net::UnixListener> for OpenSocket {
    fn from(listener: std::os::unix::net::UnixListener) -> Self {
        Self(listener.into())
    }
}

#[cfg(unix)]
impl From<OwnedFd> for OpenSocket {
    fn from(fd: OwnedFd) -> Self {
        Self(fd.into())
    }
}

/// Where it is bound.
impl fmt::Display for OpenSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match place_of(&SockRef::from(&self.0)) {
            Ok(place) => super::ListenAddr::from(place).fmt(f),
            Err(_) => f.write_str("a socket that is not bound"),
        }
    }
}

impl Listener {
    /// Takes a socket that is bound.
    pub(crate) fn adopt(socket: OpenSocket) -> Result<Self> {
        let addr = socket.to_string();
        let adopted = adopt(socket.0, &ListenOptions::default());
        adopted.map_err(|source| Error::Listen { addr, source })
    }
}

fn adopt(socket: Socket, options: &ListenOptions) -> io::Result<Listener> {
    let refuse = |what| Err(io::Error::new(ErrorKind::InvalidInput, what));
    let kind = socket.r#type().map_err(|error| match error.raw_os_error() {
        Some(_) => io::Error::new(ErrorKind::InvalidInput, "not a socket"),
        None => error,
    })?;
    if kind != Type::STREAM {
        return refuse("not a stream socket");
    }
    if socket.peer_addr().is_ok() {
        return refuse("a connection, not a socket that listens");
    }
    let place = place_of(&SockRef::from(&socket))?;
    if matches!(&place, Place::Ip(addr) if addr.port() == 0) {
        return refuse("not bound to an address");
    }
    socket.set_nonblocking(true)?;
    super::set_buffers(&socket, options)?;
    if matches!(place, Place::Ip(_)) {
        tcp::set_inherited(&socket, options)?;
    }
    // One that listens already keeps its backlog, unless another is wanted.
    if options.backlog.is_some() || !listens(&socket) {
        socket.listen(options.backlog())?;
    }
    Ok(Listener {
        sockets: vec![socket],
        addr: place.with(options),
        // Whoever opened it may have had rights that this process lacks, and may want no others.
        siblings: Siblings::None,
        file: None,
        service: ServiceId::FIRST,
    })
}

#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
fn listens(socket: &Socket) -> bool {
    socket.is_listener().unwrap_or(false)
}

/// Where the system does not tell, it is told again to listen, which does no harm.
#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
const fn listens(_socket: &Socket) -> bool {
    false
}

/// The socket that the process has under that number. The number stays open.
#[cfg(unix)]
pub(super) fn descriptor(number: u32, options: &ListenOptions) -> io::Result<Listener> {
    adopt(crate::sys::duplicate(number)?.into(), options)
}

#[cfg(not(unix))]
pub(super) fn descriptor(_number: u32, _options: &ListenOptions) -> io::Result<Listener> {
    Err(io::Error::new(ErrorKind::Unsupported, "no descriptors are inherited here"))
}

/// The sockets that systemd passed, all or those of that name.
pub(super) fn systemd(name: Option<&str>, options: &ListenOptions) -> io::Result<Vec<Listener>> {
    let variable = |name: &str| std::env::var(name).ok();
    let pid = std::process::id();
    passed(variable, pid, name)?.into_iter().map(|number| descriptor(number, options)).collect()
}

/// The numbers of the sockets that systemd passed (`sd_listen_fds(3)`).
fn passed(
    variable: impl Fn(&str) -> Option<String>,
    pid: u32,
    name: Option<&str>,
) -> io::Result<Vec<u32>> {
    /// Descriptors before it are standard input and outputs.
    const FIRST: u32 = 3;
    /// More are a mistake.
    const MAX_COUNT: u32 = 1024;

    let refuse = |kind, what| Err(io::Error::new(kind, what));
    let Some(count) = variable("LISTEN_FDS") else {
        return refuse(ErrorKind::NotFound, "no sockets were passed: LISTEN_FDS is not set");
    };
    let Some(count) = count.parse::<u32>().ok().filter(|count| *count <= MAX_COUNT) else {
        return refuse(ErrorKind::InvalidData, "LISTEN_FDS is not a number of sockets");
    };
    if variable("LISTEN_PID").and_then(|text| text.parse().ok()) != Some(pid) {
        return refuse(ErrorKind::NotFound, "the sockets were passed to another process");
    }
    let names = variable("LISTEN_FDNAMES").unwrap_or_default();
    let mut names = names.split(':');
    let mut numbers = Vec::new();
    for number in FIRST..FIRST + count {
        let is_wanted = name.is_none() || names.next() == name;
        if is_wanted {
            numbers.push(number);
        }
    }
    if numbers.is_empty() {
        return refuse(ErrorKind::NotFound, "no socket of that name was passed");
    }
    Ok(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_systemd_passed_is_found_by_its_variables() {
        type Row<'t> =
            ([Option<&'t str>; 3], Option<&'t str>, std::result::Result<&'t [u32], ErrorKind>);
        let rows: [Row<'_>; 12] = [
            ([Some("2"), Some("7"), None], None, Ok(&[3, 4])),
            ([Some("2"), Some("7"), Some("a:b")], None, Ok(&[3, 4])),
            ([Some("3"), Some("7"), Some("a:b:a")], Some("a"), Ok(&[3, 5])),
            ([Some("3"), Some("7"), Some("a")], Some("a"), Ok(&[3])),
            ([Some("2"), Some("7"), Some("a:b")], Some("c"), Err(ErrorKind::NotFound)),
            ([Some("2"), Some("7"), None], Some("a"), Err(ErrorKind::NotFound)),
            ([Some("0"), Some("7"), None], None, Err(ErrorKind::NotFound)),
            ([None, Some("7"), None], None, Err(ErrorKind::NotFound)),
            ([Some("2"), Some("8"), None], None, Err(ErrorKind::NotFound)),
            ([Some("2"), None, None], None, Err(ErrorKind::NotFound)),
            ([Some("-1"), Some("7"), None], None, Err(ErrorKind::InvalidData)),
            ([Some("4000000000"), Some("7"), None], None, Err(ErrorKind::InvalidData)),
        ];
        for (values, name, expected) in rows {
            let variable = |wanted: &str| {
                let names = ["LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"];
                let index = names.iter().position(|name| *name == wanted)?;
                values[index].map(str::to_owned)
            };
            let found = passed(variable, 7, name).map_err(|error| error.kind());
            assert_eq!(found.as_deref().map_err(|kind| *kind), expected, "{values:?} {name:?}");
        }
    }
}
