//! Accepting: how many connections in a turn, and when the system is told to watch them.
//!
//! A call that finds nothing to accept costs as much as one that does, so that none is made only to
//! learn that there is nothing: a turn with little to do accepts one connection, and has the system
//! tell in the next wait whether there are more. Not here: what becomes of connections.

use std::io;
use std::time::Instant;

use mio::event::Source;
use mio::net::{TcpListener, TcpStream};
use mio::{Interest, Registry, Token};

use socket2::SockRef;

use super::unix::{UnixListener, duplicate};
use super::{MioDriver, Ready, listener_token};
use crate::driver::listening::leave_unanswered;
use crate::driver::{
    Accepted, ListenSocket, ListenerId, Listening, LocalAddr, MAX_LAST_ACCEPTS, Origin, Step,
    is_closed_to_all,
};
use crate::sys::Descriptor;

/// Connections accepted in one turn before others have theirs.
const MAX_ACCEPTS: usize = 64;

/// How many connections are accepted in a turn with so many events. One of them is a listener's;
/// if there are many others the next turn is some time away, and may not find as much to accept as
/// has come by then.
pub(super) fn accepts_beside(events: usize) -> usize {
    events.saturating_sub(1).clamp(1, MAX_ACCEPTS)
}

/// A socket that connections are accepted from.
pub(super) struct Listener {
    id: ListenerId,
    socket: Socket,
    /// That of all its connections, if they have one in common.
    local_addr: LocalAddr,
    origin: Origin,
    is_own: bool,
    queued: bool,
    pub(super) readable: bool,
    closing: Option<Closing>,
}

/// What a listener is closed after: either of these.
#[derive(Clone, Copy)]
struct Closing {
    /// So many more have been accepted.
    accepts_left: u32,
    /// Nothing waits there, at this instant or later.
    settles_at: Instant,
}

enum Socket {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Socket {
    fn source(&mut self) -> &mut dyn Source {
        match self {
            Self::Tcp(socket) => socket,
            Self::Unix(socket) => socket.source(),
        }
    }

    fn watch(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        self.source().register(registry, token, Interest::READABLE)
    }

    fn watch_anew(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        self.source().reregister(registry, token, Interest::READABLE)
    }
}

impl Listener {
    fn register(listening: Listening, token: Token, registry: &Registry) -> io::Result<Self> {
        let Listening { id, socket, origin, is_own } = listening;
        let local_addr = socket.local_addr()?;
        let mut socket = match socket {
            ListenSocket::Tcp(socket) => Socket::Tcp(TcpListener::from_std(socket)),
            ListenSocket::Unix(socket) => Socket::Unix(UnixListener::from_std(socket)),
        };
        socket.watch(registry, token)?;
        let (queued, readable, closing) = (false, false, None);
        let listener = Self { id, socket, local_addr, origin, is_own, queued, readable, closing };
        listener.set_nonblocking()?;
        Ok(listener)
    }

    fn accept(&self) -> io::Result<Step<TcpStream>> {
        let origin = self.origin;
        match &self.socket {
            Socket::Tcp(listener) => {
                let (socket, peer_addr) = listener.accept()?;
                let local_addr = match self.local_addr {
                    LocalAddr::Common(addr) => Ok(Some(addr)),
                    LocalAddr::OfConnection => socket.local_addr().map(Some),
                    LocalAddr::None => Ok(None),
                };
                Ok(match local_addr {
                    Ok(local_addr) => {
                        let peer_addr = peer_addr.into();
                        Step::Accepted(Accepted { socket, peer_addr, local_addr, origin })
                    }
                    // The peer has gone already.
                    Err(_) => Step::AcceptFailed(io::ErrorKind::ConnectionAborted.into()),
                })
            }
            Socket::Unix(listener) => {
                let (socket, peer_addr) = listener.accept()?;
                Ok(Step::Accepted(Accepted { socket, peer_addr, local_addr: None, origin }))
            }
        }
    }

    fn leave_unanswered(&self) -> Option<Instant> {
        match &self.socket {
            Socket::Tcp(socket) if self.is_own => leave_unanswered(&SockRef::from(socket)),
            Socket::Tcp(_) | Socket::Unix(_) => None,
        }
    }

    fn set_nonblocking(&self) -> io::Result<()> {
        match &self.socket {
            Socket::Tcp(socket) => SockRef::from(socket).set_nonblocking(true),
            Socket::Unix(socket) => socket.set_nonblocking(),
        }
    }

    /// Closing the last descriptor of a socket takes it out of the poll, but another process may
    /// have one.
    pub(super) fn close(mut self, registry: &Registry) {
        // It fails only if it was not in the poll.
        let _ = self.socket.source().deregister(registry);
    }

    pub(super) const fn is_closing(&self) -> bool {
        self.closing.is_some()
    }

    pub(super) fn duplicate(&self) -> io::Result<Descriptor> {
        match &self.socket {
            Socket::Tcp(socket) => duplicate(socket),
            Socket::Unix(socket) => socket.duplicate(),
        }
    }
}

impl MioDriver {
    /// How many connections are accepted in this turn.
    pub(super) fn accepts_in_turn(&self) -> usize {
        // What comes while others are served one by one would keep a listener open.
        if self.has_closing { MAX_ACCEPTS } else { accepts_beside(self.ready.len()) }
    }

