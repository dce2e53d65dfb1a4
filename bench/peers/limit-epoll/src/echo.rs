//! The least of an echo: one receive and one send per wake-up.
//!
//! Not here: a bound on what a peer that reads nothing has sent back to it; it is not read either
//! before it has taken that.

use std::net::TcpListener;
use std::os::fd::{AsRawFd, OwnedFd};

use anyhow::Result;
use rustix::event::epoll;
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, recv, send};

use crate::RECEIVE_BYTES;
use crate::turn::{self, READS, Turn};

pub(crate) fn run(listener: TcpListener) -> Result<()> {
    let epoll = turn::watch(&listener)?;
    let input = vec![0; RECEIVE_BYTES];
    turn::run(&mut Echo { epoll, listener, connections: Vec::new(), input })
}

struct Echo {
    epoll: OwnedFd,
    listener: TcpListener,
    /// Indexed by descriptor, which the kernel keeps dense.
    connections: Vec<Option<Connection>>,
    input: Vec<u8>,
}

struct Connection {
    socket: OwnedFd,
    /// What the socket did not take yet.
    pending: Vec<u8>,
    /// Whether we are told when more can be sent.
    awaits_space: bool,
}

impl Turn for Echo {
    fn epoll(&self) -> &OwnedFd {
        &self.epoll
    }

    fn accept(&mut self) -> Result<()> {
        let Some(socket) = turn::accept(&self.listener)? else { return Ok(()) };
        let key = usize::try_from(socket.as_raw_fd())?;
        if self.connections.len() <= key {
            self.connections.resize_with(key + 1, || None);
        }
        epoll::add(&self.epoll, &socket, epoll::EventData::new_u64(key as u64), READS)?;
        let connection = Connection { socket, pending: Vec::new(), awaits_space: false };
        self.connections[key] = Some(connection);
        Ok(())
    }

    fn on_event(&mut self, key: usize, flags: epoll::EventFlags) {
        let Some(connection) = &mut self.connections[key] else { return };
        let is_open = connection.serve(&self.epoll, key, &mut self.input).is_ok();
        // The end of the stream may have arrived with the last bytes, behind the short read.
        if !is_open || flags.intersects(epoll::EventFlags::RDHUP | epoll::EventFlags::HUP) {
            self.connections[key] = None;
        }
    }
}

impl Connection {
    /// Sends back what has come, as far as the socket takes it.
    fn serve(&mut self, epoll: &OwnedFd, key: usize, input: &mut [u8]) -> rustix::io::Result<()> {
        let pending = std::mem::take(&mut self.pending);
        if !self.send(&pending)? {
            return Ok(());
        }
        loop {
            let received = match recv(&self.socket, &mut input[..], RecvFlags::empty()) {
                Ok((0, _)) => return Err(Errno::PIPE),
                Ok((received, _)) => received,
                Err(Errno::AGAIN) => return Ok(()),
                Err(error) => return Err(error),
            };
            if !self.send(&input[..received])? {
                if !self.awaits_space {
                    self.awaits_space = true;
                    let data = epoll::EventData::new_u64(key as u64);
                    epoll::modify(epoll, &self.socket, data, READS | epoll::EventFlags::OUT)?;
                }
                return Ok(());
            }
            // A short read means that the socket is empty; asking again would cost a call.
            if received < input.len() {
                return Ok(());
            }
        }
    }

    /// Returns whether all of it was taken; the rest is kept.
    fn send(&mut self, mut bytes: &[u8]) -> rustix::io::Result<bool> {
        while !bytes.is_empty() {
            match send(&self.socket, bytes, SendFlags::NOSIGNAL) {
                Ok(sent) => bytes = &bytes[sent..],
                Err(Errno::AGAIN) => {
                    self.pending = bytes.to_vec();
                    return Ok(false);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }
}
