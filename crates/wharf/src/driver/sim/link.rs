//! One simulated connection: two ends, and what is on its way between them.
//!
//! It behaves like TCP as far as a program can see it: bytes arrive in order, a window bounds those
//! that nobody has read, either side can be closed alone, and whoever closes with unread bytes or
//! is sent more afterwards resets the connection. Not here: chance and time (`net.rs`).

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

/// One of the two ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Client,
    Server,
}

impl Side {
    const fn peer(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}

/// What travels.
#[derive(Debug)]
enum Segment {
    Bytes(Vec<u8>),
    /// The sender will send no more.
    Fin,
    /// The sender knows nothing of the connection any more. Some systems keep what was received
    /// before and some throw it away, and one that is on the way anyhow may be lost.
    Reset {
        destroys: bool,
    },
}

/// What one side has and what is on its way to it.
#[derive(Debug, Default)]
struct End {
    arrived: VecDeque<u8>,
    coming: VecDeque<(Duration, Segment)>,
    coming_bytes: usize,
    /// The peer will send no more.
    at_end: bool,
    /// The peer has reset the connection.
    broken: bool,
    /// This side will send no more.
    shut: bool,
    closed: bool,
    /// Nothing that this side sends is taken before that time.
    blocked_until: Duration,
}

impl End {
    fn push(&mut self, at: Duration, segment: Segment) {
        if let Segment::Bytes(bytes) = &segment {
            self.coming_bytes += bytes.len();
        }
        let last = self.coming.back().map_or(Duration::ZERO, |(at, _)| *at);
        self.coming.push_back((at.max(last), segment));
    }
}

/// A connection.
#[derive(Debug)]
pub(super) struct Link {
    client: End,
    server: End,
    /// How many bytes each end takes before they are read.
    window: usize,
    /// Something went wrong that neither side did.
    pub(super) faulted: bool,
    /// What the client goes on with since the driver gave its end up.
    released: Option<TcpStream>,
}

impl Link {
    pub(super) fn new(window: usize) -> Self {
        let (client, server) = (End::default(), End::default());
        Self { client, server, window, faulted: false, released: None }
    }

    const fn end(&mut self, side: Side) -> &mut End {
        match side {
            Side::Client => &mut self.client,
            Side::Server => &mut self.server,
        }
    }

    const fn view(&self, side: Side) -> &End {
        match side {
            Side::Client => &self.client,
            Side::Server => &self.server,
        }
    }

    /// Takes as much of `bytes` as there is room for; it arrives at `at`.
    pub(super) fn write(&mut self, side: Side, bytes: &[u8], at: Duration) -> io::Result<usize> {
        if let Some(socket) = &mut self.released {
            return socket.write(bytes);
        }
        let window = self.window;
        let end = self.end(side);
        if end.broken {
            return Err(ErrorKind::ConnectionReset.into());
        }
        if end.shut || end.closed {
            return Err(ErrorKind::BrokenPipe.into());
        }
        let peer = self.end(side.peer());
        let room = window.saturating_sub(peer.arrived.len() + peer.coming_bytes);
        let len = room.min(bytes.len());
        if len == 0 {
            return Err(ErrorKind::WouldBlock.into());
        }
        peer.push(at, Segment::Bytes(bytes[..len].to_vec()));
        Ok(len)
    }

    /// Reads what has arrived; nothing at all is the end.
    pub(super) fn read(&mut self, side: Side, buffer: &mut [u8]) -> io::Result<usize> {
        let end = self.end(side);
        if !end.arrived.is_empty() {
            return end.arrived.read(buffer);
        }
        if let Some(socket) = &mut self.released {
            return socket.read(buffer);
        }
        let end = self.view(side);
        match (end.broken, end.at_end) {
            (true, _) => Err(ErrorKind::ConnectionReset.into()),
            (false, true) => Ok(0),
            (false, false) => Err(ErrorKind::WouldBlock.into()),
        }
    }

    /// How many bytes could be read at once.
    pub(super) fn readable_bytes(&self, side: Side) -> usize {
        self.view(side).arrived.len()
    }

    /// How many bytes that this side sent were not read yet.
    pub(super) fn unread_bytes(&self, side: Side) -> usize {
        let peer = self.view(side.peer());
        peer.arrived.len() + peer.coming_bytes
    }

    /// Whether the peer has closed its sending side and all bytes before that were read.
    pub(super) fn is_at_end(&self, side: Side) -> bool {
        let end = self.view(side);
        end.at_end && end.arrived.is_empty()
    }

    pub(super) const fn is_broken(&self, side: Side) -> bool {
        self.view(side).broken
    }

    pub(super) const fn is_closed(&self, side: Side) -> bool {
        self.view(side).closed
    }

