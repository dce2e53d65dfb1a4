//! Accepting: how many connections in a turn, and when the system is told to watch them.
//!
//! A call that finds nothing to accept costs as much as one that does, so that none is made only to
//! learn that there is nothing: a turn with little to do accepts one connection, and has the system
//! tell in the next wait whether there are more. Not here: what becomes of connections.

use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};

use mio::net::{TcpListener, TcpStream};
use mio::{Interest, Token};

use super::{MioDriver, Ready, listener_token};
use crate::driver::{Step, common_local_addr};

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
    socket: TcpListener,
    /// That of all its connections, if they have one in common.
    local_addr: Option<SocketAddr>,
    queued: bool,
    pub(super) readable: bool,
}

impl Listener {
    pub(super) fn register(
        listener: StdListener,
        token: Token,
        poll: &mio::Poll,
    ) -> io::Result<Self> {
        let local_addr = common_local_addr(&listener)?;
        let mut socket = TcpListener::from_std(listener);
        poll.registry().register(&mut socket, token, Interest::READABLE)?;
        Ok(Self { socket, local_addr, queued: false, readable: false })
    }

    fn accept(&self) -> io::Result<Step<TcpStream>> {
        let (socket, peer_addr) = self.socket.accept()?;
        Ok(match self.local_addr.map_or_else(|| socket.local_addr(), Ok) {
            Ok(local_addr) => Step::Accepted(socket, peer_addr, local_addr),
            // The peer has gone already.
            Err(_) => Step::AcceptFailed(io::ErrorKind::ConnectionAborted.into()),
        })
    }
}

impl MioDriver {
    pub(super) fn queue_listener(&mut self, index: usize) {
        let listener = &mut self.listeners[index];
        if !listener.queued && listener.readable && self.accepting {
            listener.queued = true;
            self.ready.push_back(Ready::Listener(index));
        }
    }

    pub(super) fn accept(&mut self, index: usize) -> Option<Step<TcpStream>> {
        let listener = self.listeners.get_mut(index)?;
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
        let step = match listener.accept() {
            Ok(step) => {
                if self.accepts_left == 0 {
                    // If the system can't be asked, another call tells.
                    let token = listener_token(index);
                    let registry = self.poll.registry();
                    let asked =
                        registry.reregister(&mut listener.socket, token, Interest::READABLE);
                    listener.readable = asked.is_err();
                }
                Some(step)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                listener.readable = false;
                None
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => None,
            // There may well be more to accept; whether to go on is the worker's decision.
            Err(error) => Some(Step::AcceptFailed(error)),
        };
        self.queue_listener(index);
        step
    }

    /// The next of the new connections to be looked at in this turn.
    pub(super) fn next_fresh(&mut self) -> Option<Ready> {
        while let Some(&key) = self.fresh.get(self.tried) {
            self.tried += 1;
            if self.slot(key).is_some_and(|slot| !slot.queued) {
                return Some(Ready::Connection(key.index));
            }
        }
        None
    }

    /// Has the system tell from now on what those of the new connections are ready for that are
    /// still there.
    pub(super) fn watch_fresh(&mut self) {
        self.tried = 0;
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
