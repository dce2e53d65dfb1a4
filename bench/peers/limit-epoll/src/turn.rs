//! Waiting for events, and what all that is waited for has in common.
//!
//! Not here: what is done with them, which is each limit's own.

use std::net::TcpListener;
use std::os::fd::OwnedFd;

use anyhow::{Context, Result};
use rustix::buffer::spare_capacity;
use rustix::event::epoll;
use rustix::io::Errno;
use rustix::net::{SocketFlags, accept_with, sockopt};

/// Wake-ups taken per `epoll_wait`.
const MAX_EVENTS: usize = 1024;

/// Marks the listener among events; connections carry their descriptor.
const LISTENER: u64 = u64::MAX;

/// Edge-triggered: level-triggered looks at each socket a second time per request.
pub(crate) const READS: epoll::EventFlags =
    epoll::EventFlags::IN.union(epoll::EventFlags::RDHUP).union(epoll::EventFlags::ET);

/// What does something with events.
pub(crate) trait Turn {
    fn epoll(&self) -> &OwnedFd;

    /// Takes on one connection, if there is one.
    fn accept(&mut self) -> Result<()>;

    /// Something happened to the connection with the descriptor `key`.
    fn on_event(&mut self, key: usize, flags: epoll::EventFlags);
}

/// Waits for events and hands them on, for ever.
pub(crate) fn run(server: &mut impl Turn) -> Result<()> {
    let mut events = Vec::with_capacity(MAX_EVENTS);
    loop {
        events.clear();
        match epoll::wait(server.epoll(), spare_capacity(&mut events), None) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error).context("cannot wait for events"),
        }
        for event in &events {
            match event.data.u64() {
                LISTENER => server.accept().context("cannot accept")?,
                key => server.on_event(usize::try_from(key)?, event.flags),
            }
        }
    }
}

/// Returns an epoll instance that tells of connections to `listener`.
pub(crate) fn watch(listener: &TcpListener) -> rustix::io::Result<OwnedFd> {
    let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    let data = epoll::EventData::new_u64(LISTENER);
    epoll::add(&epoll, listener, data, epoll::EventFlags::IN)?;
    // Its connections inherit the option.
    sockopt::set_tcp_nodelay(listener, true)?;
    Ok(epoll)
}

/// Accepts one connection: if there are more, the next wait says so, which costs less than a call
/// that finds nothing.
pub(crate) fn accept(listener: &TcpListener) -> rustix::io::Result<Option<OwnedFd>> {
    match accept_with(listener, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC) {
        Ok(socket) => Ok(Some(socket)),
        Err(Errno::AGAIN | Errno::CONNABORTED | Errno::INTR) => Ok(None),
        Err(error) => Err(error),
    }
}
