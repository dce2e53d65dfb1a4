//! The least a single-threaded epoll server can do; what a request costs here is the kernel's.
//!
//! Per wake-up of a connection: one receive, count the blank lines, one send of that many copies
//! of a fixed response. Nothing is parsed, nothing is stored per connection but its socket.
//!
//! Not here: HTTP. A blank line cut in two by a packet border is not seen, and neither is a
//! request with a body; the load generator sends neither.

use std::net::TcpListener;
use std::os::fd::{AsRawFd, OwnedFd};

use anyhow::{Context, Result};
use memchr::memmem;
use rustix::buffer::spare_capacity;
use rustix::event::epoll;
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, SocketFlags, accept_with, recv, send, sockopt};

/// As long as real servers' responses to the same request.
const RESPONSE: &[u8] = b"HTTP/1.1 200 OK\r\n\
    content-length: 14\r\n\
    content-type: text/plain\r\n\
    date: Thu, 01 Jan 1970 00:00:00 GMT\r\n\
    server: limit\r\n\r\n\
    Hello, world!\n";

/// Holds any batch of requests the load generator sends at once.
const RECEIVE_BYTES: usize = 64 * 1024;

/// Responses one receive may ask for: a full buffer of the shortest thing counted.
const MAX_BATCH: usize = RECEIVE_BYTES / 4;

/// Wake-ups taken per `epoll_wait`.
const MAX_EVENTS: usize = 1024;

/// Marks the listener among events; connections carry their descriptor.
const LISTENER: u64 = u64::MAX;

fn main() -> Result<()> {
    let listener = peer_listen::listener()?;
    let mut server = Server::new(listener).context("cannot set up epoll")?;
    let mut events = Vec::with_capacity(MAX_EVENTS);
    loop {
        events.clear();
        match epoll::wait(&server.epoll, spare_capacity(&mut events), None) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error).context("cannot wait for events"),
        }
        for event in &events {
            match event.data.u64() {
                LISTENER => server.accept().context("cannot accept")?,
                key => server.serve(usize::try_from(key)?, event.flags),
            }
        }
    }
}

struct Server {
    epoll: OwnedFd,
    listener: TcpListener,
    /// Indexed by descriptor, which the kernel keeps dense.
    connections: Vec<Option<OwnedFd>>,
    input: Vec<u8>,
    /// [`MAX_BATCH`] responses in a row; a batch is a slice of it.
    responses: Vec<u8>,
    blank_line: memmem::Finder<'static>,
}

impl Server {
    fn new(listener: TcpListener) -> rustix::io::Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let data = epoll::EventData::new_u64(LISTENER);
        epoll::add(&epoll, &listener, data, epoll::EventFlags::IN)?;
        Ok(Self {
            epoll,
            listener,
            connections: Vec::new(),
            input: vec![0; RECEIVE_BYTES],
            responses: RESPONSE.repeat(MAX_BATCH),
            blank_line: memmem::Finder::new(b"\r\n\r\n"),
        })
    }

    /// Accepts until nothing is left to accept.
    fn accept(&mut self) -> Result<()> {
        loop {
            let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
            let socket = match accept_with(&self.listener, flags) {
                Ok(socket) => socket,
                Err(Errno::AGAIN) => return Ok(()),
                Err(Errno::CONNABORTED | Errno::INTR) => continue,
                Err(error) => return Err(error.into()),
            };
            sockopt::set_tcp_nodelay(&socket, true)?;
            let key = usize::try_from(socket.as_raw_fd())?;
            // Edge-triggered: level-triggered looks at each socket a second time per request.
            let interest = epoll::EventFlags::IN | epoll::EventFlags::RDHUP | epoll::EventFlags::ET;
            epoll::add(&self.epoll, &socket, epoll::EventData::new_u64(key as u64), interest)?;
            if self.connections.len() <= key {
                self.connections.resize_with(key + 1, || None);
            }
            self.connections[key] = Some(socket);
        }
    }

    fn serve(&mut self, key: usize, flags: epoll::EventFlags) {
        let Some(socket) = &self.connections[key] else { return };
        loop {
            let received = match recv(socket, &mut self.input[..], RecvFlags::empty()) {
                Ok((received, _)) if received > 0 => received,
                Err(Errno::AGAIN) => break,
                // The end of the stream, or an error: either way the peer has gone.
                _ => return self.connections[key] = None,
            };
            let asked = self.blank_line.find_iter(&self.input[..received]).count();
            let batch = &self.responses[..asked * RESPONSE.len()];
            // A client that does not read its responses is not one we measure with.
            if asked > 0 && send(socket, batch, SendFlags::NOSIGNAL) != Ok(batch.len()) {
                return self.connections[key] = None;
            }
            // A short read means that the socket is empty; asking again would cost a call.
            if received < self.input.len() {
                break;
            }
        }
        // The end of the stream may have arrived with the last bytes, behind the short read.
        if flags.intersects(epoll::EventFlags::RDHUP | epoll::EventFlags::HUP) {
            self.connections[key] = None;
        }
    }
}
