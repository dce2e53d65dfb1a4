//! Listeners of the completion backend, and what the kernel has accepted.
//!
//! The kernel accepts until it is told not to, so that connections may have been accepted that the
//! worker does not want yet: they wait here. Not here: what becomes of connections.

use std::collections::VecDeque;
use std::io;
use std::net::TcpStream;
use std::os::fd::OwnedFd;
use std::time::Instant;

use socket2::SockRef;

use super::slot::{Asked, Change};
use super::{Accepted, Step, UringDriver};
use crate::driver::listening::{leave_unanswered, unix_peer};
use crate::driver::{
    ListenSocket, ListenerId, Listening, LocalAddr, MAX_LAST_ACCEPTS, Origin, is_about_one_peer,
    is_closed_to_all,
};
use crate::peer::PeerAddr;
use crate::sys::uring::{Handle, Request, is_interrupted};

/// A socket that connections are accepted from.
pub(super) struct Listener {
    /// What its requests are known by.
    pub(super) number: u64,
    id: ListenerId,
    pub(super) socket: Handle,
    /// That of all its connections, if they have one in common.
    local_addr: LocalAddr,
    origin: Origin,
    is_own: bool,
    pub(super) accept: Asked,
    /// It is closed as soon as the kernel has stopped to accept, which it is to do then.
    pub(super) closes_at: Option<Instant>,
}

impl Listener {
    /// It is to be closed now.
    fn is_due(&self, now: Instant) -> bool {
        self.closes_at.is_some_and(|at| at <= now)
    }
}

/// A connection that the worker was not told of, and what its listener knows of it.
pub(super) struct Waiting {
    socket: OwnedFd,
    local_addr: LocalAddr,
    origin: Origin,
}

/// Accepts what has come to a listener since the kernel has stopped to accept by itself.
fn take_rest(listener: &Listener, accepted: &mut VecDeque<Waiting>) {
    let socket = SockRef::from(&listener.socket);
    if socket.set_nonblocking(true).is_err() {
        return;
    }
    let Listener { local_addr, origin, .. } = *listener;
    for _ in 0..MAX_LAST_ACCEPTS {
        match socket.accept() {
            Ok((socket, _)) => {
                accepted.push_back(Waiting { socket: socket.into(), local_addr, origin });
            }
            Err(error) if is_about_one_peer(&error) => {}
            Err(_) => return,
        }
    }
}

impl UringDriver {
    pub(super) fn add_listener(&mut self, listening: Listening) -> io::Result<()> {
        let Listening { id, socket, origin, is_own } = listening;
        let local_addr = socket.local_addr()?;
        let socket = Handle::new(match socket {
            ListenSocket::Tcp(socket) => socket.into(),
            ListenSocket::Unix(socket) => socket.into(),
        });
        self.listener_number += 1;
        self.listeners.push(Listener {
            number: self.listener_number,
            id,
            socket,
            local_addr,
            origin,
            is_own,
            accept: Asked::No,
            closes_at: None,
        });
        Ok(())
    }

    /// Closes listeners once the kernel accepts nothing from them any more.
    pub(super) fn close_listeners_that(&mut self, are_meant: impl Fn(ListenerId) -> bool) {
        let open = self.listeners.iter_mut().filter(|listener| listener.closes_at.is_none());
        for listener in open.filter(|listener| are_meant(listener.id)) {
            let is_deaf = self.accepting && listener.is_own;
            let socket = is_deaf.then(|| SockRef::from(&listener.socket));
            let settles_at = socket.as_ref().and_then(leave_unanswered);
            listener.closes_at = Some(settles_at.unwrap_or(self.now));
        }
        self.close_those_that_are_over();
    }

    /// When a listener is to be closed.
    pub(super) fn closes_next(&self) -> Option<Instant> {
        let closing = self.listeners.iter().filter_map(|listener| listener.closes_at);
        // What is due already waits for the kernel alone.
        closing.filter(|at| *at > self.now).min()
    }

