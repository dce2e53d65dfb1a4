//! A client's end of a simulated connection.
//!
//! Nothing here blocks: who can't go on waits with [`SimClient::wait`] in a threaded net, and ticks
//! the server in a ticked one. Not here: what is said on the connection.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use super::link::Side;
use super::net::{SimNet, client_addr};

/// A client's end. Dropping it closes the connection.
pub(crate) struct SimClient {
    net: SimNet,
    link: usize,
    /// The changes of the net that this end has seen.
    seen: u64,
}

impl SimClient {
    pub(super) const fn new(net: SimNet, link: usize) -> Self {
        Self { net, link, seen: 0 }
    }

    pub(crate) fn local_addr(&self) -> SocketAddr {
        client_addr(self.link)
    }

    /// Reads what has arrived. No bytes: the server sends no more.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.act(|state, link| state.read(link, Side::Client, buffer))
    }

    /// Writes as much as there is room for.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.act(|state, link| state.write(link, Side::Client, bytes))
    }

    /// Says that no more will be written.
    pub(crate) fn shut(&mut self) {
        self.act(|state, link| state.shut(link, Side::Client));
    }

    /// Closes the connection without regard to what was sent and what will be.
    pub(crate) fn reset(self) {
        self.net.act(|state| state.reset(self.link, Side::Client));
    }

    /// Waits until something happened since the last read or write.
    pub(crate) fn wait(&self, at_most: Duration) {
        let state = self.net.lock();
        if state.changes == self.seen {
            drop(self.net.block(state, at_most));
        }
    }

    /// Whether something went wrong with the connection that neither side did.
    pub(crate) fn was_faulted(&self) -> bool {
        self.net.lock().links[self.link].faulted
    }

    fn act<R>(&mut self, act: impl FnOnce(&mut super::net::State, usize) -> R) -> R {
        let (link, seen) = (self.link, &mut self.seen);
        self.net.act(|state| {
            let result = act(state, link);
            *seen = state.changes;
            result
        })
    }
}

impl Drop for SimClient {
    fn drop(&mut self) {
        self.net.act(|state| state.close(self.link, Side::Client));
    }
}
