//! The least of TLS: rustls between one receive and one send per wake-up, and no HTTP in it.
//!
//! Clients close. Not here: responses that a socket does not take at once, and HTTP/2, which is not
//! offered.

use std::io::{self, Read, Write};
use std::net::TcpListener;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use memchr::memmem;
use peer_listen::site;
use rustix::event::epoll;
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, recv, send};
use rustls::{ServerConfig, ServerConnection};

use crate::turn::{self, READS, Turn};
use crate::{MAX_BATCH, RECEIVE_BYTES, response};

pub(crate) fn run(listener: TcpListener, certificate: &Path, key: &Path) -> Result<()> {
    let config = peer_listen::tls::config(certificate, key, &["http/1.1"])?;
    let epoll = turn::watch(&listener)?;
    let hello = response(site::HELLO);
    let buffers = Buffers {
        wire: vec![0; RECEIVE_BYTES],
        plain: vec![0; RECEIVE_BYTES],
        output: Vec::with_capacity(RECEIVE_BYTES),
        hellos: hello.repeat(MAX_BATCH),
        hello_bytes: hello.len(),
        blank_line: memmem::Finder::new(b"\r\n\r\n"),
    };
    turn::run(&mut Server { epoll, listener, config, connections: Vec::new(), buffers })
}

struct Server {
    epoll: OwnedFd,
    listener: TcpListener,
    config: Arc<ServerConfig>,
    /// Indexed by descriptor, which the kernel keeps dense.
    connections: Vec<Option<Connection>>,
    buffers: Buffers,
}

/// What connections have in common.
struct Buffers {
    wire: Vec<u8>,
    plain: Vec<u8>,
    output: Vec<u8>,
    /// [`MAX_BATCH`] responses in a row; a batch is a slice of it.
    hellos: Vec<u8>,
    hello_bytes: usize,
    blank_line: memmem::Finder<'static>,
}

struct Connection {
    socket: OwnedFd,
    session: ServerConnection,
}

impl Turn for Server {
    fn epoll(&self) -> &OwnedFd {
        &self.epoll
    }

    fn accept(&mut self) -> Result<()> {
        let Some(socket) = turn::accept(&self.listener)? else { return Ok(()) };
        let session = ServerConnection::new(Arc::clone(&self.config))?;
        let key = usize::try_from(socket.as_raw_fd())?;
        if self.connections.len() <= key {
            self.connections.resize_with(key + 1, || None);
        }
        epoll::add(&self.epoll, &socket, epoll::EventData::new_u64(key as u64), READS)?;
        self.connections[key] = Some(Connection { socket, session });
        Ok(())
    }

    fn on_event(&mut self, key: usize, flags: epoll::EventFlags) {
        let Some(connection) = &mut self.connections[key] else { return };
        let goes_on = connection.serve(&mut self.buffers).unwrap_or(false);
        // The end of the stream may have arrived with the last bytes, behind the short read.
        if !goes_on || flags.intersects(epoll::EventFlags::RDHUP | epoll::EventFlags::HUP) {
            self.connections[key] = None;
        }
    }
}

impl Connection {
    /// Receives and answers; returns whether the connection is of further use.
    fn serve(&mut self, buffers: &mut Buffers) -> Result<bool> {
        let received = match recv(&self.socket, &mut buffers.wire[..], RecvFlags::empty()) {
            Ok((received, _)) if received > 0 => received,
            Err(Errno::AGAIN) => return Ok(true),
            // The end of the stream, or an error: either way the peer has gone.
            _ => return Ok(false),
        };
        let mut wire = &buffers.wire[..received];
        while !wire.is_empty() {
            self.session.read_tls(&mut wire)?;
            self.session.process_new_packets()?;
            let plain = match self.session.reader().read(&mut buffers.plain) {
                Ok(plain) => plain,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
                Err(error) => return Err(error.into()),
            };
            let plain = &buffers.plain[..plain];
            let asked = buffers.blank_line.find_iter(plain).count();
            let batch = &buffers.hellos[..asked * buffers.hello_bytes];
            self.session.writer().write_all(batch)?;
        }
        buffers.output.clear();
        while self.session.wants_write() {
            self.session.write_tls(&mut buffers.output)?;
        }
        let output = &buffers.output[..];
        // A client that does not read its responses is not one we measure with.
        let sent =
            output.is_empty() || send(&self.socket, output, SendFlags::NOSIGNAL)? == output.len();
        Ok(sent)
    }
}
