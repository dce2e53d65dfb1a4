//! [`Io`]: what a protocol of the program's own may do with its connection.
//!
//! Not here: when it is asked to (`protocol.rs`), and what the worker does about it (`mod.rs`).

use std::net::SocketAddr;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use bytes::Bytes;

use super::{Link, Queued};
use crate::DetachError;
use crate::ServerRef;
use crate::conn::wire::{Ending, HIGH_WATER_BYTES, Wire};
use crate::conn::{Context, PackedAddrs};
use crate::driver::Close;
use crate::observe::{CloseReason, ConnectionId};
use crate::peer::PeerAddr;
use crate::pool;
use crate::tls::TlsInfo;

/// Bytes up to this number are copied behind the output; more are sent from where they are.
const COPY_BYTES: usize = 16 << 10;

/// A connection, for the [`Protocol`](crate::Protocol) that is spoken on it.
///
/// What is written is sent when the worker's turn is over, together with all that others write.
pub struct Io<'a> {
    pub(super) wire: &'a mut Wire,
    pub(super) link: &'a mut Link,
    pub(super) context: &'a Context<'a>,
}

impl Io<'_> {
    /// How many bytes that were not dealt with are kept, in bytes: 64 KiB.
    pub const MAX_UNREAD_BYTES: usize = 64 << 10;

    /// Writes bytes behind the output. Nothing is written once the connection ends.
    pub fn write(&mut self, bytes: &[u8]) {
        if self.is_open() {
            pool::fill_up(&mut self.wire.output.buffer);
            self.wire.output.append(bytes);
        }
    }

    /// Writes bytes behind the output that are sent from where they are, if they are many.
    pub fn write_owned(&mut self, bytes: impl Into<Bytes>) {
        let bytes = bytes.into();
        if bytes.len() <= COPY_BYTES || self.wire.output.has_tail() {
            return self.write(&bytes);
        }
        if self.is_open() {
            self.wire.output.set_tail(bytes);
        }
    }

    /// Writes all of `buffer` behind the output and leaves it empty, perhaps with another storage:
    /// where nothing else is to be sent, nothing is copied.
    pub fn append(&mut self, buffer: &mut Vec<u8>) {
        if self.is_open() && self.wire.output.is_empty() {
            self.wire.output.clear();
            std::mem::swap(&mut self.wire.output.buffer, buffer);
        } else {
            self.write(buffer);
        }
        buffer.clear();
    }

    /// Whether all that was written was handed to the system.
    #[must_use]
    pub fn is_all_sent(&self) -> bool {
        self.wire.is_all_sent()
    }

    /// How many bytes should still be written before the peer has taken some, at most 64 KiB. More
    /// may be written at any time; while there is no room, nothing that the peer sends is dealt
    /// with.
    #[must_use]
    pub fn room(&self) -> usize {
        let is_full = self.wire.output.has_tail() || !self.is_open();
        if is_full { 0 } else { HIGH_WATER_BYTES.saturating_sub(self.wire.output.len()) }
    }

    /// Ends the connection once the output was sent. What the peer still sends is dropped.
    pub fn finish(&mut self) {
        self.end(
            CloseReason::Finished,
            if self.wire.eof { Ending::Close(Close::Graceful) } else { Ending::Linger },
        );
    }

    /// Ends the connection at once in a way that its peer can tell (a reset).
    pub fn abort(&mut self) {
        self.wire.set_reason(CloseReason::Failed);
        self.wire.ending = Some(Ending::Cut);
    }

    /// Tells the peer that nothing more will be sent, once the output was, and goes on receiving.
    pub fn shutdown_send(&mut self) {
        if self.is_open() {
            self.link.is_half_closed = true;
            self.wire.ending = Some(Ending::HalfClose);
        }
    }

    fn end(&mut self, reason: CloseReason, ending: Ending) {
        if self.wire.ending == Some(Ending::Detach) {
            return;
        }
        self.wire.set_reason(reason);
        // What was decided on before may be under way, but for the half of an end.
        if matches!(self.wire.ending, None | Some(Ending::HalfClose)) {
            self.wire.ending = Some(ending);
        }
    }

    /// Has the connection leave the server once the output was sent: its socket is given to
    /// [`on_detached`](crate::Protocol::on_detached), with what was not dealt with. Until then
    /// nothing is called any more and nothing can be written; if the connection is lost meanwhile,
    /// or the server ends, that is the end of it.
    ///
    /// # Errors
    ///
    /// [`DetachError::Twice`], and [`DetachError::Over`] if the connection ends.
    pub fn detach(&mut self) -> Result<(), DetachError> {
        if self.link.leaves {
            return Err(DetachError::Twice);
        }
        match self.wire.ending {
            None => self.wire.ending = Some(Ending::Detach),
            // It leaves behind that.
            Some(Ending::HalfClose) => {}
            Some(_) => return Err(DetachError::Over),
        }
        self.link.leaves = true;
        self.link.due = None;
        Ok(())
    }

    /// Whether something can still be written.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.wire.ending.is_none() && !self.link.is_half_closed
    }

    /// Has the peer wait: what it sends is left with the system until [`resume`](Self::resume).
    pub fn pause(&mut self) {
        self.link.is_paused = true;
    }

    /// Takes what the peer sends again, beginning with what is kept.
    pub fn resume(&mut self) {
        self.link.is_paused = false;
    }

    /// Calls [`on_timeout`](crate::Protocol::on_timeout) when so much time is over, or never.
    ///
    /// It stands beside the server's own bounds: a peer that takes nothing of what it is sent
    /// ([`Timeouts::write`](crate::Timeouts::write)), and nothing that comes or goes at all
    /// ([`Timeouts::tunnel`](crate::Timeouts::tunnel)).
    pub fn set_timeout(&mut self, timeout: Option<Duration>) {
        let now = self.context.clock.now();
        self.link.due = timeout.and_then(|timeout| now.checked_add(timeout));
    }

    /// How long the peer may take nothing of what it is sent, in place of
    /// [`Timeouts::write`](crate::Timeouts::write) and
    /// [`Timeouts::write_rate`](crate::Timeouts::write_rate). The connection is reset then.
    pub fn set_write_timeout(&mut self, timeout: Duration) {
        self.wire.write_timeout = Some(timeout);
    }

    /// Has a thread of the server's [`BlockingPool`](crate::BlockingPool) run `job`, which may
    /// block. It tells of what came of it by the [`waker`](Self::waker), if at all.
    ///
    /// While all threads are busy the job waits, and not for ever: it is dropped then, as it is
    /// where too many wait, and the connection ends
    /// ([`Limit::BlockingWait`](crate::Limit::BlockingWait),
    /// [`Limit::BlockingQueue`](crate::Limit::BlockingQueue)). So is a job that has not begun when
    /// the connection ends.
    pub fn spawn_blocking(&mut self, job: impl FnOnce() + Send + 'static) {
        match self.context.threads.submit(Box::new(job)) {
            Ok(ticket) => {
                let due = self.context.clock.now().checked_add(self.context.blocking.wait());
                self.link.push(Queued { ticket, due });
            }
            Err(_) => self.link.was_refused = true,
        }
    }

    /// How long nothing may come or go before the server ends the connection, in place of
    /// [`Timeouts::tunnel`](crate::Timeouts::tunnel). It counts from what comes or goes next.
    pub fn set_idle_timeout(&mut self, timeout: Duration) {
        self.link.idle_timeout = Some(timeout);
    }

    /// Has [`on_wake`](crate::Protocol::on_wake) called, from any thread: for what is done
    /// elsewhere.
    ///
    /// Somebody who keeps a clone for longer than the connection wakes nobody.
    pub fn waker(&mut self) -> &Waker {
        let (key, wakes) = (self.link.id.key(), self.context.wakes);
        self.link.waker.get_or_insert_with(|| wakes.waker(key))
    }

    /// Where the connection comes from.
    #[must_use]
    pub const fn peer_addr(&self) -> PeerAddr {
        self.link.addrs.peer
    }

    /// The address on which it was accepted; `None` on a Unix socket.
    #[must_use]
    pub const fn local_addr(&self) -> Option<SocketAddr> {
        self.link.addrs.local
    }

    /// Names the connection.
    #[must_use]
    pub const fn connection_id(&self) -> ConnectionId {
        self.link.id
    }

    /// Both addresses, in few bytes.
    pub(crate) fn packed_addrs(&self) -> PackedAddrs {
        PackedAddrs::new(self.link.addrs)
    }

    pub(crate) fn shared_tls_info(&self) -> Option<Arc<TlsInfo>> {
        self.link.tls.clone()
    }

    #[cfg(feature = "tls")]
    pub(crate) fn tls_info(&self) -> Option<&TlsInfo> {
        self.link.tls.as_deref()
    }

    /// The server that has it.
    #[must_use]
    pub fn server(&self) -> &ServerRef {
        self.context.env.server()
    }

    /// Whether the server was told to end.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.context.is_draining()
    }
}

impl std::fmt::Debug for Io<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Io").field("connection_id", &self.link.id).finish_non_exhaustive()
    }
}
