//! A connection that carries bytes both ways without blocking, encrypted or not.
//!
//! Not here: what the bytes say, and waiting for the socket where many are waited for at once.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, connect, socket_with, sockopt};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};

/// What is encrypted at a time: a record.
const PIECE_BYTES: usize = 16 << 10;

/// What is received at a time.
const RECEIVE_BYTES: usize = 64 << 10;

/// A server that takes longer to accept is not working.
const DIAL_TIMEOUT: Duration = Duration::from_secs(5);

/// What stands between a connection and its bytes.
#[derive(Clone, Debug)]
pub enum Transport {
    /// Nothing.
    Plain,
    /// TLS, configured so.
    Tls(Arc<ClientConfig>),
}

/// A connection to a server.
#[derive(Debug)]
pub struct Link {
    stream: TcpStream,
    tls: Option<Box<ClientConnection>>,
    /// Bytes to send, from `sent` on.
    out: Vec<u8>,
    sent: usize,
}

impl Link {
    /// Connects from the address that the system chooses.
    ///
    /// # Errors
    ///
    /// When nobody accepts in time.
    pub fn dial(address: SocketAddr, transport: &Transport) -> io::Result<Self> {
        Self::dial_from(Ipv4Addr::UNSPECIFIED, address, transport)
    }

    /// Connects from `source`, which matters where one address has not enough ports.
    ///
    /// # Errors
    ///
    /// When nobody accepts in time, or `source` has no port left.
    pub fn dial_from(
        source: Ipv4Addr,
        address: SocketAddr,
        transport: &Transport,
    ) -> io::Result<Self> {
        let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
        let socket = socket_with(family, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
        // On Linux this bounds connecting, too.
        sockopt::set_socket_timeout(&socket, sockopt::Timeout::Send, Some(DIAL_TIMEOUT))?;
        if address.is_ipv4() && !source.is_unspecified() {
            bind(&socket, &SocketAddr::from((source, 0)))?;
        }
        connect(&socket, &address)?;
        let stream = TcpStream::from(socket);
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        let tls = match transport {
            Transport::Plain => None,
            Transport::Tls(config) => {
                let name = ServerName::try_from("localhost").expect("it is a name");
                let tls = ClientConnection::new(Arc::clone(config), name);
                Some(Box::new(tls.map_err(io::Error::other)?))
            }
        };
        Ok(Self { stream, tls, out: Vec::new(), sent: 0 })
    }

    /// Where bytes are put that are to be sent.
    pub fn out(&mut self) -> &mut Vec<u8> {
        &mut self.out
    }

    /// How many bytes were put there and not taken by the system, as far as we know.
    #[must_use]
    pub fn backlog(&self) -> usize {
        let encrypted = self.tls.as_ref().is_some_and(|tls| tls.wants_write());
        self.out.len() - self.sent + usize::from(encrypted)
    }

    /// Sends as much as the system takes.
    ///
    /// # Errors
    ///
    /// When the connection is broken.
    pub fn flush(&mut self) -> io::Result<()> {
        loop {
            let done = match &mut self.tls {
                Some(tls) if tls.wants_write() => tls.write_tls(&mut self.stream).map(|_| 0),
                Some(_) if self.sent == self.out.len() => return self.settle(),
                // As far as the session takes it before the handshake is over.
                Some(tls) if tls.is_handshaking() => return Ok(()),
                Some(tls) => {
                    let end = self.out.len().min(self.sent + PIECE_BYTES);
                    tls.writer().write(&self.out[self.sent..end])
                }
                None if self.sent == self.out.len() => return self.settle(),
                None => self.stream.write(&self.out[self.sent..]),
            };
            match done {
                Ok(len) => self.sent += len,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }

    /// Everything is sent: the storage is used again.
    fn settle(&mut self) -> io::Result<()> {
        self.out.clear();
        self.sent = 0;
        Ok(())
    }

    /// Appends what has come to `into`, and returns whether the server has closed. Sends what TLS
    /// has to say to it.
    ///
    /// # Errors
    ///
    /// When the connection is broken, or what comes is not TLS as it should be.
    pub fn receive(&mut self, into: &mut Vec<u8>) -> io::Result<bool> {
        let mut buffer = [0; RECEIVE_BYTES];
        let is_over = loop {
            let Some(tls) = &mut self.tls else {
                match self.stream.read(&mut buffer) {
                    Ok(0) => break true,
                    Ok(len) => into.extend_from_slice(&buffer[..len]),
                    Err(error) if error.kind() == ErrorKind::WouldBlock => break false,
                    Err(error) => return Err(error),
                }
                continue;
            };
            match tls.read_tls(&mut self.stream) {
                Ok(0) => break true,
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break false,
                Err(error) => return Err(error),
            }
            tls.process_new_packets().map_err(io::Error::other)?;
            loop {
                match tls.reader().read(&mut buffer) {
                    Ok(0) => break,
                    Ok(len) => into.extend_from_slice(&buffer[..len]),
                    Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                    Err(error) => return Err(error),
                }
            }
        };
        if self.tls.is_some() {
            self.flush()?;
        }
        Ok(is_over)
    }

    /// Begins new keys for what is sent, and asks the server to do the same.
    ///
    /// # Errors
    ///
    /// When that is not possible yet.
    pub fn update_keys(&mut self) -> io::Result<()> {
        let Some(tls) = &mut self.tls else { return Err(ErrorKind::Unsupported.into()) };
        tls.refresh_traffic_keys().map_err(io::Error::other)
    }

    /// Whether the handshake of TLS goes on.
    #[must_use]
    pub fn is_handshaking(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.is_handshaking())
    }

    /// Has the connection reset when it is dropped, so that its port is free at once.
    ///
    /// # Errors
    ///
    /// When the system refuses.
    pub fn reset_at_end(&self) -> io::Result<()> {
        Ok(sockopt::set_socket_linger(&self.stream, Some(Duration::ZERO))?)
    }

    /// Keeps what the system holds for us to read small: a peer that does not read is noticed
    /// sooner.
    ///
    /// # Errors
    ///
    /// When the system refuses.
    pub fn set_receive_buffer(&self, bytes: usize) -> io::Result<()> {
        Ok(sockopt::set_socket_recv_buffer_size(&self.stream, bytes)?)
    }

    /// Waits until something has come.
    ///
    /// # Errors
    ///
    /// When nothing has by `deadline`.
    pub fn wait(&self, deadline: Instant) -> io::Result<()> {
        let left = deadline.saturating_duration_since(Instant::now());
        let left = Timespec::try_from(left).map_err(io::Error::other)?;
        match poll(&mut [PollFd::new(&self.stream, PollFlags::IN)], Some(&left))? {
            0 => Err(ErrorKind::TimedOut.into()),
            _ => Ok(()),
        }
    }
}

impl AsFd for Link {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}
