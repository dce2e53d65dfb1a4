//! The least a single-threaded epoll server can do; what a request costs here is the kernel's.
//!
//! Per wake-up of a connection: one receive, count the blank lines, one send of that many copies
//! of a fixed response. Nothing is parsed, nothing is stored per connection but its socket and
//! how much of a long response is still to be sent. The size of the response is chosen by one byte
//! of the path; a connection whose request ends with "close" is closed with the response, in one
//! packet. A connection is registered if it is still open when its first request is answered.
//!
//! `turn.rs` waits for events, `echo.rs` is the least of an echo, `tls.rs` the same over rustls.
//! Not here: HTTP. A blank line cut in two by a packet border is not seen, and neither is a request
//! with a body.

mod echo;
mod tls;
mod turn;

use std::net::TcpListener;
use std::ops::Range;
use std::os::fd::{AsRawFd, OwnedFd};

use anyhow::{Context, Result, bail};
use memchr::memmem;
use peer_listen::{Service, site};
use rustix::event::epoll;
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, recv, send};

use crate::turn::{READS, Turn};

/// What the last request of a connection ends with.
const CLOSE: &[u8] = b"close\r\n\r\n";

/// Holds any batch of requests the load generator sends at once.
const RECEIVE_BYTES: usize = 64 * 1024;

/// Responses one receive may ask for: a full buffer of the shortest thing counted.
const MAX_BATCH: usize = RECEIVE_BYTES / 4;

/// Where the path's first letter stands in a GET.
const PATH_AT: usize = "GET /".len();

fn main() -> Result<()> {
    let options = peer_listen::options()?;
    let listener = options.listener()?;
    match &options.service {
        Service::Http => turn::run(&mut Server::new(listener).context("cannot set up epoll")?),
        Service::Echo(_) => echo::run(listener),
        Service::Tls { certificate, key } => tls::run(listener, certificate, key),
        Service::Http2 => bail!("HTTP/2 has no limit: its frames have to be read"),
    }
}

struct Server {
    epoll: OwnedFd,
    listener: TcpListener,
    /// Indexed by descriptor, which the kernel keeps dense.
    connections: Vec<Option<Connection>>,
    input: Vec<u8>,
    /// [`MAX_BATCH`] responses in a row; a batch is a slice of it.
    hellos: Vec<u8>,
    hello_bytes: usize,
    /// The long responses, which a socket may not take at once.
    long: Vec<u8>,
    sized_64k: Range<usize>,
    sized_1m: Range<usize>,
    blank_line: memmem::Finder<'static>,
}

struct Connection {
    socket: OwnedFd,
    /// What is still to be sent of [`Server::long`].
    pending: Range<usize>,
    is_registered: bool,
    /// Whether we are told when more can be sent.
    awaits_space: bool,
}

impl Server {
    fn new(listener: TcpListener) -> rustix::io::Result<Self> {
        let epoll = turn::watch(&listener)?;
        let hello = response(site::HELLO);
        let mut long = response(site::SIZED_64K);
        let sized_64k = 0..long.len();
        long.extend_from_slice(&response(site::SIZED_1M));
        let sized_1m = sized_64k.end..long.len();
        Ok(Self {
            epoll,
            listener,
            connections: Vec::new(),
            input: vec![0; RECEIVE_BYTES],
            hellos: hello.repeat(MAX_BATCH),
            hello_bytes: hello.len(),
            long,
            sized_64k,
            sized_1m,
            blank_line: memmem::Finder::new(b"\r\n\r\n"),
        })
    }

    /// Receives and answers; returns whether the connection is of further use.
    fn serve(&mut self, key: usize) -> bool {
        let Some(connection) = &mut self.connections[key] else { return true };
        if !connection.pending.is_empty() {
            return send_long(&self.epoll, key, connection, &self.long).is_ok();
        }
        loop {
            let socket = &connection.socket;
            let received = match recv(socket, &mut self.input[..], RecvFlags::empty()) {
                Ok((received, _)) if received > 0 => received,
                Err(Errno::AGAIN) => return true,
                // The end of the stream, or an error: either way the peer has gone.
                _ => return false,
            };
            let input = &self.input[..received];
            let asked = self.blank_line.find_iter(input).count();
            let long = match input.get(PATH_AT) {
                Some(b'1') if asked > 0 => &self.sized_1m,
                Some(b'6') if asked > 0 => &self.sized_64k,
                _ => &(0..0),
            };
            if !long.is_empty() {
                connection.pending = long.clone();
                return send_long(&self.epoll, key, connection, &self.long).is_ok();
            }
            let batch = &self.hellos[..asked * self.hello_bytes];
            let is_last = input.ends_with(CLOSE);
            let more = if is_last { SendFlags::MORE } else { SendFlags::empty() };
            // A client that does not read its responses is not one we measure with.
            if asked > 0 && send(socket, batch, SendFlags::NOSIGNAL | more) != Ok(batch.len()) {
                return false;
            }
            if is_last {
                return false;
            }
            // A short read means that the socket is empty; asking again would cost a call.
            if received < self.input.len() {
                return true;
            }
        }
    }
}

impl Turn for Server {
    fn epoll(&self) -> &OwnedFd {
        &self.epoll
    }

    fn accept(&mut self) -> Result<()> {
        let Some(socket) = turn::accept(&self.listener)? else { return Ok(()) };
        let key = usize::try_from(socket.as_raw_fd())?;
        if self.connections.len() <= key {
            self.connections.resize_with(key + 1, || None);
        }
        let connection =
            Connection { socket, pending: 0..0, is_registered: false, awaits_space: false };
        self.connections[key] = Some(connection);
        if !self.serve(key) {
            self.connections[key] = None;
        }
        let Some(connection) = &mut self.connections[key] else { return Ok(()) };
        let space = if connection.awaits_space { epoll::EventFlags::OUT } else { READS };
        let data = epoll::EventData::new_u64(key as u64);
        epoll::add(&self.epoll, &connection.socket, data, READS | space)?;
        connection.is_registered = true;
        Ok(())
    }

    fn on_event(&mut self, key: usize, flags: epoll::EventFlags) {
        let is_open = self.serve(key);
        // The end of the stream may have arrived with the last bytes, behind the short read.
        if !is_open || flags.intersects(epoll::EventFlags::RDHUP | epoll::EventFlags::HUP) {
            self.connections[key] = None;
        }
    }
}

/// Sends what is left of a long response, as far as the socket takes it.
fn send_long(
    epoll: &OwnedFd,
    key: usize,
    connection: &mut Connection,
    long: &[u8],
) -> rustix::io::Result<()> {
    while !connection.pending.is_empty() {
        let rest = &long[connection.pending.clone()];
        match send(&connection.socket, rest, SendFlags::NOSIGNAL) {
            Ok(sent) => connection.pending.start += sent,
            Err(Errno::AGAIN) => {
                if !connection.awaits_space {
                    connection.awaits_space = true;
                    if connection.is_registered {
                        let interest = READS | epoll::EventFlags::OUT;
                        let data = epoll::EventData::new_u64(key as u64);
                        epoll::modify(epoll, &connection.socket, data, interest)?;
                    }
                }
                return Ok(());
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// A response with `body`, with a head as long as real servers'.
fn response(body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 200 OK\r\n\
        content-length: {}\r\n\
        content-type: text/plain\r\n\
        date: Thu, 01 Jan 1970 00:00:00 GMT\r\n\
        server: limit\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}
