//! Connections that leave the driver with their sockets.
//!
//! The kernel may be receiving, so that it is told to stop first: what has come by the time it says
//! that it has is held, as for any connection that does not receive. Not here: connections that are
//! closed (`mod.rs`).

use std::net::TcpStream;

use super::UringDriver;
use super::slot::Wanted;
use crate::driver::{Key, Released, Step};

impl UringDriver {
    /// Has the kernel stop whatever it does for the connection.
    pub(super) fn begin_release(&mut self, key: Key) {
        let Some(slot) = self.slot_mut(key) else { return };
        debug_assert!(slot.sending.is_none() && slot.paused.is_none(), "nothing is being sent");
        slot.wanted = Wanted::Socket;
        self.note(key.index);
    }

    /// Gives the socket up, if it is wanted and the kernel has stopped. It blocks, since the ring
    /// waits only on sockets that do.
    pub(super) fn give_up(&mut self, key: Key) -> Option<Step<TcpStream>> {
        let slot = self.slot_mut(key)?;
        let (socket, unread) = slot.leave()?;
        self.free.push(key.index);
        let socket = TcpStream::from(socket.into_fd());
        Some(Step::Released(Released { key, socket, unread }))
    }
}
