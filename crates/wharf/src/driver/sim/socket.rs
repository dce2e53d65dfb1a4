//! Simulated connections that no driver owns: not yet, or not any more.
//!
//! Who is given a connection wants a socket of the system's, so that one is made when a driver
//! gives it up: the client's end goes on with the other end of that socket, and from then on
//! nothing goes wrong and nothing takes time. Not here: connections that a driver owns (`mod.rs`).

use std::io;
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use super::link::Side;
use super::net::{SimNet, State};
use super::{RECEIVE_BYTES, SimDriver};
use crate::driver::{Key, Released, Step};

/// An accepted connection, which any driver of the net may adopt.
pub(crate) struct SimSocket {
    net: SimNet,
    link: usize,
    is_adopted: bool,
}

impl SimSocket {
    pub(super) const fn new(net: SimNet, link: usize) -> Self {
        Self { net, link, is_adopted: false }
    }

    pub(super) const fn link(&self) -> usize {
        self.link
    }

    pub(super) const fn note_adopted(&mut self) {
        self.is_adopted = true;
    }
}

impl Drop for SimSocket {
    fn drop(&mut self) {
        if !self.is_adopted {
            self.net.act(|state| state.close(self.link, Side::Server));
        }
    }
}

impl SimDriver {
    /// Gives a connection up, unless it is broken, as the worker is told in any case.
    pub(super) fn give_up(&mut self, index: u32) -> Option<Step<SimSocket>> {
        let slot = &mut self.slots[index as usize];
        let (link, key) = (slot.link?, Key { index, generation: slot.generation });
        let released = self.net.act(|state| state.release(link));
        let (socket, unread) = match released {
            Ok(released) => released?,
            Err(error) => {
                slot.saw_failure = true;
                return Some(Step::Failed(key, error));
            }
        };
        slot.link = None;
        self.free.push(index);
        Some(Step::Released(Released { key, socket, unread }))
    }
}

impl State {
    /// Replaces the server's end by a socket. Gives it back with some of what it has not read, or
    /// nothing if the connection is broken.
    fn release(&mut self, link: usize) -> io::Result<Option<(TcpStream, Vec<u8>)>> {
        // All is there at once: what is on its way to a socket is nobody's business.
        self.links[link].deliver(Duration::MAX, || false);
        if self.links[link].is_broken(Side::Server) {
            return Ok(None);
        }
        let (ours, theirs) = pair()?;
        theirs.set_nonblocking(true)?;
        if self.links[link].is_shut(Side::Server) {
            ours.shutdown(Shutdown::Write)?;
        }
        let all = self.links[link].readable_bytes(Side::Server);
        // The socket may still have the rest, as far as any takes it at once.
        let is_short = self.random.one_in(self.faults.short_read);
        let left = if is_short { self.random.below(all.max(1)).min(RECEIVE_BYTES) } else { 0 };
        let unread = self.links[link].release(theirs, all - left)?;
        self.note("release", link, unread.len());
        Ok(Some((ours, unread)))
    }
}

/// Two ends of a connection.
#[cfg(unix)]
fn pair() -> io::Result<(TcpStream, TcpStream)> {
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixStream;

    let (ours, theirs) = UnixStream::pair()?;
    Ok((OwnedFd::from(ours).into(), OwnedFd::from(theirs).into()))
}

/// Two ends of a connection.
#[cfg(not(unix))]
fn pair() -> io::Result<(TcpStream, TcpStream)> {
    use std::net::{Ipv4Addr, TcpListener};

    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let theirs = TcpStream::connect(listener.local_addr()?)?;
    Ok((listener.accept()?.0, theirs))
}