    pub(super) fn close_those_that_are_over(&mut self) {
        let now = self.now;
        let is_over =
            |listener: &mut Listener| listener.is_due(now) && listener.accept == Asked::No;
        for listener in self.listeners.extract_if(.., is_over) {
            // If another process accepts from it, what waits is for that one.
            if self.accepting {
                take_rest(&listener, &mut self.accepted);
            }
            self.ring.close(listener.socket);
            // At once, since whoever connects in between is reset.
            // What goes wrong will go wrong again in the next wait, which can tell of it.
            let _ = self.ring.submit();
        }
    }

    /// Whether the worker is told of what was accepted.
    pub(super) const fn delivers_accepted(&self) -> bool {
        self.accepting || self.is_withdrawing
    }

    pub(super) fn close_all_listeners(&mut self) {
        for listener in self.listeners.drain(..) {
            if listener.accept == Asked::Yes {
                self.ring.cancel(Request::Accept, listener.number);
            }
            self.ring.close(listener.socket);
        }
        self.accepted.clear();
    }

    /// Has the kernel accept where connections are wanted, and nowhere else.
    pub(super) fn ask_for_connections(&mut self) {
        for listener in &mut self.listeners {
            match listener.accept.change(self.accepting && !listener.is_due(self.now)) {
                Change::Nothing => {}
                Change::Ask => {
                    // The kernel waits for those alone that say that they wait. If that can't be
                    // said, the request fails, which tells the worker.
                    let _ = SockRef::from(&listener.socket).set_nonblocking(false);
                    self.ring.accept(listener.number, &listener.socket);
                    listener.accept = Asked::Yes;
                }
                Change::Cancel => {
                    self.ring.cancel(Request::Accept, listener.number);
                    listener.accept = Asked::Cancelled;
                }
            }
        }
    }

    pub(super) fn on_accepted(
        &mut self,
        number: u64,
        socket: io::Result<OwnedFd>,
        is_last: bool,
    ) -> Option<Step<TcpStream>> {
        let mut listeners = self.listeners.iter_mut();
        // One that is closed with all others takes along what it has accepted.
        let listener = listeners.find(|listener| listener.number == number)?;
        let (local_addr, origin) = (listener.local_addr, listener.origin);
        if is_last {
            listener.accept = Asked::No;
            if socket.as_ref().is_err_and(is_closed_to_all) {
                listener.closes_at = Some(self.now);
            }
            self.close_those_that_are_over();
        }
        match socket {
            Ok(socket) => {
                self.accepted.push_back(Waiting { socket, local_addr, origin });
                self.take_accepted()
            }
            // A listener that is closed for it is told of now or never.
            Err(error) if !self.accepting && !is_closed_to_all(&error) => None,
            Err(error) if is_interrupted(&error) => None,
            Err(error) => Some(Step::AcceptFailed(error)),
        }
    }

    pub(super) fn take_accepted(&mut self) -> Option<Step<TcpStream>> {
        if !self.delivers_accepted() || self.accepts_left == 0 {
            return None;
        }
        let Waiting { socket, local_addr, origin } = self.accepted.pop_front()?;
        self.accepts_left -= 1;
        let socket = TcpStream::from(socket);
        let addrs = match local_addr {
            LocalAddr::None => Ok((unix_peer(&socket), None)),
            LocalAddr::Common(local) => {
                socket.peer_addr().map(|peer| (PeerAddr::Ip(peer), Some(local)))
            }
            LocalAddr::OfConnection => socket
                .peer_addr()
                .and_then(|peer| Ok((PeerAddr::Ip(peer), Some(socket.local_addr()?)))),
        };
        Some(match addrs {
            Ok((peer_addr, local_addr)) => {
                Step::Accepted(Accepted { socket, peer_addr, local_addr, origin })
            }
            // The peer has gone already.
            Err(_) => Step::AcceptFailed(io::ErrorKind::ConnectionAborted.into()),
        })
    }
}
