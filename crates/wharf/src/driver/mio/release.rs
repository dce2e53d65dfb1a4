//! Connections that leave the driver with their sockets.
//!
//! Not here: those that are closed (`mod.rs`).

use std::net;

use mio::net::TcpStream;

use super::{MioDriver, Ready};
use crate::driver::{Key, Released, Step};

/// A connection that is to be given up.
#[derive(Debug)]
pub(super) struct Leaving {
    key: Key,
    /// What was received and not told.
    unread: Vec<u8>,
}

impl MioDriver {
    /// Stops receiving. The socket is given up behind what is to be told before, so that the
    /// connection can still be closed.
    pub(super) fn begin_release(&mut self, key: Key) {
        let Some(slot) = self.slot(key) else { return };
        debug_assert!(slot.unsent.is_none(), "nothing is being sent");
        slot.receiving = false;
        let unread = self.batch.take_back(key);
        self.ready.push_back(Ready::Leaving(Box::new(Leaving { key, unread })));
    }

    /// Gives the socket up, unless it was closed meanwhile.
    pub(super) fn give_up(&mut self, leaving: Leaving) -> Option<Step<TcpStream>> {
        let Leaving { key, unread } = leaving;
        let mut stream = self.slot(key)?.stream.take()?;
        self.free.push(key.index);
        // It fails only if the socket was not in the poll.
        let _ = self.poll.registry().deregister(&mut stream);
        let socket = net::TcpStream::from(stream);
        Some(match socket.set_nonblocking(false) {
            Ok(()) => Step::Released(Released { key, socket, unread }),
            Err(error) => Step::Failed(key, error),
        })
    }
}
