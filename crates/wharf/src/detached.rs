//! [`Detached`]: a connection that has left its server with its socket, TLS, and unread bytes.
//!
//! Not here: how it leaves (`conn/leave.rs`), and who asks for that.

use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
#[cfg(unix)]
use std::os::fd::OwnedFd;
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::time::Duration;

use crate::peer::PeerAddr;
use crate::request::Addrs;
use crate::tls::{TlsError, TlsSession};

/// How much is read or encrypted at a time, in bytes: a record of TLS.
const PIECE_BYTES: usize = 16 << 10;

/// A connection that has left its server, given by [`Stream::detach`](crate::Stream::detach) and
/// [`Protocol::on_detached`](crate::Protocol::on_detached).
///
/// No worker, limit, deadline or drain has to do with it any more. Reads and writes block, begin
/// with what had come before it left, and go through TLS where that is spoken. Dropping it closes
/// the socket; over TLS [`shutdown_write`](Self::shutdown_write) comes before, or the peer takes
/// what it has for cut off.
pub struct Detached {
    socket: TcpStream,
    addrs: Addrs,
    /// What came; the first bytes of it were read.
    unread: Vec<u8>,
    read: usize,
    secure: Option<Box<Secured>>,
}

/// TLS of such a connection.
pub(crate) struct Secured {
    session: TlsSession,
    /// Encrypted bytes to be sent.
    cipher: Vec<u8>,
    scratch: Vec<u8>,
    /// The peer has said that it sends no more.
    has_ended: bool,
    /// The peer was told that nothing more is sent.
    is_shut: bool,
}

/// The socket of a connection that has left its server.
#[cfg(unix)]
#[derive(Debug)]
#[non_exhaustive]
pub enum DetachedSocket {
    /// That of TCP.
    Tcp(TcpStream),
    /// A Unix socket.
    Unix(UnixStream),
}

/// The socket of a connection that has left its server.
#[cfg(not(unix))]
#[derive(Debug)]
#[non_exhaustive]
pub enum DetachedSocket {
    /// That of TCP.
    Tcp(TcpStream),
}

/// Why a connection can't leave its server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DetachError {
    /// It is over, or ends.
    Over,
    /// It was asked for before.
    Twice,
}

/// Why there is no socket to be had: TLS is spoken on it.
#[derive(Debug)]
pub struct StillSecure(Detached);

impl StillSecure {
    /// The connection as it was.
    #[must_use]
    pub fn into_inner(self) -> Detached {
        self.0
    }
}

impl Detached {
    /// What of TLS is `unread` is what came behind the plain bytes.
    pub(crate) fn new(
        socket: TcpStream,
        addrs: Addrs,
        mut plain: Vec<u8>,
        secure: Option<Box<Secured>>,
        unread: &[u8],
    ) -> Self {
        let mut secure = secure;
        match &mut secure {
            None => plain.extend_from_slice(unread),
            // An error is found again by the next read.
            Some(secure) => drop(secure.decrypt(unread, &mut plain)),
        }
        Self { socket, addrs, unread: plain, read: 0, secure }
    }

    /// Has bytes read before all others.
    pub(crate) fn unread_first(&mut self, bytes: &[u8]) {
        self.unread.splice(..self.read, bytes.iter().copied());
        self.read = 0;
    }

    /// The socket, which blocks, and the bytes that come before what it still has.
    ///
    /// An asynchronous runtime takes it too: `set_nonblocking(true)`, then tokio's
    /// `TcpStream::from_std`.
    ///
    /// # Errors
    ///
    /// TLS is spoken on it, so that what goes over the socket is of no use without
    /// [the connection](StillSecure::into_inner).
    pub fn into_std(mut self) -> Result<(DetachedSocket, Vec<u8>), StillSecure> {
        if self.secure.is_some() {
            return Err(StillSecure(self));
        }
        self.unread.drain(..self.read);
        let socket = DetachedSocket::new(self.socket, self.addrs.peer);
        Ok((socket, self.unread))
    }

    /// The bytes that had come by now and were not read.
    #[must_use]
    pub fn unread(&self) -> &[u8] {
        &self.unread[self.read..]
    }

    /// Where the connection comes from.
    #[must_use]
    pub const fn peer_addr(&self) -> PeerAddr {
        self.addrs.peer
    }

    /// The address on which it was accepted; `None` on a Unix socket.
    #[must_use]
    pub const fn local_addr(&self) -> Option<SocketAddr> {
        self.addrs.local
    }

