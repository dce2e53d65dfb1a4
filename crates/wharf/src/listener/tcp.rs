//! Sockets that listen on internet addresses.
//!
//! Not here: which addresses (`mod.rs`), and sockets that others have bound (`adopted.rs`).

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use socket2::{Domain, Protocol, SockAddr, Socket, TcpKeepalive, Type};

use super::options::ListenOptions;
use super::{Listener, Siblings, place_of, set_buffers};
use crate::service::ServiceId;
use crate::sys;

/// Binds and listens. `[::]` takes IPv4 connections as well, unless that is not wanted.
pub(super) fn bind(addr: SocketAddr, options: &ListenOptions) -> io::Result<Listener> {
    let socket = open(addr, options)?;
    if options.reuse_port == Some(true) {
        share_port(&socket)?;
    }
    bind_address(&socket, addr, options)?;
    // Others may share the port from here on, but only after the bind has shown that nobody has it:
    // with the option set before, a second server would take half of the connections.
    allow_siblings(&socket)?;
    listen(&socket, options)?;
    let place = place_of(&(&socket).into())?;
    Ok(Listener {
        sockets: vec![socket],
        addr: place.with(options),
        siblings: Siblings::All,
        file: None,
        service: ServiceId::FIRST,
    })
}

/// Another socket on the same address: the system spreads connections over both.
pub(super) fn sibling(addr: SocketAddr, options: &ListenOptions) -> io::Result<Socket> {
    let socket = open(addr, options)?;
    allow_siblings(&socket)?;
    bind_address(&socket, addr, options)?;
    listen(&socket, options)?;
    Ok(socket)
}

/// Sets what accepted sockets inherit, which saves calls for each.
pub(super) fn set_inherited(socket: &Socket, options: &ListenOptions) -> io::Result<()> {
    socket.set_tcp_nodelay(options.nodelay())?;
    match options.keepalive() {
        // So that a peer that has vanished while its request is worked on is noticed at all.
        Some(after) => {
            let after = after.max(Duration::from_secs(1));
            socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(after))?;
        }
        None => socket.set_keepalive(false)?,
    }
    if let Some(at_most) = options.defer_accept {
        let seconds = u32::try_from(at_most.as_secs()).unwrap_or(u32::MAX);
        sys::set_defer_accept(socket, seconds)?;
    }
    if let Some(connections) = options.fast_open {
        sys::set_fast_open(socket, connections)?;
    }
    bound_unsent(socket)
}

/// Whether others with the same address can be opened beside such a socket.
#[cfg(target_os = "linux")]
pub(super) fn may_have_siblings(socket: &Socket) -> bool {
    socket.reuse_port().unwrap_or(false)
}

#[cfg(not(target_os = "linux"))]
pub(super) fn may_have_siblings(_socket: &Socket) -> bool {
    false
}

fn open(addr: SocketAddr, options: &ListenOptions) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    set_buffers(&socket, options)?;
    Ok(socket)
}

fn listen(socket: &Socket, options: &ListenOptions) -> io::Result<()> {
    set_inherited(socket, options)?;
    socket.listen(options.backlog())
}

/// Bounds what the system takes of a response that its peer does not read: without, it is megabytes
/// for each, which takes memory, and time in which others are not served. What is on its way to a
/// peer does not count, so that no speed is lost.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn bound_unsent(socket: &Socket) -> io::Result<()> {
    const UNSENT_BYTES: u32 = 128 << 10;
    socket.set_tcp_notsent_lowat(UNSENT_BYTES)
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn bound_unsent(_socket: &Socket) -> io::Result<()> {
    Ok(())
}

fn bind_address(socket: &Socket, addr: SocketAddr, options: &ListenOptions) -> io::Result<()> {
    if addr.is_ipv6() {
        socket.set_only_v6(options.only_v6.unwrap_or(!addr.ip().is_unspecified()))?;
    }
    reuse_address(socket, options)?;
    socket.bind(&SockAddr::from(addr))
}

/// Lets a server be restarted while old connections are in TIME_WAIT. On Windows the option would
/// let others take the port, and is not needed.
#[cfg(unix)]
fn reuse_address(socket: &Socket, options: &ListenOptions) -> io::Result<()> {
    socket.set_reuse_address(options.reuse_address())
}

#[cfg(not(unix))]
fn reuse_address(_socket: &Socket, _options: &ListenOptions) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn share_port(socket: &Socket) -> io::Result<()> {
    socket.set_reuse_port(true)
}

#[cfg(not(unix))]
fn share_port(_socket: &Socket) -> io::Result<()> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "ports can't be shared here"))
}

#[cfg(target_os = "linux")]
fn allow_siblings(socket: &Socket) -> io::Result<()> {
    socket.set_reuse_port(true)
}

#[cfg(not(target_os = "linux"))]
fn allow_siblings(_socket: &Socket) -> io::Result<()> {
    Ok(())
}
