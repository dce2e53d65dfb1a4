//! What can be done with a [`Stream`], and with a half of it.
//!
//! Not here: waiting on a thread (`blocking.rs`), and the traits of others.

use std::fmt;
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::time::Duration;

use super::{ReadHalf, Stream, WriteHalf};
use crate::ServerRef;
use crate::observe::ConnectionId;
use crate::peer::PeerAddr;
use crate::signal::Signal;

macro_rules! reads {
    ($type:ty) => {
        impl $type {
            /// Waits until something has come, and copies as much of it as fits into `buffer`. 0 is
            /// the end: the peer will send no more, or `buffer` is empty.
            ///
            /// # Errors
            ///
            /// The connection is over, or nothing came in
            /// [time](Self::set_read_timeout): then it may be tried again.
            pub async fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                if buffer.is_empty() {
                    return Ok(0);
                }
                poll_fn(|cx| self.shared.poll_read(cx, |bytes| copy(bytes, buffer))).await
            }

            /// Fills `buffer`.
            ///
            /// # Errors
            ///
            /// [`UnexpectedEof`](io::ErrorKind::UnexpectedEof) if the peer ends before; otherwise
            /// as [`read`](Self::read). What came is lost then.
            pub async fn read_exact(&mut self, buffer: &mut [u8]) -> io::Result<()> {
                let mut filled = 0;
                while filled < buffer.len() {
                    match self.read(&mut buffer[filled..]).await? {
                        0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                        len => filled += len,
                    }
                }
                Ok(())
            }

            /// As [`read`](Self::read), and the bytes will be read again.
            ///
            /// # Errors
            ///
            /// As [`read`](Self::read).
            pub async fn peek(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                poll_fn(|cx| self.shared.poll_peek(cx, buffer)).await
            }

            /// How long a read waits at most before it fails with
            /// [`TimedOut`](io::ErrorKind::TimedOut). Default: as long as the server waits for
            /// anything to come or go ([`Timeouts::tunnel`](crate::Timeouts::tunnel) or
            /// `set_idle_timeout`), which ends the connection; longer than that has no effect.
            pub fn set_read_timeout(&self, timeout: Option<Duration>) {
                self.shared.change(|state| {
                    state.wish().read_timeout = timeout;
                    state.waits += 1;
                });
            }

            /// Says that nothing is under way until something comes: a server that drains may end
            /// the connection. Reading says then that the peer will send no more.
            ///
            /// Who speaks in turns with its peer calls it before it reads the next message, so that
            /// a server's end need not wait for peers that have nothing to say.
            pub fn mark_idle(&self) {
                let mut state = self.shared.lock();
                state.is_idle = state.unread_bytes() == 0;
            }
        }
    };
}

reads!(Stream);
reads!(ReadHalf);

macro_rules! writes {
    ($type:ty) => {
        impl $type {
            /// Waits until there is room, and takes as much of `bytes` as there is room for.
            ///
            /// # Errors
            ///
            /// The connection is over, or was [shut](Self::shutdown_write).
            pub async fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.write_vectored(&[IoSlice::new(bytes)]).await
            }

            /// As [`write`](Self::write), of several slices in a row.
            ///
            /// # Errors
            ///
            /// As [`write`](Self::write).
            pub async fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
                poll_fn(|cx| self.shared.poll_write(cx, slices)).await
            }

            /// Takes all of `bytes`, waiting for room as often as that takes.
            ///
            /// # Errors
            ///
            /// As [`write`](Self::write).
            pub async fn write_all(&mut self, mut bytes: &[u8]) -> io::Result<()> {
                while !bytes.is_empty() {
                    let written = self.write(bytes).await?;
                    bytes = &bytes[written..];
                }
                Ok(())
            }

            /// Waits until everything that was written was handed to the system. What is written
            /// is sent without that as well, at the end of the worker's turn.
            ///
            /// # Errors
            ///
            /// The connection is over.
            pub async fn flush(&mut self) -> io::Result<()> {
                poll_fn(|cx| self.shared.poll_flush(cx)).await
            }

            /// Tells the peer that nothing more will be sent, behind what was written. What the
            /// peer sends still comes.
            ///
            /// # Errors
            ///
            /// The connection is over.
            pub fn shutdown_write(&mut self) -> io::Result<()> {
                self.shared.shut()
            }

            /// How long the peer may take nothing of what it is sent, in place of
            /// [`Timeouts::write`](crate::Timeouts::write) and
            /// [`Timeouts::write_rate`](crate::Timeouts::write_rate). The connection is reset then.
            pub fn set_write_timeout(&self, timeout: Duration) {
                self.shared.change(|state| state.wish().write_timeout = Some(timeout));
            }
        }
    };
}

writes!(Stream);
writes!(WriteHalf);

macro_rules! knows {
    ($type:ident) => {
        impl $type {
            /// How long nothing may come or go before the server ends the connection, in place of
            /// [`Timeouts::tunnel`](crate::Timeouts::tunnel): for peers that may be silent for
            /// hours, or for handlers that work for as long. It counts from what comes or goes
            /// next.
            pub fn set_idle_timeout(&self, timeout: Duration) {
                self.shared.change(|state| state.wish().idle_timeout = Some(timeout));
            }

            #[cfg_attr(not(feature = "tls"), expect(dead_code, reason = "nobody asks then"))]
            pub(crate) fn tls_info(&self) -> Option<&crate::tls::TlsInfo> {
                self.shared.facts.tls.as_deref()
            }

            /// Where the connection comes from.
            #[must_use]
            pub fn peer_addr(&self) -> PeerAddr {
                self.shared.facts.addrs.get().peer
            }

            /// The address on which it was accepted; `None` on a Unix socket.
            #[must_use]
            pub fn local_addr(&self) -> Option<SocketAddr> {
                self.shared.facts.addrs.get().local
            }

            /// Names the connection, as in the server's list and its hooks.
            #[must_use]
            pub fn connection_id(&self) -> ConnectionId {
                self.shared.facts.id
            }

            /// The server that has it.
            #[must_use]
            pub fn server(&self) -> &ServerRef {
                &self.shared.facts.server
            }

            /// Whether the server was told to end: what is under way may be finished, until the
            /// drain's deadline.
            #[must_use]
            pub fn is_draining(&self) -> bool {
                self.shared.lock().is_draining
            }

            /// Tells when the server was told to end, or the connection is over.
            #[must_use]
            pub fn draining(&self) -> Signal {
                self.shared.draining()
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let facts = &self.shared.facts;
                f.debug_struct(stringify!($type))
                    .field("id", &facts.id)
                    .field("peer_addr", &facts.addrs.get().peer)
                    .finish_non_exhaustive()
            }
        }
    };
}

knows!(Stream);
knows!(ReadHalf);
knows!(WriteHalf);

/// Copies as much as fits, and says how much that is.
pub(super) fn copy(bytes: &[u8], buffer: &mut [u8]) -> usize {
    let len = bytes.len().min(buffer.len());
    buffer[..len].copy_from_slice(&bytes[..len]);
    len
}