    /// How long a read blocks at most. Default: for ever.
    ///
    /// # Errors
    ///
    /// Those of the system, and a timeout of zero.
    pub fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.socket.set_read_timeout(timeout)
    }

    /// How long a write blocks at most. Default: for ever.
    ///
    /// # Errors
    ///
    /// Those of the system, and a timeout of zero.
    pub fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.socket.set_write_timeout(timeout)
    }

    /// Tells the peer that nothing more will be sent, behind what was written.
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn shutdown_write(&mut self) -> io::Result<()> {
        if let Some(secure) = &mut self.secure
            && !std::mem::replace(&mut secure.is_shut, true)
        {
            secure.session.close_notify(&mut secure.cipher);
            secure.flush(&mut self.socket)?;
        }
        self.socket.shutdown(Shutdown::Write)
    }
}

impl DetachedSocket {
    /// What connections of either kind have is a `TcpStream` to a driver.
    #[cfg(unix)]
    fn new(socket: TcpStream, peer: PeerAddr) -> Self {
        match peer {
            PeerAddr::Unix(_) => Self::Unix(UnixStream::from(OwnedFd::from(socket))),
            PeerAddr::Ip(_) => Self::Tcp(socket),
        }
    }

    #[cfg(not(unix))]
    const fn new(socket: TcpStream, _peer: PeerAddr) -> Self {
        Self::Tcp(socket)
    }
}

impl Read for Detached {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            let unread = &self.unread[self.read..];
            if !unread.is_empty() {
                let len = unread.len().min(buffer.len());
                buffer[..len].copy_from_slice(&unread[..len]);
                self.read += len;
                return Ok(len);
            }
            let Some(secure) = &mut self.secure else { return self.socket.read(buffer) };
            (self.unread, self.read) = (Vec::new(), 0);
            if secure.has_ended {
                return Ok(0);
            }
            secure.receive(&mut self.socket, &mut self.unread)?;
        }
    }
}

impl Write for Detached {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.secure {
            None => self.socket.write(bytes),
            Some(secure) => secure.write(&mut self.socket, bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.secure {
            None => self.socket.flush(),
            Some(secure) => secure.flush(&mut self.socket),
        }
    }
}

impl Secured {
    pub(crate) const fn new(session: TlsSession, has_ended: bool, is_shut: bool) -> Self {
        Self { session, cipher: Vec::new(), scratch: Vec::new(), has_ended, is_shut }
    }

    fn decrypt(&mut self, cipher: &[u8], plain: &mut Vec<u8>) -> Result<(), TlsError> {
        let Self { session, cipher: out, scratch, .. } = self;
        let received = session.receive(cipher, scratch, plain, out)?;
        self.has_ended |= received.is_closed;
        Ok(())
    }

    fn receive(&mut self, socket: &mut TcpStream, plain: &mut Vec<u8>) -> io::Result<()> {
        let mut cipher = [0; PIECE_BYTES];
        let len = socket.read(&mut cipher)?;
        if len == 0 {
            // Nobody has said so: it may be somebody else's doing.
            return Err(ErrorKind::UnexpectedEof.into());
        }
        let decrypted = self.decrypt(&cipher[..len], plain);
        // What has to be said may still be said with the next that is written.
        let _later = self.flush(socket);
        decrypted.map_err(|error| io::Error::new(ErrorKind::InvalidData, error))
    }

    fn write(&mut self, socket: &mut TcpStream, bytes: &[u8]) -> io::Result<usize> {
        if self.is_shut {
            return Err(ErrorKind::BrokenPipe.into());
        }
        self.flush(socket)?;
        let piece = &bytes[..bytes.len().min(PIECE_BYTES)];
        let Self { session, cipher, scratch, .. } = self;
        let encrypted = session.encrypt([piece, &[]], scratch, cipher);
        encrypted.map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
        match self.flush(socket) {
            // It was taken, and goes out before anything else.
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                Ok(piece.len())
            }
            flushed => flushed.map(|()| piece.len()),
        }
    }

    fn flush(&mut self, socket: &mut TcpStream) -> io::Result<()> {
        while !self.cipher.is_empty() {
            match socket.write(&self.cipher) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(len) => drop(self.cipher.drain(..len)),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Detached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Detached")
            .field("peer_addr", &self.addrs.peer)
            .field("unread_bytes", &self.unread().len())
            .field("is_secure", &self.secure.is_some())
            .finish_non_exhaustive()
    }
}

impl fmt::Display for DetachError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Over => "the connection is over",
            Self::Twice => "the connection leaves already",
        })
    }
}

impl std::error::Error for DetachError {}

impl fmt::Display for StillSecure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TLS is spoken on the connection")
    }
}

impl std::error::Error for StillSecure {}