    pub(super) fn add_listener(&mut self, listening: Listening) -> io::Result<()> {
        let free = self.listeners.iter().position(Option::is_none);
        let index = free.unwrap_or(self.listeners.len());
        let listener = Listener::register(listening, listener_token(index), self.poll.registry())?;
        match self.listeners.get_mut(index) {
            Some(place) => *place = Some(listener),
            None => self.listeners.push(Some(listener)),
        }
        Ok(())
    }

    /// Closes listeners once what has come there was accepted.
    pub(super) fn close_listeners_that(&mut self, are_meant: impl Fn(ListenerId) -> bool) {
        let open = self.listeners.iter_mut().flatten().filter(|open| open.closing.is_none());
        for listener in open.filter(|listener| are_meant(listener.id)) {
            let settles_at = listener.leave_unanswered().unwrap_or(self.now);
            listener.closing = Some(Closing { accepts_left: MAX_LAST_ACCEPTS, settles_at });
            self.has_closing = true;
        }
        self.look_at_settled();
    }

    /// When a listener may have to be closed.
    pub(super) fn settles_next(&self) -> Option<Instant> {
        if !self.has_closing {
            return None;
        }
        let closing = self.listeners.iter().flatten().filter_map(|listener| listener.closing);
        // Those that have settled are looked at already, or as soon as anything is accepted again.
        closing.map(|closing| closing.settles_at).filter(|at| *at > self.now).min()
    }

    /// Has the listeners be closed that are due, once nothing waits there.
    pub(super) fn look_at_settled(&mut self) {
        if !self.has_closing {
            return;
        }
        for index in 0..self.listeners.len() {
            let Some(listener) = &mut self.listeners[index] else { continue };
            if listener.closing.is_some_and(|closing| closing.settles_at <= self.now) {
                listener.readable = true;
                self.queue_listener(index);
            }
        }
    }

    pub(super) fn make_listeners_nonblocking(&mut self) {
        for listener in self.listeners.iter().flatten() {
            // If one can't be told, accepting fails, which tells the worker.
            let _ = listener.set_nonblocking();
        }
    }

    pub(super) fn queue_listener(&mut self, index: usize) {
        let Some(listener) = &mut self.listeners[index] else { return };
        if !listener.queued && listener.readable && self.accepting {
            listener.queued = true;
            self.ready.push_back(Ready::Listener(index));
        }
    }

    pub(super) fn accept(&mut self, index: usize) -> Option<Step<TcpStream>> {
        let place = self.listeners.get_mut(index)?;
        let listener = place.as_mut()?;
        listener.queued = false;
        if !self.accepting {
            return None;
        }
        if self.accepts_left == 0 {
            listener.queued = true;
            self.again.push(Ready::Listener(index));
            return None;
        }
        self.accepts_left -= 1;
        if let Some(closing) = &mut listener.closing {
            closing.accepts_left -= 1;
        }
        let closing = listener.closing;
        let mut is_over = closing.is_some_and(|closing| closing.accepts_left == 0);
        let step = match listener.accept() {
            Ok(step) => {
                if self.accepts_left == 0 && closing.is_none() {
                    // If the system can't be asked, another call tells.
                    let token = listener_token(index);
                    let asked = listener.socket.watch_anew(self.poll.registry(), token);
                    listener.readable = asked.is_err();
                }
                Some(step)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                listener.readable = false;
                is_over |= closing.is_some_and(|closing| closing.settles_at <= self.now);
                None
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => None,
            // There may well be more to accept; whether to go on is the worker's decision.
            Err(error) => {
                is_over |= is_closed_to_all(&error);
                Some(Step::AcceptFailed(error))
            }
        };
        if is_over && let Some(listener) = place.take() {
            listener.close(self.poll.registry());
            let mut left = self.listeners.iter().flatten();
            self.has_closing = left.any(|listener| listener.closing.is_some());
        }
        self.queue_listener(index);
        step
    }

    /// The next of the new connections to be looked at in this turn.
    pub(super) fn next_fresh(&mut self) -> Option<Ready> {
        while let Some(&key) = self.fresh.get(self.tried) {
            self.tried += 1;
            if self.slot(key).is_some_and(|slot| !slot.queued) {
                return Some(Ready::Connection(key));
            }
        }
        None
    }

    /// Has the system tell from now on what those of the new connections are ready for that are
    /// still there.
    pub(super) fn watch_fresh(&mut self) {
        self.tried = 0;
        if !self.fresh.is_empty() {
            self.register_fresh();
        }
    }

    fn register_fresh(&mut self) {
        for key in self.fresh.drain(..) {
            let slot = self.slots.get_mut(key.index as usize);
            let slot = slot.filter(|slot| slot.generation == key.generation);
            let Some(stream) = slot.and_then(|slot| slot.stream.as_mut()) else { continue };
            let (token, interest) =
                (Token(key.index as usize), Interest::READABLE | Interest::WRITABLE);
            if let Err(error) = self.poll.registry().register(stream, token, interest) {
                self.ready.push_back(Ready::Unwatched(key, error));
            }
        }
    }
}