    /// Whether a send would get anywhere, if only to an error.
    pub(super) fn is_writable(&self, side: Side, now: Duration) -> bool {
        let (end, peer) = (self.view(side), self.view(side.peer()));
        let has_room = peer.arrived.len() + peer.coming_bytes < self.window;
        end.broken || (has_room && end.blocked_until <= now)
    }

    /// Lets nothing be sent before that time.
    pub(super) const fn block(&mut self, side: Side, until: Duration) {
        self.end(side).blocked_until = until;
    }

    pub(super) fn shut(&mut self, side: Side, at: Duration) {
        if let Some(socket) = &self.released {
            // The other end may be gone already.
            let _ = socket.shutdown(Shutdown::Write);
            return;
        }
        let end = self.end(side);
        if !end.shut && !end.closed {
            end.shut = true;
            self.end(side.peer()).push(at, Segment::Fin);
        }
    }

    pub(super) fn close(&mut self, side: Side, at: Duration, destroys: bool) {
        self.released = None;
        let end = self.end(side);
        if end.closed {
            return;
        }
        end.closed = true;
        let (unread, shut, broken) = (!end.arrived.is_empty(), end.shut, end.broken);
        end.arrived.clear();
        match (broken, unread, shut) {
            (true, _, _) | (false, false, true) => {}
            (false, true, _) => self.end(side.peer()).push(at, Segment::Reset { destroys }),
            (false, false, false) => self.end(side.peer()).push(at, Segment::Fin),
        }
    }

    pub(super) fn reset(&mut self, side: Side, at: Duration, destroys: bool) {
        self.released = None;
        let end = self.end(side);
        if end.closed {
            return;
        }
        end.closed = true;
        end.arrived.clear();
        self.end(side.peer()).push(at, Segment::Reset { destroys });
    }

    /// Breaks the connection for both ends at once, as somebody between them may.
    pub(super) fn cut(&mut self, destroys: bool) {
        self.faulted = true;
        for side in [Side::Client, Side::Server] {
            let end = self.end(side);
            end.broken = true;
            end.coming.clear();
            end.coming_bytes = 0;
            if destroys {
                end.arrived.clear();
            }
        }
    }

    /// Has the client go on with `socket` in place of the server's end, of which so many bytes that
    /// it has not read are given back.
    pub(super) fn release(&mut self, mut socket: TcpStream, len: usize) -> io::Result<Vec<u8>> {
        let mut rest = self.server.arrived.split_off(len);
        socket.write_all(rest.make_contiguous())?;
        if self.server.at_end {
            socket.shutdown(Shutdown::Write)?;
        }
        self.server.closed = true;
        self.released = (!self.client.closed).then_some(socket);
        Ok(std::mem::take(&mut self.server.arrived).into())
    }

    /// Whether the side will send no more.
    pub(super) const fn is_shut(&self, side: Side) -> bool {
        self.view(side).shut
    }

    pub(super) const fn is_released(&self) -> bool {
        self.released.is_some()
    }

    /// Lets everything arrive that is due. `destroys` is asked for each reset that comes of it.
    pub(super) fn deliver(&mut self, now: Duration, mut destroys: impl FnMut() -> bool) {
        while self.deliver_to(Side::Client, now, &mut destroys)
            | self.deliver_to(Side::Server, now, &mut destroys)
        {}
    }

    /// Returns whether anything arrived.
    fn deliver_to(
        &mut self,
        side: Side,
        now: Duration,
        destroys: &mut impl FnMut() -> bool,
    ) -> bool {
        let end = self.end(side);
        if end.coming.front().is_none_or(|(at, _)| *at > now) {
            return false;
        }
        let Some((_, segment)) = end.coming.pop_front() else { return false };
        match segment {
            Segment::Bytes(bytes) => {
                end.coming_bytes -= bytes.len();
                if end.closed {
                    let reset = Segment::Reset { destroys: destroys() };
                    self.end(side.peer()).push(now, reset);
                } else {
                    end.arrived.extend(bytes);
                }
            }
            Segment::Fin => end.at_end = true,
            Segment::Reset { destroys } => {
                end.broken = true;
                if destroys {
                    end.arrived.clear();
                }
            }
        }
        true
    }

    /// When something will happen by itself after `now`.
    pub(super) fn next_event(&self, now: Duration) -> Option<Duration> {
        [Side::Client, Side::Server]
            .into_iter()
            .flat_map(|side| {
                let end = self.view(side);
                let unblocks = Some(end.blocked_until).filter(|until| !end.closed && *until > now);
                [end.coming.front().map(|(at, _)| *at), unblocks]
            })
            .flatten()
            .min()
    }
}
