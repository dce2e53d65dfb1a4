//! [`Protocol`]: a protocol of the program's own, run by the worker as HTTP is.
//!
//! Not here: what it may do with its connection (`io.rs`), and who calls it when (`mod.rs`).

use super::Io;
use crate::Detached;
use crate::response::BoxError;

/// A protocol that a program brings: what one connection knows, and what it does when something
/// happens to it.
///
/// The worker calls it, and everything that it does is done at once: it must not block. What it
/// writes is sent when the worker's turn is over, in one go. [`Service::protocol`] makes a service
/// of it; whoever prefers to wait for bytes writes an `async` function instead ([`Service::tcp`]).
///
/// A panic in it, and an error that it returns, go to [`Server::on_error`] and end its connection;
/// of an error the hook may decide otherwise. No other connection is harmed.
///
/// ```
/// use wharf::{BoxError, Io, Protocol, Server, Service};
///
/// /// Sends each line back.
/// struct Lines;
///
/// impl Protocol for Lines {
///     fn on_bytes(&mut self, bytes: &[u8], io: &mut Io<'_>) -> Result<usize, BoxError> {
///         let whole = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
///         io.write(&bytes[..whole]);
///         Ok(whole)
///     }
/// }
///
/// let server = Server::with(Service::protocol(|| Lines)).listen("127.0.0.1:0")?;
/// # let _ = server;
/// # Ok::<(), wharf::Error>(())
/// ```
///
/// [`Server::on_error`]: crate::Server::on_error
/// [`Service::protocol`]: crate::Service::protocol
/// [`Service::tcp`]: crate::Service::tcp
pub trait Protocol: 'static {
    /// The connection was taken on; over TLS, once hands were shaken. The place to greet the peer
    /// first. Does nothing by default.
    ///
    /// # Errors
    ///
    /// Whatever ends the connection.
    fn on_open(&mut self, io: &mut Io<'_>) -> Result<(), BoxError> {
        let _ = io;
        Ok(())
    }

    /// Bytes came. Returns how many of them are dealt with: the others are kept and come again,
    /// with more behind them, or once the output was taken if there was no room for more
    /// ([`Io::room`]).
    ///
    /// At most [`Io::MAX_UNREAD_BYTES`] are kept: if that is not enough to deal with any of them,
    /// the connection ends ([`Limit::Unread`](crate::Limit::Unread)).
    ///
    /// # Errors
    ///
    /// Whatever ends the connection.
    fn on_bytes(&mut self, bytes: &[u8], io: &mut Io<'_>) -> Result<usize, BoxError>;

    /// The peer will send no more, or is not listened to any longer since the server drains and
    /// nothing is under way; `unread` is what was not dealt with. Ends the connection by default,
    /// once the output was taken.
    ///
    /// # Errors
    ///
    /// Whatever ends the connection.
    fn on_end(&mut self, unread: &[u8], io: &mut Io<'_>) -> Result<(), BoxError> {
        let _ = unread;
        io.finish();
        Ok(())
    }

    /// All output was handed to the system: there is room for more. Does nothing by default.
    ///
    /// # Errors
    ///
    /// Whatever ends the connection.
    fn on_sent(&mut self, io: &mut Io<'_>) -> Result<(), BoxError> {
        let _ = io;
        Ok(())
    }

    /// Somebody has used the waker ([`Io::waker`]). Does nothing by default.
    ///
    /// # Errors
    ///
    /// Whatever ends the connection.
    fn on_wake(&mut self, io: &mut Io<'_>) -> Result<(), BoxError> {
        let _ = io;
        Ok(())
    }

    /// The time has come that was set with [`Io::set_timeout`]. Ends the connection by default.
    ///
    /// # Errors
    ///
    /// Whatever ends the connection.
    fn on_timeout(&mut self, io: &mut Io<'_>) -> Result<(), BoxError> {
        io.finish();
        Ok(())
    }

    /// The server has begun to drain: what is under way may be finished, until the drain's
    /// deadline. A connection that is taken on in a drain is told right behind
    /// [`on_open`](Self::on_open). Does nothing by default: a connection that
    /// [is idle](Self::is_idle) is closed a moment later.
    ///
    /// # Errors
    ///
    /// Whatever ends the connection.
    fn on_drain(&mut self, io: &mut Io<'_>) -> Result<(), BoxError> {
        let _ = io;
        Ok(())
    }

    /// The connection has left the server, as was asked for with [`Io::detach`]: this is called
    /// last. Drops the connection by default, which closes it.
    ///
    /// # Errors
    ///
    /// Whatever [`Server::on_error`](crate::Server::on_error) should be told.
    fn on_detached(&mut self, detached: Detached) -> Result<(), BoxError> {
        drop(detached);
        Ok(())
    }

    /// Whether nothing is under way, so that the connection may be closed by either side without a
    /// loss. Default: yes, since what comes is dealt with as it comes. Where it says no, a server
    /// that ends resets the connection, so that its peer can tell that something is missing.
    ///
    /// Who waits for something else than its peer, such as a [job](Io::spawn_blocking), says no
    /// meanwhile.
    ///
    /// It is asked when the output was taken and all that came was dealt with. A connection that is
    /// idle and was not asked for anything ([`Io::pause`], [`Io::set_timeout`])
    /// holds nothing but this value.
    fn is_idle(&self) -> bool {
        true
    }
}
